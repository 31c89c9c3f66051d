"""Supporters: from an unconfirmed submission to letters on their way.

Every function here takes the token of a confirmation link and works without a private key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from picketline.domain import counts, deliveries, links, suppressions
from picketline.domain.campaigns import CampaignClosed
from picketline.domain.freezing import freeze
from picketline.domain.links import CONFIRM_WITHIN
from picketline.domain.sealing import Content
from picketline.models import Campaign, Supporter
from picketline.seal import tokens


class AlreadyWritten(Exception):
    """A letter from this address has been confirmed in this campaign; an address writes once."""


@dataclass(frozen=True)
class PendingLetter:
    """What the confirmation page shows. ``content`` is None once it has been erased."""

    campaign: Campaign
    supporter: Supporter
    content: Content | None
    confirmed: bool
    status_token: str


def open_link(token: str) -> PendingLetter:
    """The letter behind a confirmation link; changes nothing. Raises ``LinkUnknown``."""
    supporter = _by_confirm_token(token)
    confirmed = supporter.state != Supporter.State.UNCONFIRMED
    if not confirmed:
        _refuse_expired(supporter)
    status_token = tokens.derive(token, tokens.STATUS)
    content = links.content(supporter, status_token)
    return PendingLetter(supporter.campaign, supporter, content, confirmed, status_token)


def confirm(token: str) -> str:
    """Freeze the letter, queue a delivery for each target, and return the status link's token.

    Repeating it changes nothing and returns the same. Raises ``LinkUnknown``, ``AlreadyWritten``
    and ``CampaignClosed``, also where none of the targets that were shown is left.
    """
    status_token = tokens.derive(token, tokens.STATUS) if tokens.well_formed(token) else ""
    with transaction.atomic():
        supporter = _by_confirm_token(token, lock=True)
        if supporter.state != Supporter.State.UNCONFIRMED:
            return status_token
        _refuse_expired(supporter)
        now = timezone.now()
        if not supporter.campaign.accepts_letters(now.astimezone(UTC).date()):
            raise CampaignClosed(supporter.campaign.slug)
        _mark_confirmed(supporter, now)
        _cancel_others(supporter)
        links.let_go_of_address(supporter, status_token)
        freeze(supporter, now)
        counts.add(supporter.campaign_id, counts.CountKind.SUPPORTERS, 1)
        if supporter.members:
            counts.add(supporter.campaign_id, counts.CountKind.MEMBERS, supporter.members)
    return status_token


def never_write_again(token: str) -> None:
    """Put the address behind a confirmation link on the suppression list and drop the submission.

    Raises ``LinkUnknown``; after confirmation too, where the status page is the place to leave.
    """
    with transaction.atomic():
        supporter = _by_confirm_token(token, lock=True)
        if supporter.state != Supporter.State.UNCONFIRMED:
            raise links.LinkUnknown
        content = links.content(supporter, tokens.derive(token, tokens.STATUS))
        if content is None:
            raise links.LinkUnknown
        suppressions.add(content.address)
        links.move(supporter, Supporter.State.CANCELLED)
        deliveries.cancel_unsent(supporter)
        links.forget(supporter)


def _by_confirm_token(token: str, *, lock: bool = False) -> Supporter:
    supporter = links.find(token, tokens.CONFIRM, lock=lock)
    if supporter.state == Supporter.State.CANCELLED:
        raise links.LinkUnknown
    return supporter


def _refuse_expired(supporter: Supporter) -> None:
    if timezone.now() - supporter.created_at > CONFIRM_WITHIN:
        raise links.LinkUnknown


def _mark_confirmed(supporter: Supporter, now: datetime) -> None:
    try:
        with transaction.atomic():
            links.move(supporter, Supporter.State.CONFIRMED, confirmed_on=now.date())
    except IntegrityError:
        raise AlreadyWritten from None


def _cancel_others(supporter: Supporter) -> None:
    others = Supporter.objects.unconfirmed().filter(
        campaign_id=supporter.campaign_id, address_index=supporter.address_index
    )
    # A row that is locked is being confirmed or dropped at this moment: the unique index decides
    # between the two, and waiting for it here could only end in a deadlock.
    ours = list(others.exclude(pk=supporter.pk).select_for_update(skip_locked=True))
    others.filter(pk__in=[other.pk for other in ours]).update(state=Supporter.State.CANCELLED)
    deliveries.cancel_unsent(*ours)
    links.forget(*ours)
