"""What the log or the queue says of a mail, written down as evidence and as its relay status.

A mail is known by its envelope sender, of which only the hash is kept: an alias of one delivery,
which nobody knows before a server has had the mail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.db import connection, transaction

from picketline.mail.postfix_log import Kind, LogEvent
from picketline.models import Delivery, Evidence

Proof = Evidence.Kind
Status = Delivery.RelayStatus

STATUSES = {
    Kind.DEFERRED: Status.DEFERRED,
    Kind.SENT: Status.SENT,
    Kind.BOUNCED: Status.BOUNCED,
    Kind.EXPIRED: Status.EXPIRED,
}
"""What an event makes of a mail's relay status."""

_PROOFS = {
    Kind.QUEUED: Proof.QUEUED,
    Kind.DEFERRED: Proof.DEFERRED,
    Kind.SENT: Proof.SENT,
    Kind.BOUNCED: Proof.BOUNCED,
    Kind.EXPIRED: Proof.BOUNCED,
}
# A status gives way to a later one only: a line that is read twice changes nothing.
_RANKS: dict[Status | None, int] = {
    Status.DEFERRED: 1,
    Status.SENT: 2,
    Status.BOUNCED: 3,
    Status.EXPIRED: 3,
}
_ALIAS = re.compile(r"b\.([a-z2-7]{26})@")

_DELIVERIES = """
SELECT id, envelope_hash FROM picketline_delivery WHERE envelope_hash = ANY(%s)
"""
_SEE = """
UPDATE picketline_relayprobe SET seen_at = now()
WHERE relay = %s AND seen_at IS NULL AND envelope_hash = ANY(%s)
"""
# Short queue ids come again, and those of two hosts may be the same.
_OWNERS = """
SELECT DISTINCT ON (evidence.queue_id) evidence.queue_id, evidence.delivery_id
FROM picketline_evidence evidence
WHERE evidence.queue_id = ANY(%s) AND evidence.kind = 'queued' AND EXISTS (
    SELECT FROM picketline_attempt attempt
    WHERE attempt.delivery_id = evidence.delivery_id AND attempt.relay = %s)
ORDER BY evidence.queue_id, evidence.id DESC
"""
_WRITE = """
INSERT INTO picketline_evidence (delivery_id, queue_id, kind, seen_at)
SELECT owner, queue_id, kind, now()
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS note (owner, queue_id, kind)
ON CONFLICT DO NOTHING
"""
_SET_STATUS = """
WITH heard AS (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::text[])
        AS heard (owner, status, rank, code)
), held AS (
    SELECT delivery.id FROM picketline_delivery delivery
    WHERE delivery.id IN (SELECT owner FROM heard)
    ORDER BY delivery.id FOR NO KEY UPDATE
)
UPDATE picketline_delivery delivery
SET relay_status = heard.status, relay_status_at = now(),
    enhanced_code = CASE heard.code WHEN '' THEN delivery.enhanced_code ELSE heard.code END
FROM heard JOIN held ON held.id = heard.owner
WHERE delivery.id = heard.owner
  AND heard.rank > coalesce((%s::jsonb ->> delivery.relay_status)::int, 0)
"""
# The letter went out and counts; what became of it is its state.
_BOUNCE = """
UPDATE picketline_delivery SET state = 'bounced'
WHERE id = ANY(%s) AND state = 'accepted' AND relay_status IN ('bounced', 'expired')
"""
_ACCEPT = """
WITH told AS (
    SELECT delivery.id FROM picketline_delivery delivery
    WHERE delivery.state = 'uncertain' AND EXISTS (
        SELECT FROM picketline_evidence evidence WHERE evidence.delivery_id = delivery.id)
    ORDER BY delivery.id FOR NO KEY UPDATE
), proven AS (
    UPDATE picketline_delivery delivery
    SET state = 'accepted', settled_at = now(), outcome = 'evidence'
    FROM told WHERE delivery.id = told.id
    RETURNING delivery.id, campaign_id, mail_class
), counted AS (
    INSERT INTO picketline_countentry (campaign_id, kind, delta, created_on, summed)
    SELECT campaign_id, 'letters', count(*), (now() AT TIME ZONE 'UTC')::date, false
    FROM proven WHERE mail_class = 'letter' GROUP BY campaign_id
)
SELECT id FROM proven
"""


@dataclass(frozen=True, slots=True)
class Note:
    """An event of the log that is about the delivery with the number ``owner``."""

    owner: int
    event: LogEvent


def hash_of(sender: str) -> bytes | None:
    """What is kept of an envelope sender of ours; None for any other."""
    match = _ALIAS.match(sender)
    return sha256(match[1].encode()).digest() if match else None


def deliveries_of(senders: Collection[str]) -> dict[str, int]:
    """The numbers of the deliveries that went out under these envelope senders."""
    hashes = {digest: sender for sender in senders if (digest := hash_of(sender)) is not None}
    with connection.cursor() as cursor:
        cursor.execute(_DELIVERIES, [list(hashes)])
        return {hashes[bytes(digest)]: number for number, digest in cursor.fetchall()}


def see_probes(relay: str, senders: Collection[str]) -> None:
    """Note of the probes among these envelope senders that the log tells of them."""
    hashes = [digest for sender in senders if (digest := hash_of(sender)) is not None]
    with connection.cursor() as cursor:
        cursor.execute(_SEE, [relay, hashes])


def owners_of(relay: str, queue_ids: Collection[str]) -> dict[str, int | None]:
    """Whose mail has these queue ids, as far as that was noted before."""
    if not queue_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_OWNERS, [list(queue_ids), relay])
        return dict(cursor.fetchall())


def write(notes: Sequence[Note]) -> None:
    """Keep the notes, and move on every relay status that they change."""
    _write([(note.owner, note.event.queue_id, _PROOFS[note.event.kind]) for note in notes])
    heard: dict[int, Status] = {}
    codes: dict[int, str] = {}
    for note in notes:
        status = STATUSES.get(note.event.kind)
        if status and _RANKS[status] > _RANKS.get(heard.get(note.owner), 0):
            heard[note.owner] = status
            # Of Postfix itself, which gave up because of something here, nobody else's code.
            codes[note.owner] = note.event.dsn[:12] if note.event.smtp_code else ""
    if not heard:
        return
    ranks = [_RANKS[status] for status in heard.values()]
    statuses = [status.value for status in heard.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            _SET_STATUS,
            [list(heard), statuses, ranks, list(codes.values()), json.dumps(_RANKS)],
        )
        cursor.execute(_BOUNCE, [list(heard)])


def write_queued(found: Sequence[tuple[int, str]]) -> None:
    """Keep that the relay has these mails in its queue: pairs of delivery and queue id."""
    _write([(number, queue_id, Proof.QUEUED) for number, queue_id in found])


def accept_proven() -> list[int]:
    """Settle every uncertain mail that there is evidence of; each letter counts once.

    Returns their numbers. Whichever relay has it: the mail was taken.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ACCEPT)
        proven = [int(row[0]) for row in cursor.fetchall()]
        if proven:
            cursor.execute(_BOUNCE, [proven])
    return proven


def _write(rows: Sequence[tuple[int, str, Proof]]) -> None:
    if not rows:
        return
    owners, queue_ids, kinds = zip(*dict.fromkeys(rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [list(owners), list(queue_ids), [kind.value for kind in kinds]])
