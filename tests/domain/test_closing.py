"""Closing a campaign and erasing: what was on its way goes out, nothing goes out twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from tests import builders, postoffice, writers

from picketline.domain import campaigns, leases
from picketline.domain.deliveries import settle
from picketline.domain.letter_status import erase
from picketline.domain.supporters import AlreadyWritten
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)

LETTERS = Delivery.objects.filter(mail_class=Delivery.MailClass.LETTER)


def _states() -> set[tuple[str, str]]:
    return set(LETTERS.values_list("state", "outcome"))


def test_letters_on_their_way_still_go_out_after_closing() -> None:
    campaign = builders.campaign()
    writers.confirmed(campaign)
    campaigns.close(campaign.slug)
    assert _states() == {("queued", "")}
    assert len(leases.claim(10, postoffice.HOUR)) >= LETTERS.count()


def test_letters_that_a_suspension_held_back_are_cancelled_by_closing() -> None:
    campaign = builders.campaign()
    writers.confirmed(campaign)
    campaigns.suspend(campaign.slug)
    campaigns.close(campaign.slug)
    assert _states() == {("cancelled", "campaign closed")}


def test_a_letter_in_a_workers_hands_at_that_moment_never_comes_back_to_the_queue() -> None:
    campaign = builders.campaign()
    writers.confirmed(campaign)
    held = leases.claim(20, postoffice.HOUR)
    campaigns.suspend(campaign.slug)
    campaigns.close(campaign.slug)
    for lease in held:
        leases.give_back(lease)
    Delivery.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    again = {lease.delivery_id for lease in leases.claim(20, postoffice.HOUR)}
    assert not again & set(LETTERS.values_list("pk", flat=True))


def test_nobody_writes_twice_by_erasing_in_between() -> None:
    campaign = builders.campaign()
    _, token = writers.confirmed(campaign)
    for lease in leases.claim(20, postoffice.HOUR):
        settle(lease, Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE), direct=False)
    erase(token)
    with pytest.raises(AlreadyWritten):
        writers.confirmed(campaign)
