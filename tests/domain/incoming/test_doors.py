"""Doors: our addresses are known however they are spelt, and all others are refused alike."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone
from tests import builders
from tests.domain.incoming import arrivals
from tests.domain.incoming.arrivals import MailClass

from picketline.domain.campaigns import close, suspend
from picketline.domain.incoming.doors import REPLIES_FOR, REPLIES_FROM_ANYONE_FOR, Door, find
from picketline.models import Campaign

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def closed_ago(campaign: Campaign, ago: timedelta) -> None:
    close(campaign.slug)
    Campaign.objects.update(closed_at=timezone.now() - ago)


def test_the_envelope_sender_of_a_mail_leads_to_that_mail(campaign: Campaign) -> None:
    first, second = (
        arrivals.sent(campaign, address=f"{who}@writers.example") for who in ("jo", "ann")
    )
    for letter in (first, second):
        found = find(arrivals.envelope(letter))
        assert found is not None
        assert (found.door, found.delivery, found.campaign) == (Door.ENVELOPE, letter, campaign)


def test_an_address_in_capitals_is_the_same_address(campaign: Campaign) -> None:
    letter = arrivals.sent(campaign)
    for address in (arrivals.envelope(letter), arrivals.reply_alias(letter)):
        assert find(address.upper()) == find(address) is not None
    assert find("HARBOUR@Copies.Picketline.Example") is not None


def test_an_alias_opens_one_door_only(campaign: Campaign) -> None:
    letter = arrivals.sent(campaign)
    alias = arrivals.envelope(letter)[2:28]
    reply = arrivals.reply_alias(letter)[2:28]
    for wrong in (
        f"b.{alias}@notices.picketline.example",
        f"b.{alias}@reply.picketline.example",
        f"r.{alias}@reply.picketline.example",
        f"b.{reply}@letters.picketline.example",
        f"r.{reply}@letters.picketline.example",
        f"b.{alias}@letters.picketline.example.evil.example",
        f"b.{alias}@picketline.example",
        f"b.{alias[:-1]}@letters.picketline.example",
        f"b.{alias}@letters.elsewhere.example",
        f"b.{alias}",
        "",
    ):
        assert find(wrong) is None, wrong


def test_who_got_a_letter_cannot_unsubscribe_its_writer(campaign: Campaign) -> None:
    letter = arrivals.sent(campaign)
    assert find(arrivals.unsubscribe(letter)) is None


def test_a_writer_can_unsubscribe_by_the_alias_of_their_own_mail(campaign: Campaign) -> None:
    copy = arrivals.sent(campaign, MailClass.WRITER_COPY)
    found = find(arrivals.unsubscribe(copy))
    assert found is not None
    assert (found.door, found.delivery) == (Door.UNSUBSCRIBE, copy)


@pytest.mark.parametrize(
    ("address", "door"),
    [
        ("harbour@copies.picketline.example", Door.COPY),
        ("harbour@letters.picketline.example", Door.SENDER),
        ("harbour@notices.picketline.example", Door.SENDER),
    ],
)
def test_a_campaign_has_a_copy_address_and_one_sender_in_each_stream(
    campaign: Campaign, address: str, door: Door
) -> None:
    found = find(address)
    assert found is not None
    assert (found.door, found.campaign, found.delivery) == (door, campaign, None)


def test_a_campaign_that_nobody_may_see_has_no_address(campaign: Campaign) -> None:
    suspend("harbour")
    assert find("harbour@copies.picketline.example") is not None
    Campaign.objects.update(state="draft")
    assert find("harbour@copies.picketline.example") is None
    assert find("harbour@letters.picketline.example") is None
    assert find("airport@copies.picketline.example") is None
    assert find("harbour@reply.picketline.example") is None


@pytest.mark.parametrize("local", ["har\0bour", "har\udcffbour", "", "harbour\n"])
def test_what_no_address_can_be_is_refused_without_a_fault(campaign: Campaign, local: str) -> None:
    assert find(f"{local}@copies.picketline.example") is None


@pytest.mark.parametrize(
    ("ago", "sender", "is_open"),
    [
        (REPLIES_FROM_ANYONE_FOR - DAY, "jane@elsewhere.example", True),
        (REPLIES_FROM_ANYONE_FOR + DAY, "jane@elsewhere.example", False),
        (REPLIES_FROM_ANYONE_FOR + DAY, "", False),
        (REPLIES_FROM_ANYONE_FOR + DAY, "jane@notowner.example", False),
        (REPLIES_FROM_ANYONE_FOR + DAY, "Jane@Owner.example", True),
        (REPLIES_FROM_ANYONE_FOR + DAY, "jane@mail.owner.example", True),
        (REPLIES_FOR + DAY, "jane@owner.example", False),
    ],
)
def test_an_old_reply_alias_knows_its_target_and_at_last_nobody(
    campaign: Campaign, ago: timedelta, sender: str, is_open: bool
) -> None:
    alias = arrivals.reply_alias(arrivals.sent(campaign))
    closed_ago(campaign, ago)
    assert (find(alias, sender) is not None) == is_open


def test_the_last_day_of_a_campaign_counts_as_its_end(campaign: Campaign) -> None:
    alias = arrivals.reply_alias(arrivals.sent(campaign))
    with time_machine.travel(timezone.now() + REPLIES_FOR * 2):
        assert find(alias) is not None
    Campaign.objects.update(opens_on=None, closes_on=date(2020, 1, 1))
    assert find(alias) is None
