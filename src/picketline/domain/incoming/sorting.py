"""Sorting: what was taken in is examined in a process that may die of it, and gets its kind.

Nothing here answers a message, whatever it says. What cannot be examined is kept in quarantine,
unread, until a person or its time comes.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from picketline.domain.incoming import (
    bounces,
    complaints,
    contents,
    copies,
    messages,
    receiving,
    unsubscribing,
)
from picketline.domain.incoming.fingerprints import fingerprint
from picketline.domain.incoming.receiving import Received
from picketline.domain.incoming.verdicts import Verdict
from picketline.mail.incoming import sandbox
from picketline.mail.incoming.report import Kind as Shape
from picketline.mail.incoming.report import Report
from picketline.mail.incoming.signatures import NO_ANSWER
from picketline.models import IncomingMessage
from picketline.seal.boxes import CannotOpen

log = logging.getLogger(__name__)

EXAMINE_AGAIN_AFTER = timedelta(minutes=10)
MAX_EXAMINATIONS = 3

_WRITTEN = [
    *("state", "kind", "sorted_at", "content_ct", "reason", "permanent", "enhanced_code"),
    *("publication", "delivery", "supporter", "target"),
]

Door, Kind, State = IncomingMessage.Door, IncomingMessage.Kind, IncomingMessage.State


def sort_due(limit: int = 10) -> int:
    """Sort up to ``limit`` messages that wait for it; returns how many were looked at.

    May run in many workers. A message is out of the others' hands for a while before it is
    examined, so one that brings a worker down is not met again at once; after the third time it
    goes to quarantine unexamined. A copy whose signature cannot be checked, because the DNS is
    silent, waits in the same way. Raises what the database raises.
    """
    for number in range(limit):
        message = _claim()
        if message is None:
            return number
        _sort(message)
    return limit


def requeue(number: int) -> bool:
    """Have a quarantined message examined again; False where there is none of this number."""
    return bool(
        IncomingMessage.objects.filter(pk=number, state=State.QUARANTINED).update(
            state=State.RECEIVED, attempts=0, reason="", examine_at=Now(), sorted_at=None
        )
    )


def _claim() -> IncomingMessage | None:
    with transaction.atomic():
        waiting = IncomingMessage.objects.filter(state=State.RECEIVED, examine_at__lte=Now())
        message = waiting.select_for_update(skip_locked=True).order_by("examine_at").first()
        if message is not None:
            row = IncomingMessage.objects.filter(pk=message.pk)
            row.update(attempts=F("attempts") + 1, examine_at=Now() + EXAMINE_AGAIN_AFTER)
    return message


def _sort(message: IncomingMessage) -> None:
    if message.attempts >= MAX_EXAMINATIONS:
        _quarantine(message, "examined too often")
        return
    try:
        received = receiving.opened(message)
        # Only what is counted by its signature is worth the questions to name servers.
        report = sandbox.examine(
            received.raw, verify=message.door == Door.COPY, nameservers=settings.NAMESERVERS
        )
    except CannotOpen:
        _quarantine(message, "its seal cannot be opened")
    except sandbox.NotExamined as reason:
        _quarantine(message, str(reason))
    else:
        if message.door != Door.COPY or not copies.is_undecided(report):
            _settle(message.pk, received, report)
        elif message.attempts + 1 >= MAX_EXAMINATIONS:
            _quarantine(message, NO_ANSWER)


def _quarantine(message: IncomingMessage, reason: str) -> None:
    log.warning("incoming message %s is in quarantine: %s", message.pk, reason)
    IncomingMessage.objects.filter(pk=message.pk, state=State.RECEIVED).update(
        state=State.QUARANTINED, sorted_at=Now(), reason=reason[:40]
    )


def _settle(number: int, received: Received, report: Report) -> None:
    """Let whoever takes such messages act on it, and write down what it was, all at once."""
    with transaction.atomic():
        rows = IncomingMessage.objects.select_for_update(of=("self",)).defer("raw_ct")
        rows = rows.select_related("campaign", "delivery__campaign", "delivery__target")
        message = rows.filter(pk=number, state=State.RECEIVED).first()
        if message is None:
            return  # another worker has sorted it meanwhile
        mark = fingerprint(received.recipient, report.message_id, received.raw)
        if not _is_first(message, mark):
            _drop(message)
            return
        verdict = _taken(message, report)
        if _is_uncounted(message, verdict) and not _is_first(message, mark, verdict.reason):
            _drop(message)
            return
        message.state, message.kind = State.SORTED, verdict.kind
        message.reason, message.publication = verdict.reason, verdict.publication
        message.permanent, message.enhanced_code = verdict.permanent, verdict.enhanced_code
        message.content_ct = contents.sealed(report, message.door) if verdict.readable else None
        message.sorted_at = timezone.now()
        message.save(update_fields=_WRITTEN)


def _drop(message: IncomingMessage) -> None:
    message.delete()
    log.info("an incoming message came twice; the second one is dropped")


def _is_uncounted(message: IncomingMessage, verdict: Verdict) -> bool:
    return message.door == Door.COPY and verdict.reason != copies.COUNTED


def _is_first(message: IncomingMessage, mark: bytes, reason: str = "") -> bool:
    """Whether no message has this mark yet; from now on this one has it.

    With the ``reason`` that a copy did not count for it is a second one only to its like: what a
    forger sent before the letter itself displaces no letter.
    """
    message.fingerprint = sha256(mark + reason.encode()).digest() if reason else mark
    try:
        with transaction.atomic():
            message.save(update_fields=["fingerprint"])
    except IntegrityError:
        return False
    return True


def _taken(message: IncomingMessage, report: Report) -> Verdict:
    """What the message is. The order matters: a machine's mail is never taken for a person's."""
    if message.door == Door.UNSUBSCRIBE:
        return unsubscribing.take(message)
    if report.kind is Shape.COMPLAINT:
        return complaints.take(message)
    if report.kind is Shape.BOUNCE:
        return bounces.take(message, report)
    if report.automatic or report.kind is Shape.AUTO_REPLY:
        return Verdict(Kind.AUTO_REPLY, report.automatic[:40])
    return messages.take(message, report)
