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

from picketline.domain import lease_statements
from picketline.domain.pacing import planning, tolls
from picketline.domain.pacing.planning import Plan
from picketline.models import Attempt, Delivery

State = Delivery.State
REAP_AT_ONCE = 500


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


def claim(
    limit: int, lease: timedelta, *, relay: str = "", moment: datetime | None = None
) -> list[Lease]:
    """Take up to ``limit`` due mails for as long as ``lease``; none is ever given to two holders.

    Only what may go at this pace is taken, through the relay of this name: nothing of a suspended
    or paused campaign, of a paused target, to a domain or through a relay that does not answer.
    Confirmations come first, the rest in random order, so that one bad mail does not hold up the
    same others again and again. ``moment`` is the database's now, but for tests.
    """
    # The claim must reach the disk: a database that crashed and forgot it would give its tokens out
    # again, and behind a pooler whoever holds one of them lives on.
    with transaction.atomic():
        plan = planning.plan(limit, relay, moment)
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
        cursor.execute(lease_statements.CLAIM, values)
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
        cursor.execute(lease_statements.DURABLE)
        cursor.execute(lease_statements.INTEND, values)
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
        cursor.execute(lease_statements.GIVE_BACK, values)
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

    What the unsent ones took of their gates' room is given back. Returns how many were freed. Safe
    to run in several places at once.
    """
    freed, step = 0, REAP_AT_ONCE
    while step == REAP_AT_ONCE:
        with connection.cursor() as cursor:
            cursor.execute(lease_statements.REAP, {"limit": REAP_AT_ONCE})
            rows = cursor.fetchall()
        unsent: dict[tuple[datetime, str], list[Lease]] = {}
        for was_unsent, started, relay, *lease in rows:
            if was_unsent:
                unsent.setdefault((started, relay), []).append(Lease(*lease))
        # Each in a commit of its own: gates are locked in one order within a refund only.
        for claim_of, mails in unsent.items():
            tolls.refund(mails, {mail.delivery_id: claim_of for mail in mails})
        step = len(rows)
        freed += step
    return freed


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
