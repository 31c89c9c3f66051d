"""Leases: a worker's right to send a mail for a while, and how a mail comes back from it.

Times come from the database's clock, so that hosts whose clocks differ agree on leases. What may be
claimed at all is the matter of ``picketline.domain.pacing``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from picketline.domain.pacing import lanes, tolls
from picketline.domain.pacing.lanes import Plan
from picketline.models import Attempt, Delivery

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send one mail for a while. ``token`` fences out every earlier holder.

    ``domain`` is that of a letter's target, in small letters; empty for other mail.
    """

    delivery_id: int
    token: int
    mail_class: str
    campaign_id: int
    target_id: int | None
    domain: str


@dataclass(frozen=True, slots=True)
class Intent:
    """The bytes that are about to go out under a lease, and the hashes of their two aliases."""

    lease: Lease
    sha256: bytes
    envelope: bytes
    reply: bytes | None


class Intended(Enum):
    """What became of an intent. The dot may be sent for ``HELD`` only."""

    HELD = auto()
    LOST = auto()
    CHANGED = auto()


class LeaseLost(Exception):
    """The lease has ended or belongs to another worker; nothing was written."""


class BytesChanged(Exception):
    """The letter would go out as other bytes than an earlier attempt committed itself to."""


# A mail that organisers stopped while a worker held it has a ``settled_at``: it is cancelled when
# it comes to be claimed again.
_CLAIM = """
WITH due AS (
    SELECT picked.* FROM unnest(%(lanes)s::bigint[], %(letters)s::int[]) AS wanted (lane, number)
    CROSS JOIN LATERAL (
        SELECT delivery.id, delivery.settled_at FROM picketline_delivery delivery
        WHERE delivery.target_version_id = wanted.lane AND delivery.mail_class = 'letter'
          AND delivery.state IN ('queued', 'deferred') AND delivery.due_at <= %(moment)s
          AND NOT delivery.recalled
        ORDER BY delivery.due_at LIMIT wanted.number FOR NO KEY UPDATE SKIP LOCKED
    ) picked
    UNION ALL
    SELECT picked.* FROM unnest(%(classes)s::text[], %(mails)s::int[]) AS wanted (class, number)
    CROSS JOIN LATERAL (
        SELECT delivery.id, NULL::timestamptz FROM picketline_delivery delivery
        WHERE delivery.mail_class = wanted.class AND delivery.mail_class <> 'letter'
          AND delivery.state IN ('queued', 'deferred') AND delivery.due_at <= %(moment)s
          AND NOT delivery.recalled
        ORDER BY delivery.due_at LIMIT wanted.number FOR NO KEY UPDATE SKIP LOCKED
    ) picked
), stopped AS (
    UPDATE picketline_delivery delivery SET state = 'cancelled', outcome = 'stopped'
    WHERE delivery.id = ANY (ARRAY(SELECT id FROM due WHERE settled_at IS NOT NULL))
), claimed AS (
    UPDATE picketline_delivery delivery
    SET state = 'sending', lease_token = nextval('picketline_lease'),
        lease_until = %(moment)s + make_interval(secs => %(lease)s),
        attempt_count = attempt_count + 1
    WHERE delivery.id = ANY (ARRAY(SELECT id FROM due WHERE settled_at IS NULL))
    RETURNING delivery.id, delivery.lease_token, delivery.mail_class, delivery.campaign_id,
              delivery.target_id, delivery.target_version_id
), noted AS (
    INSERT INTO picketline_attempt
        (delivery_id, lease_token, phase, started_at, outcome, relay, enhanced_code)
    SELECT id, lease_token, 'claimed', %(moment)s, '', %(relay)s, '' FROM claimed
)
SELECT * FROM claimed
"""

