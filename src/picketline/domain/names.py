"""Public names: shown because their bearers asked for it, in batches that hide who came when."""

from __future__ import annotations

import logging
import random
from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from picketline.domain.sealing import opened
from picketline.models import Campaign, Consent, PublicName, Supporter
from picketline.seal.boxes import CannotOpen

log = logging.getLogger(__name__)

BATCH_OF = 20


def publish() -> int:
    """Show the names of those who agreed, and return how many.

    A campaign's names wait until there are ``BATCH_OF`` of them, or until the day after the first
    was confirmed; then they appear together, shuffled.
    """
    published = 0
    for campaign in Campaign.objects.public():
        with transaction.atomic():
            published += _publish_for(campaign)
    return published


def _publish_for(campaign: Campaign) -> int:
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    # Locked, so that nobody withdraws or erases between our reading and their name's appearance;
    # the index is erased together with the names once the campaign has long been over.
    waiting = list(
        Supporter.objects.filter(
            campaign=campaign,
            state=Supporter.State.CONFIRMED,
            consents__kind=Consent.Kind.SHOW_NAME,
            publicname__isnull=True,
            sealed__signature_ct__isnull=False,
            address_index__isnull=False,
        )
        .select_related("campaign", "sealed")
        .select_for_update(of=("self",))
    )
    yesterday = timezone.now().date() - timedelta(days=1)
    old = any(each.confirmed_on and each.confirmed_on <= yesterday for each in waiting)
    if len(waiting) < BATCH_OF and not old:
        return 0
    random.SystemRandom().shuffle(waiting)
    last = PublicName.objects.filter(campaign=campaign).aggregate(last=Max("position"))["last"] or 0
    rows = [_row(each, last + number) for number, each in enumerate(waiting, 1)]
    return len(PublicName.objects.bulk_create(row for row in rows if row is not None))


def _row(supporter: Supporter, position: int) -> PublicName | None:
    """The name to show; None for a damaged signature, which must not hold the others back."""
    try:
        signature = opened(supporter).signature()
    except CannotOpen:
        log.error("the signature of supporter %s cannot be opened", supporter.pk)  # noqa: TRY400 - a traceback says no more
        return None
    name = signature.name
    if signature.organisation:
        name = f"{name}, {signature.organisation}"
    return PublicName(
        supporter=supporter,
        campaign=supporter.campaign,
        name=name[:200],
        country=supporter.country,
        position=position,
    )
