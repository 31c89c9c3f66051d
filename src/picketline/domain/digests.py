"""Digests: a day's letters in one mail to each of the organisers who asked for that."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from django.utils import timezone

from picketline.domain import our_mail
from picketline.models import Campaign, CopyAddress, Delivery, Supporter

LOOK_BACK = timedelta(days=7)


def queue() -> int:
    """Queue a digest for every finished UTC day of the last week that has letters and none yet.

    Returns how many. Safe to repeat and to run in several places: a day has one digest for each
    copy address, held by a constraint.
    """
    today = timezone.now().astimezone(UTC).date()
    days = (
        Supporter.objects.filter(
            campaign__copies=Campaign.Copies.DAILY,
            state=Supporter.State.CONFIRMED,
            confirmed_on__gte=today - LOOK_BACK,
            confirmed_on__lt=today,
        )
        .values_list("campaign_id", "confirmed_on")
        .distinct()
    )
    queued = 0
    for campaign_id, day in days:
        addresses = CopyAddress.objects.filter(campaign_id=campaign_id, active=True)
        done = Delivery.objects.filter(
            mail_class=Delivery.MailClass.ORGANISER_DIGEST,
            campaign_id=campaign_id,
            digest_day=day,
        ).values("copy_address_id")
        rows = [_digest(address, day) for address in addresses.exclude(pk__in=done)]
        queued += len(Delivery.objects.bulk_create(rows, ignore_conflicts=True))
    return queued


def _digest(address: CopyAddress, day: date | None) -> Delivery:
    return our_mail.new_notice(
        address.campaign_id,
        Delivery.MailClass.ORGANISER_DIGEST,
        to_the_day=True,
        copy_address=address,
        digest_day=day,
    )
