"""Notices: organisers learn what needs a person, in their language, and once a day at most."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from tests import builders, postoffice

from picketline.domain.notices import tell_organisers
from picketline.domain.outgoing import NotToBeSent, build
from picketline.models import Campaign, CopyAddress, Delivery, Target

pytestmark = pytest.mark.django_db
Notice = Delivery.Notice


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign(copy_addresses=("a@dockers.example", "b@dockers.example"))


def queued() -> int:
    return Delivery.objects.filter(mail_class="organiser notice").count()


def owner(campaign: Campaign) -> Target:
    return campaign.targets.get(key="owner")


def test_each_copy_address_is_told_once_a_day_of_one_thing(campaign: Campaign) -> None:
    for _ in range(3):
        assert tell_organisers(campaign, Notice.SUSPECT, owner(campaign)) == 2
    assert queued() == 2
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        tell_organisers(campaign, Notice.SUSPECT, owner(campaign))
    assert queued() == 4


def test_another_target_and_another_thing_are_told_as_well(campaign: Campaign) -> None:
    tell_organisers(campaign, Notice.SUSPECT, owner(campaign))
    tell_organisers(campaign, Notice.SUSPECT, campaign.targets.get(key="company"))
    tell_organisers(campaign, Notice.BLOCKED, owner(campaign))
    tell_organisers(campaign, Notice.UNCLEAR)
    tell_organisers(campaign, Notice.UNCLEAR)
    assert queued() == 8


def test_who_left_is_not_told_any_more(campaign: Campaign) -> None:
    tell_organisers(campaign, Notice.UNCLEAR)
    CopyAddress.objects.filter(address="a@dockers.example").update(active=False)
    mail = Delivery.objects.filter(copy_address__address="a@dockers.example").get()
    with pytest.raises(NotToBeSent, match="no copy address"):
        build(mail)
    assert tell_organisers(campaign, Notice.COMPLAINT) == 1
    CopyAddress.objects.update(active=False)
    assert tell_organisers(campaign, Notice.BLOCKED) == 0


@pytest.mark.parametrize(
    ("kind", "subject", "command"),
    [
        (Notice.SUSPECT, "An address no longer works", "picketline campaign load FOLDER"),
        (Notice.BLOCKED, "Letters are refused", "picketline pacing resume harbour/owner"),
        (Notice.COMPLAINT, "reported as abuse", "picketline campaign suspend harbour"),
        (Notice.UNCLEAR, "whose fate is unclear", "picketline outbox --settle NUMBER"),
    ],
)
def test_a_notice_says_what_happened_and_what_to_do(
    campaign: Campaign, kind: Notice, subject: str, command: str
) -> None:
    tell_organisers(campaign, kind, None if kind == Notice.UNCLEAR else owner(campaign))
    outgoing = build(Delivery.objects.filter(mail_class="organiser notice").earliest("pk"))
    mail = postoffice.parsed(outgoing.data)
    text = mail.get_content()
    assert outgoing.recipient == "a@dockers.example"
    assert outgoing.sender.endswith("@notices.picketline.example")
    assert subject in mail["Subject"]
    assert "Bring her back (en)" in mail["Subject"]
    assert command in text
    assert ("The owner (en) (owner)" in text) == (kind != Notice.UNCLEAR)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "&" not in text


def test_a_notice_is_in_the_campaigns_own_language() -> None:
    campaign = builders.campaign(default_language="ru")
    tell_organisers(campaign, Notice.SUSPECT, owner(campaign))
    mail = postoffice.parsed(build(Delivery.objects.get()).data)
    assert "Адрес больше не работает" in mail["Subject"]
    assert "Адресат: The owner (ru) (owner)" in mail.get_content()