# Rows that somebody else is changing right now, such as a withdrawal, are as good as lost: waiting
# for several of them could end in a deadlock.
_INTEND = """
WITH wanted AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[], %(sha256)s::bytea[],
        %(envelopes)s::bytea[], %(replies)s::bytea[]) AS one (id, token, sha256, envelope, reply)
), held AS (
    SELECT wanted.*, delivery.mail_class <> 'letter' OR delivery.mime_sha256 IS NULL
                     OR delivery.mime_sha256 = wanted.sha256 AS same
    FROM wanted JOIN picketline_delivery delivery ON delivery.id = wanted.id
    WHERE delivery.state = 'sending' AND delivery.lease_token = wanted.token
      AND delivery.lease_until > now() + make_interval(secs => %(margin)s)
      AND NOT delivery.recalled
    FOR NO KEY UPDATE OF delivery SKIP LOCKED
), noted AS (
    UPDATE picketline_delivery delivery
    SET mime_sha256 = held.sha256, envelope_hash = held.envelope, reply_hash = held.reply
    FROM held WHERE delivery.id = held.id AND held.same
), intended AS (
    UPDATE picketline_attempt attempt
    SET phase = 'committing', committed_at = now(),
        relay = CASE %(relay)s WHEN '' THEN relay ELSE %(relay)s END
    FROM held WHERE attempt.delivery_id = held.id AND held.same
      AND attempt.lease_token = held.token AND attempt.phase = 'claimed'
)
SELECT id, same FROM held
"""

_GIVE_BACK = """
WITH returned AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[]) AS one (id, token)
), held AS (
    SELECT delivery.id, delivery.lease_token, delivery.settled_at IS NOT NULL AS stopped
    FROM returned JOIN picketline_delivery delivery
      ON delivery.id = returned.id AND delivery.lease_token = returned.token
    WHERE delivery.state = 'sending'
    ORDER BY delivery.id FOR NO KEY UPDATE OF delivery
), back AS (
    UPDATE picketline_delivery delivery
    SET state = CASE WHEN held.stopped THEN 'cancelled' ELSE 'queued' END, lease_until = NULL,
        outcome = CASE WHEN held.stopped THEN 'stopped' ELSE delivery.outcome END,
        due_at = now() + make_interval(secs => %(wait)s), attempt_count = attempt_count - 1
    FROM held WHERE delivery.id = held.id
)
UPDATE picketline_attempt attempt SET phase = 'ended', ended_at = now(), outcome = 'given back'
FROM held WHERE attempt.delivery_id = held.id AND attempt.lease_token = held.lease_token
RETURNING attempt.delivery_id, attempt.started_at, attempt.relay
"""

# A mail whose holders died three times may be what killed them: it waits an hour, so that the rest
# of the queue goes on meanwhile.
_REAP = """
WITH late AS (
    SELECT delivery.id, delivery.lease_token, attempt.phase,
           delivery.mail_class <> 'letter' AND delivery.mail_class <> 'campaign update'
             AND delivery.uncertain_since IS NULL AS repeatable
    FROM picketline_delivery delivery
    JOIN picketline_attempt attempt
      ON attempt.delivery_id = delivery.id AND attempt.lease_token = delivery.lease_token
    WHERE delivery.state = 'sending' AND delivery.lease_until < now()
    FOR UPDATE OF delivery SKIP LOCKED
), ended AS (
    UPDATE picketline_attempt attempt SET phase = 'ended', ended_at = now(), outcome = 'crashed'
    FROM late WHERE attempt.delivery_id = late.id AND attempt.lease_token = late.lease_token
)
UPDATE picketline_delivery delivery
SET state = CASE WHEN late.phase = 'claimed' THEN 'queued'
                 WHEN late.repeatable THEN 'deferred' ELSE 'uncertain' END,
    uncertain_since = CASE WHEN late.phase = 'claimed' THEN uncertain_since ELSE now() END,
    outcome = CASE WHEN late.phase = 'claimed' THEN outcome ELSE 'uncertain' END,
    due_at = CASE WHEN late.phase = 'claimed' AND attempt_count >= 3
                  THEN now() + interval '1 hour' ELSE due_at END,
    lease_until = NULL
FROM late WHERE delivery.id = late.id
"""


def claim(
    limit: int, lease: timedelta, *, relay: str = "", moment: datetime | None = None
) -> list[Lease]:
    """Take up to ``limit`` due mails for as long as ``lease``; none is ever given to two holders.

    Only what may go at this pace is taken, through the relay of this name: nothing of a suspended
    or paused campaign, of a paused target, to a domain or through a relay that does not answer.
    Confirmations come first, the rest in random order, so that one bad mail does not hold up the
    same others again and again. ``moment`` is the database's now, but for tests.
    """
    with transaction.atomic():
        plan = lanes.plan(limit, relay, moment)
        leases = _take(plan, lease, relay) if plan.letters or plan.notices else []
        if leases:
            tolls.charge(plan, leases, relay, lease)
    random.shuffle(leases)
    return sorted(leases, key=lambda each: each.mail_class != Delivery.MailClass.CONFIRMATION)


