"""What stays unclear, and why: for the people who have to find out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from picketline.domain import notices
from picketline.domain.relay import health
from picketline.mail import postqueue
from picketline.mail.postqueue import QueueUnreadable
from picketline.models import Campaign, Delivery, RelayLog

State = Delivery.State

TELL_AFTER = timedelta(days=1)
TELL_UNTIL = timedelta(days=2)
READ_LATELY = timedelta(minutes=2)


class Why(StrEnum):
    """Why a mail is still uncertain, in words for an operator."""

    NO_LOG = "no log of the relay is configured here: a person has to find out"
    ELSEWHERE = "it was handed to another host's relay, whose workers read its log"
    GAP = "the relay's log is not known to be whole for its time: a person has to find out"
    RESTART = "the relay was restarted around its time: a person may have to find out"
    UNREAD = "no worker is reading the relay's log at present"
    WAITING = "it may still be on its way, or the proof that it is not is under way"


@dataclass(frozen=True)
class Unresolved:
    """An uncertain mail, its Message-ID, the relay it was handed to and why it is still unclear."""

    number: int
    message_id: str
    relay: str
    why: Why


_UNRESOLVED = """
SELECT delivery.id, delivery.message_id, delivery.lease_token, coalesce(attempt.relay, ''),
       coalesce(attempt.looked_for, false)
FROM picketline_delivery delivery
LEFT JOIN picketline_attempt attempt
  ON attempt.delivery_id = delivery.id AND attempt.lease_token = delivery.lease_token
WHERE delivery.state = 'uncertain' ORDER BY delivery.id
"""


def unresolved() -> list[Unresolved]:
    """Every uncertain mail, as it looks from this host."""
    with connection.cursor() as cursor:
        cursor.execute(_UNRESOLVED)
        rows = cursor.fetchall()
    since = health.whole_since(settings.RELAY_NAME)
    run = health.run_since(settings.RELAY_NAME)
    log = RelayLog.objects.filter(relay=settings.RELAY_NAME)
    is_read = log.filter(read_at__gt=Now() - READ_LATELY).exists()
    return [
        # What was looked for before a restart is not affected by it: see ``resolving``.
        Unresolved(
            number,
            message_id,
            relay,
            _why(token or 0, relay, since, 0 if looked_for else run, is_read),
        )
        for number, message_id, token, relay, looked_for in rows
    ]


def _why(token: int, relay: str, since: int | None, run: int, is_read: bool) -> Why:
    if relay and relay != settings.RELAY_NAME:
        return Why.ELSEWHERE
    if settings.RELAY_LOG is None or not relay:
        return Why.NO_LOG
    if since is None or token <= since:
        return Why.GAP
    if not is_read:
        return Why.UNREAD
    return Why.WAITING if token > run else Why.RESTART


def check(lease: timedelta) -> list[str]:
    """What keeps this host from settling uncertain mails by evidence, or makes it slow.

    A sentence for each problem. ``lease`` is what workers claim with. Without a log configured
    there is nothing to check.
    """
    if settings.RELAY_LOG is None:
        return []
    problems = _problems_of(settings.RELAY_LOG)
    grace = timedelta(seconds=settings.GRACE_SECONDS)
    try:
        postqueue.listing(settings.POSTFIX_CONFIG)
        silence = timedelta(seconds=postqueue.smtpd_timeout(settings.POSTFIX_CONFIG))
    except QueueUnreadable as fault:
        return [*problems, f"Nothing can be proven absent: {fault}"]
    if silence >= lease + grace:
        problems.append(
            f"Postfix waits {silence.total_seconds():.0f} seconds for a silent worker, which is not"
            f" less than lease and grace together ({(lease + grace).total_seconds():.0f}): unclear"
            " letters wait that long. Set smtpd_timeout to a minute."
        )
    return problems


def tell_of_unclear() -> int:
    """Tell the organisers of letters that are unclear since a day; returns how many campaigns.

    In their second day only: a person who cannot find out either is not told for ever.
    """
    letters = Delivery.objects.filter(
        state=State.UNCERTAIN,
        mail_class=Delivery.MailClass.LETTER,
        uncertain_since__lte=Now() - TELL_AFTER,
        uncertain_since__gt=Now() - TELL_UNTIL,
    )
    campaigns = list(Campaign.objects.filter(pk__in=letters.values("campaign")))
    for campaign in campaigns:
        with transaction.atomic():
            notices.tell_organisers(campaign, Delivery.Notice.UNCLEAR)
    return len(campaigns)


def _problems_of(path: Path) -> list[str]:
    try:
        with path.open("rb"):
            return []
    except OSError as fault:
        return [f"The relay's log cannot be read: {fault.strerror}."]
