"""Doors: which of our addresses a message came to, and whether it is still open.

Aliases are 128 random bits and stored as hashes; who guesses one that does not exist gets the
same answer as for one that is closed. Nothing is ever answered by mail: what has no open door is
refused while its sender's mail server is still connected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256

from django.conf import settings
from django.utils import timezone

from picketline.domain import suppressions
from picketline.domain.streams import COPIES_LABEL, REPLY_LABEL, Stream, stream_of
from picketline.models import Campaign, Delivery, IncomingMessage

Door = IncomingMessage.Door

REPLIES_FROM_ANYONE_FOR = timedelta(days=183)
"""How long after its campaign's end a reply alias takes mail from whoever has it."""
REPLIES_FOR = timedelta(days=730)
"""How long after its campaign's end a reply alias takes mail from the target's own domain."""

_ALIAS = re.compile(r"([bur])\.([a-z2-7]{26})")
_SLUG = re.compile(r"[-a-z0-9_]+")
_STREAMS = frozenset(Stream)


@dataclass(frozen=True)
class OpenDoor:
    """An address of ours that takes mail: of one delivery, or of a campaign as a whole."""

    door: IncomingMessage.Door
    campaign: Campaign
    delivery: Delivery | None = None


def find(recipient: str, envelope_sender: str = "") -> OpenDoor | None:
    """The open door at this address, in capitals or not; None where there is none.

    ``envelope_sender`` matters to old reply aliases only: they know their target's domain.
    """
    local, _, domain = recipient.lower().rpartition("@")
    label, dot, parent = domain.partition(".")
    if not dot or parent != settings.MAIL_DOMAIN:
        return None
    alias = _ALIAS.fullmatch(local)
    if alias is not None:
        return _of_delivery(alias[1], sha256(alias[2].encode()).digest(), label, envelope_sender)
    return _of_campaign(local, label)


def _of_delivery(
    letter: str, alias_hash: bytes, label: str, envelope_sender: str
) -> OpenDoor | None:
    rows = Delivery.objects.select_related("campaign", "target_version")
    if letter == "r":
        delivery = rows.filter(reply_hash=alias_hash).first() if label == REPLY_LABEL else None
        if delivery is None or not _takes_replies(delivery, envelope_sender):
            return None
        return OpenDoor(Door.REPLY, delivery.campaign, delivery)
    delivery = rows.filter(envelope_hash=alias_hash).first() if label in _STREAMS else None
    if delivery is None or stream_of(delivery.mail_class) != label:
        return None
    if letter == "b":
        return OpenDoor(Door.ENVELOPE, delivery.campaign, delivery)
    if not suppressions.is_to_writer(delivery.mail_class):
        return None  # its recipient is no writer, and shall not unsubscribe the one who is
    return OpenDoor(Door.UNSUBSCRIBE, delivery.campaign, delivery)


def _of_campaign(slug: str, label: str) -> OpenDoor | None:
    if not _SLUG.fullmatch(slug) or (label != COPIES_LABEL and label not in _STREAMS):
        return None  # no name that the database could not even be asked for
    campaign = Campaign.objects.public().filter(slug=slug).first()
    if campaign is None:
        return None
    return OpenDoor(Door.COPY if label == COPIES_LABEL else Door.SENDER, campaign)


def hears_anyone(campaign: Campaign) -> bool:
    """Whether a reply may still come from elsewhere than its target's own domain."""
    return _since_end_of(campaign) <= REPLIES_FROM_ANYONE_FOR


def _takes_replies(delivery: Delivery, envelope_sender: str) -> bool:
    if hears_anyone(delivery.campaign):
        return True
    in_time = _since_end_of(delivery.campaign) <= REPLIES_FOR
    return in_time and _is_of_target(envelope_sender, delivery)


def _since_end_of(campaign: Campaign) -> timedelta:
    ended_at = _end_of(campaign)
    return timedelta(0) if ended_at is None else timezone.now() - ended_at


def _end_of(campaign: Campaign) -> datetime | None:
    """When the campaign was closed, or its last day ended; None while it runs."""
    if campaign.closed_at is not None or campaign.closes_on is None:
        return campaign.closed_at
    return datetime.combine(campaign.closes_on, time.max, UTC)


def _is_of_target(address: str, delivery: Delivery) -> bool:
    domain = address.lower().rpartition("@")[2]
    if not domain or delivery.target_version is None:
        return False
    known = delivery.target_version.address.lower().rpartition("@")[2]
    return domain == known or domain.endswith("." + known)
