"""Leases: a worker's right to send a mail for a while, and how a mail comes back from it.

Times come from the database's clock, so that hosts whose clocks differ agree on leases.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from picketline.models import Attempt, Delivery

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send one mail for a while. ``token`` fences out every earlier holder."""

    delivery_id: int
    token: int


class LeaseLost(Exception):
    """The lease has ended or belongs to another worker; nothing was written."""


class BytesChanged(Exception):
    """The letter would go out as other bytes than an earlier attempt committed itself to."""


_CLAIM = """
WITH due AS (
    SELECT delivery.id FROM picketline_delivery delivery
    JOIN picketline_campaign campaign ON campaign.id = delivery.campaign_id
    WHERE delivery.state IN ('queued', 'deferred') AND delivery.due_at <= now()
      AND NOT delivery.recalled
      AND (campaign.state <> 'suspended' OR delivery.mail_class <> 'letter')
    ORDER BY delivery.due_at LIMIT %(limit)s
    FOR UPDATE OF delivery SKIP LOCKED
), claimed AS (
    UPDATE picketline_delivery delivery
    SET state = 'sending', lease_token = nextval('picketline_lease'),
        lease_until = now() + make_interval(secs => %(lease)s), attempt_count = attempt_count + 1
    FROM due WHERE delivery.id = due.id
    RETURNING delivery.id, delivery.lease_token
), noted AS (
    INSERT INTO picketline_attempt
        (delivery_id, lease_token, phase, started_at, outcome, enhanced_code)
    SELECT id, lease_token, 'claimed', now(), '', '' FROM claimed
)
SELECT id, lease_token FROM claimed
"""

_INTEND = """
WITH held AS (
    SELECT id, mail_class <> 'letter' OR mime_sha256 IS NULL OR mime_sha256 = %(sha256)s AS same
    FROM picketline_delivery
    WHERE id = %(id)s AND state = 'sending' AND lease_token = %(token)s
      AND lease_until > now() + make_interval(secs => %(margin)s)
    FOR UPDATE
), noted AS (
    UPDATE picketline_delivery delivery
    SET mime_sha256 = %(sha256)s, envelope_hash = %(envelope)s, reply_hash = %(reply)s
    FROM held WHERE delivery.id = held.id AND held.same
), intended AS (
    UPDATE picketline_attempt attempt SET phase = 'committing', committed_at = now()
    FROM held WHERE attempt.delivery_id = held.id AND held.same
      AND attempt.lease_token = %(token)s AND attempt.phase = 'claimed'
)
SELECT same FROM held
"""

# A mail whose holders died three times may be what killed them: it waits an hour, so that the rest
# of the queue goes on meanwhile.
_REAP = """
WITH late AS (
    SELECT delivery.id, delivery.lease_token, attempt.phase,
           delivery.mail_class <> 'letter' AND delivery.uncertain_since IS NULL AS repeatable
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


def claim(limit: int, lease: timedelta) -> list[Lease]:
    """Take up to ``limit`` due mails for as long as ``lease``; none is ever given to two holders.

    Letters of a suspended campaign stay where they are.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"limit": limit, "lease": lease.total_seconds()})
        leases = [Lease(int(row[0]), int(row[1])) for row in cursor.fetchall()]
    return sorted(leases, key=lambda lease: lease.token)


def intend(
    lease: Lease, *, sha256: bytes, envelope: bytes, reply: bytes | None, margin: timedelta
) -> None:
    """Commit the intent to send exactly these bytes, before the final dot.

    Raises ``LeaseLost`` where the lease is another's by now or has less than ``margin`` left, and
    ``BytesChanged`` where a letter was once to be sent as other bytes. In both cases the dot must
    not be sent.
    """
    values: dict[str, int | float | bytes | None] = {
        "id": lease.delivery_id,
        "token": lease.token,
        "sha256": sha256,
        "envelope": envelope,
        "reply": reply,
        "margin": margin.total_seconds(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_INTEND, values)
        row = cursor.fetchone()
    if row is None:
        raise LeaseLost(f"delivery {lease.delivery_id}")
    if not row[0]:
        raise BytesChanged(f"delivery {lease.delivery_id}")


def give_back(lease: Lease, *, wait: timedelta = timedelta(0)) -> bool:
    """Return a mail that was claimed but not offered, due again after ``wait``.

    It does not count as an attempt.
    """
    with transaction.atomic():
        moved = held(lease).update(
            state=State.QUEUED,
            lease_until=None,
            due_at=Now() + wait,
            attempt_count=F("attempt_count") - 1,
        )
        if moved:
            end_attempt(lease, "given back")
    return bool(moved)


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
