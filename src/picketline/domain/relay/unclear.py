"""What a proof of absence reads and moves: uncertain mails, and mails that vouch for the log."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef

from picketline.domain.relay import health
from picketline.models import Attempt, Delivery, Evidence

# How many attempts before an uncertain one must have their lines as well.
NEIGHBOURS = 500

# Where the database's clock was set back behind the moment itself, it cannot tell the time since:
# the resolver's own clock does.
_OF = """
SELECT delivery.id, delivery.lease_token, delivery.envelope_hash, attempt.id,
       attempt.outcome = 'crashed',
       now() >= delivery.uncertain_since + make_interval(secs => %(grace)s)
         OR now() < delivery.uncertain_since,
       attempt.looked_for
FROM picketline_delivery delivery
JOIN picketline_attempt attempt
  ON attempt.delivery_id = delivery.id AND attempt.lease_token = delivery.lease_token
WHERE delivery.state = 'uncertain' AND delivery.envelope_hash IS NOT NULL
  AND attempt.relay = %(relay)s
"""
_WITNESSES = """
SELECT delivery.id, delivery.envelope_hash
FROM picketline_attempt attempt
JOIN picketline_delivery delivery ON delivery.id = attempt.delivery_id
WHERE attempt.id >= %(first)s AND attempt.relay = %(relay)s AND attempt.outcome = 'accepted'
  AND attempt.lease_token > %(since)s AND delivery.envelope_hash IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM picketline_evidence evidence WHERE evidence.delivery_id = delivery.id)
"""
_QUEUE_AGAIN = """
WITH gone AS (
    SELECT delivery.id FROM picketline_delivery delivery
    JOIN unnest(%(numbers)s::bigint[], %(tokens)s::bigint[]) AS absent (id, token)
      ON delivery.id = absent.id AND delivery.lease_token = absent.token
    WHERE delivery.state = 'uncertain'
      AND absent.token > (SELECT max(id) FROM picketline_relayhealth WHERE relay = %(relay)s)
      AND NOT EXISTS (
        SELECT FROM picketline_evidence evidence WHERE evidence.delivery_id = delivery.id)
    ORDER BY delivery.id FOR NO KEY UPDATE OF delivery
)
UPDATE picketline_delivery delivery
SET state = 'queued', due_at = now(), uncertain_since = NULL
FROM gone WHERE delivery.id = gone.id
RETURNING delivery.id
"""


Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unclear:
    """An uncertain mail. ``token`` is its last lease's, ``attempt`` that attempt's number.

    ``given_up`` says that the worker never wrote how the attempt ended; ``waited`` that the grace
    has passed by the database's clock; ``looked_for`` that a round has not found it already.
    """

    number: int
    token: int
    envelope: bytes
    attempt: int
    given_up: bool
    waited: bool
    looked_for: bool

    @property
    def key(self) -> Key:
        """The mail and the attempt at it."""
        return self.number, self.token


def of(relay: str, grace: timedelta) -> list[Unclear]:
    """What is uncertain and was handed to this relay last."""
    with connection.cursor() as cursor:
        cursor.execute(_OF, {"relay": relay, "grace": grace.total_seconds()})
        return [
            Unclear(number, token, bytes(envelope), *rest)
            for number, token, envelope, *rest in cursor.fetchall()
        ]


def without_a_line(relay: str, attempt: int) -> dict[int, bytes]:
    """Mails that the relay said yes to around and after this attempt, and no line tells of.

    Only those of Postfix's present run that the log covers. Returns their envelope hashes.
    """
    since = max(health.whole_since(relay) or 0, health.run_since(relay))
    values: dict[str, str | int | None] = {
        "relay": relay,
        "first": attempt - NEIGHBOURS,
        "since": since,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WITNESSES, values)
        return {int(number): bytes(envelope) for number, envelope in cursor.fetchall()}


def still_without_a_line(numbers: Collection[int]) -> bool:
    """Whether there is no evidence of one of these mails."""
    told = Evidence.objects.filter(delivery=OuterRef("pk"))
    return Delivery.objects.filter(~Exists(told), pk__in=numbers).exists()


def note_looked_for(absent: Sequence[Unclear]) -> None:
    """Remember that the relay did not have these when it was asked, whoever asks again."""
    Attempt.objects.filter(pk__in=[mail.attempt for mail in absent]).update(looked_for=True)


def queue_again(relay: str, absent: Sequence[Unclear]) -> int:
    """Queue mails that were proven absent, as they are; returns how many.

    Each only if it is uncertain by the same attempt, without evidence, and the log was whole since
    before that. One that its writer withdrew meanwhile is cancelled by the next chore instead.
    """
    values: dict[str, str | list[int] | None] = {
        "relay": relay,
        "numbers": [mail.number for mail in absent],
        "tokens": [mail.token for mail in absent],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_QUEUE_AGAIN, values)
        moved = len(cursor.fetchall())
        if moved:
            cursor.execute("SELECT pg_notify('picketline_due', '')")
    return moved


def last_attempt() -> int:
    """The highest number of an attempt so far."""
    return int(Attempt.objects.aggregate(last=Max("pk"))["last"] or 0)


def handed_over_since(relay: str, attempt: int) -> bool:
    """Whether anything was handed to this relay after the attempt with this number."""
    later = Attempt.objects.filter(pk__gt=attempt, relay=relay, committed_at__isnull=False)
    return later.exists()
