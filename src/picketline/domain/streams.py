"""Streams: kinds of mail that are kept apart, so that one's reputation is not the other's fate.

Each has a domain of its own for From, envelope sender and Message-ID, its own DKIM keys and its own
token bucket (security study §4.2).
"""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings

from picketline.models import Campaign, Delivery

MailClass = Delivery.MailClass


class Stream(StrEnum):
    """The label below the mail domain that a stream lives on."""

    LETTERS = "letters"
    CONFIRMATIONS = "confirmations"
    NOTICES = "notices"
    UPDATES = "updates"


_STREAMS = {
    MailClass.LETTER: Stream.LETTERS,
    MailClass.CONFIRMATION: Stream.CONFIRMATIONS,
    MailClass.CAMPAIGN_UPDATE: Stream.UPDATES,
}
REPLY_LABEL, COPIES_LABEL, PROBE_LABEL = "reply", "copies", "probe"


def stream_of(mail_class: MailClass | str) -> Stream:
    """The stream a mail of this class goes with: notices, unless it is one of the other three."""
    return _STREAMS.get(MailClass(mail_class), Stream.NOTICES)


def domain_of(stream: Stream) -> str:
    """The domain of a stream's addresses and Message-IDs."""
    return f"{stream}.{settings.MAIL_DOMAIN}"


def reply_domain() -> str:
    """Where the reply aliases of letters live."""
    return f"{REPLY_LABEL}.{settings.MAIL_DOMAIN}"


def copies_domain() -> str:
    """Where the copy addresses of campaigns live."""
    return f"{COPIES_LABEL}.{settings.MAIL_DOMAIN}"


def copy_address(campaign: Campaign) -> str:
    """What whoever writes from their own mailbox puts in CC."""
    return f"{campaign.slug}@{copies_domain()}"


def probe_domain() -> str:
    """Where mail goes that only shows whether the relay's log is alive; the relay discards it."""
    return f"{PROBE_LABEL}.{settings.MAIL_DOMAIN}"
