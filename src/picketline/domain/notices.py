"""Notices: organisers are told of what needs a person, at most once a day for each thing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from django.utils import timezone

from picketline.domain import our_mail
from picketline.domain.pacing import Blocked
from picketline.models import Campaign, CopyAddress, Delivery, Target


def tell_organisers(campaign: Campaign, kind: Delivery.Notice, target: Target | None = None) -> int:
    """Queue a mail to each active copy address of the campaign, in the caller's transaction.

    However often something is told on one UTC day, each address gets one mail of a kind about a
    target. Returns to how many addresses the thing is told, now or earlier that day; 0 where the
    campaign has no copy address, so that nobody can be told.
    """
    addresses = CopyAddress.objects.filter(campaign=campaign, active=True)
    rows = [_notice(address, kind, target) for address in addresses]
    return len(Delivery.objects.bulk_create(rows, ignore_conflicts=True))


def tell_of_blocks(blocks: Iterable[Blocked]) -> None:
    """Tell the organisers of each campaign whose letters a target refuses from now on."""
    for block in blocks:
        campaign = Campaign.objects.get(pk=block.campaign_id)
        target = Target.objects.get(pk=block.target_id)
        tell_organisers(campaign, Delivery.Notice.BLOCKED, target)


def _notice(address: CopyAddress, kind: Delivery.Notice, target: Target | None) -> Delivery:
    return our_mail.new_notice(
        address.campaign_id,
        Delivery.MailClass.ORGANISER_NOTICE,
        to_the_day=True,
        copy_address=address,
        notice=kind,
        target=target,
        digest_day=timezone.now().astimezone(UTC).date(),
    )
