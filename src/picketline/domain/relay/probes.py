"""Probes: mails to nobody, handed to the relay to see whether its log tells of what it takes.

A letter is absent from the log only if the log still tells of a mail that was handed over later.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone

from picketline.domain.streams import Stream, domain_of, probe_domain
from picketline.mail.outcomes import Kind, Outcome
from picketline.mail.smtp import ConnectFailed, Route, Timeouts, connect
from picketline.models import RelayProbe

KEPT_FOR = timedelta(days=1)
# Letters wait meanwhile; a relay that is slower than this is asked again later.
_PATIENCE = Timeouts(5, 5, 5, 5, 5, 5, 1)


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe that the relay said yes to. ``envelope`` is the hash of its envelope sender."""

    number: int
    envelope: bytes


def hand_over(relay: str, route: Route) -> Probe | None:
    """Hand a probe over on a connection of its own; None where it was not surely taken.

    Its row is committed before, so that no line in the log can be there earlier.
    """
    alias = b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
    with transaction.atomic():
        RelayProbe.objects.filter(relay=relay, handed_at__lt=Now() - KEPT_FOR).delete()
        envelope = sha256(alias.encode()).digest()
        row = RelayProbe.objects.create(relay=relay, envelope_hash=envelope, handed_at=Now())
    if _handed(replace(route, timeouts=_PATIENCE), alias):
        return Probe(row.pk, envelope)
    RelayProbe.objects.filter(pk=row.pk, seen_at=None).delete()
    return None


def last(relay: str) -> int:
    """The highest number of a probe so far; whatever gets a higher one is handed over later."""
    found = RelayProbe.objects.filter(relay=relay).aggregate(last=Max("pk"))
    return int(found["last"] or 0)


def seen_after(relay: str, number: int) -> bool:
    """Whether the log tells of a probe with a higher number."""
    return RelayProbe.objects.filter(relay=relay, pk__gt=number, seen_at__isnull=False).exists()


def handed_lately(relay: str, within: timedelta) -> bool:
    """Whether anybody handed this relay a probe within this time."""
    lately = RelayProbe.objects.filter(relay=relay, handed_at__gt=Now() - within)
    return lately.filter(handed_at__lte=Now()).exists()


def unseen(numbers: Collection[int]) -> set[int]:
    """Which of these the log does not tell of. What was handed over long ago is forgotten."""
    rows = RelayProbe.objects.filter(pk__in=numbers, seen_at=None)
    return set(rows.values_list("pk", flat=True))


def _handed(route: Route, alias: str) -> bool:
    sender = f"b.{alias}@{domain_of(Stream.LETTERS)}"
    try:
        with connect(route) as connection:
            pending = connection.offer(sender, f"probe@{probe_domain()}", _message(alias))
            outcome = pending if isinstance(pending, Outcome) else connection.commit(pending)
    except ConnectFailed:
        return False
    return outcome.kind is Kind.ACCEPTED


def _message(alias: str) -> bytes:
    domain = probe_domain()
    lines = [
        f"Date: {format_datetime(timezone.now())}",
        f"From: probe@{domain}",
        f"To: probe@{domain}",
        f"Message-ID: <{alias}@{domain}>",
        "Auto-Submitted: auto-generated",
        "Subject: Is the log alive?",
        "",
        "The relay throws this away.",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")