def _take(plan: Plan, lease: timedelta, relay: str) -> list[Lease]:
    values: dict[str, Any] = {
        "moment": plan.moment,
        "lease": lease.total_seconds(),
        "relay": relay,
        "lanes": list(plan.letters),
        "letters": list(plan.letters.values()),
        "classes": [each.value for each in plan.notices],
        "mails": list(plan.notices.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        rows = cursor.fetchall()
    domains = {number: lane.domain_name for number, lane in plan.lanes.items()}
    return [
        Lease(number, token, mail_class, campaign, target, domains.get(version, ""))
        for number, token, mail_class, campaign, target, version in rows
    ]


def intend_many(
    intents: Sequence[Intent], margin: timedelta, *, relay: str = ""
) -> dict[int, Intended]:
    """Commit the intents to send exactly these bytes, before the final dots, in one statement.

    The answer has every delivery's number. ``LOST`` means that the lease is another's by now, has
    less than ``margin`` left, that its writer called the mail back, or that somebody is writing on
    it at this moment; ``CHANGED``
    that a letter was once to be sent as other bytes. For both the dot must not be sent. ``relay``
    is noted with the attempts where it is not the one that they were claimed for.
    """
    values: dict[str, Any] = {
        "ids": [intent.lease.delivery_id for intent in intents],
        "tokens": [intent.lease.token for intent in intents],
        "sha256": [intent.sha256 for intent in intents],
        "envelopes": [intent.envelope for intent in intents],
        "replies": [intent.reply for intent in intents],
        "margin": margin.total_seconds(),
        "relay": relay,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_INTEND, values)
        same = dict(cursor.fetchall())
    fates = {True: Intended.HELD, False: Intended.CHANGED, None: Intended.LOST}
    return {number: fates[same.get(number)] for number in values["ids"]}


def intend(intent: Intent, margin: timedelta) -> None:
    """Commit the intent to send exactly these bytes, before the final dot.

    Raises ``LeaseLost`` and ``BytesChanged``, as ``intend_many`` tells of them. In both cases the
    dot must not be sent.
    """
    number = intent.lease.delivery_id
    fate = intend_many([intent], margin)[number]
    if fate is Intended.LOST:
        raise LeaseLost(f"delivery {number}")
    if fate is Intended.CHANGED:
        raise BytesChanged(f"delivery {number}")


def give_back(leases: Sequence[Lease] | Lease, *, wait: timedelta = timedelta(0)) -> int:
    """Return mails that were claimed but whose final dot was not sent, due again after ``wait``.

    It does not count as an attempt, and what they took of their gates' room is given back too. One
    that organisers stopped meanwhile is cancelled. Returns how many were still the holder's.
    """
    returned = [leases] if isinstance(leases, Lease) else list(leases)
    values: dict[str, Any] = {
        "ids": [lease.delivery_id for lease in returned],
        "tokens": [lease.token for lease in returned],
        "wait": wait.total_seconds(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_GIVE_BACK, values)
        claimed = {number: (started, relay) for number, started, relay in cursor.fetchall()}
        tolls.refund([each for each in returned if each.delivery_id in claimed], claimed)
    return len(claimed)


def drop(lease: Lease, reason: str) -> bool:
    """Cancel a claimed mail that must not be sent any more, such as one to a suppressed address."""
    with transaction.atomic():
        moved = held(lease).update(
            state=State.CANCELLED,
            lease_until=None,
            settled_at=Now(),
            outcome=reason,
            budget_hash=None,
        )
        if moved:
            end_attempt(lease, reason)
    return bool(moved)


def reap() -> int:
    """Free mails whose holder died: unsent ones are queued again, unclear ones become uncertain.

    Returns how many. Safe to run in several places at once.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REAP)
        return int(cursor.rowcount)


def held(lease: Lease) -> QuerySet[Delivery]:
    """The mail itself, as long as the lease holds; empty afterwards."""
    return Delivery.objects.filter(
        pk=lease.delivery_id, state=State.SENDING, lease_token=lease.token
    )


def end_attempt(lease: Lease, outcome: str, **codes: object) -> None:
    """Write how the attempt under this lease ended. Codes are SMTP's, stored plainly."""
    Attempt.objects.filter(delivery_id=lease.delivery_id, lease_token=lease.token).update(
        phase=Attempt.Phase.ENDED, ended_at=Now(), outcome=outcome, **codes
    )
