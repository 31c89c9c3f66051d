"""Digests: a day's letters in one mail to each organiser who asked for that."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from tests import builders, postoffice, writers

from picketline.domain import digests, letter_status
from picketline.domain.outgoing import NotToBeSent, build
from picketline.mail.addresses import EmailAddr
from picketline.models import Campaign, Delivery, Supporter

pytestmark = pytest.mark.django_db

MailClass = Delivery.MailClass


def _campaign(**changes: object) -> Campaign:
    return builders.campaign(copies="daily", **changes)


def _confirmed(campaign: Campaign, name: str, days_ago: int = 1) -> tuple[Supporter, str]:
    signature = writers.DOCKER.__class__(name=name, country="FR")
    address = EmailAddr(f"{name.lower()}@writers.example")
    supporter, token = writers.confirmed(campaign, signature=signature, address=address)
    Supporter.objects.filter(pk=supporter.pk).update(confirmed_on=_day(days_ago))
    return supporter, token


def _day(days_ago: int) -> date:
    return timezone.now().astimezone(UTC).date() - timedelta(days=days_ago)


def _digests() -> list[Delivery]:
    found = Delivery.objects.filter(mail_class=MailClass.ORGANISER_DIGEST)
    return list(found.order_by("digest_day", "pk"))


def test_each_finished_day_has_one_digest_for_each_organiser() -> None:
    campaign = _campaign(copy_addresses=("a@dockers.example", "b@dockers.example"))
    for name, days_ago in [("Ann", 0), ("Bo", 1), ("Cy", 1), ("Di", 3)]:
        _confirmed(campaign, name, days_ago)
    assert digests.queue() == 4
    assert [row.digest_day for row in _digests()] == [_day(3), _day(3), _day(1), _day(1)]
    assert digests.queue() == 0
    assert len(_digests()) == 4


def test_a_digest_shows_the_days_letters_and_nobody_elses() -> None:
    campaign = _campaign()
    for name, days_ago in [("Ann", 0), ("Bo", 1), ("Cy", 1), ("Di", 2)]:
        _confirmed(campaign, name, days_ago)
    _confirmed(_campaign(slug="quay"), "Ed", 1)
    digests.queue()
    row = next(d for d in _digests() if d.digest_day == _day(1) and d.campaign == campaign)
    mail = build(row)
    message = postoffice.parsed(mail.data)
    text = message.get_content()
    assert mail.recipient == "organisers@dockers.example"
    assert message["Subject"] == "2 new letters: Bring her back (en)"
    assert message["Auto-Submitted"] == "auto-generated"
    for name, shown in [("Ann", 0), ("Bo", 1), ("Cy", 1), ("Di", 0), ("Ed", 0)]:
        assert text.count(f"=\r\n{name}\r\n") == shown
        assert (f"\n{name}\r\nFrance" in text) == bool(shown)
    assert "writers.example" not in text
    assert "/letters/" not in text


def test_a_digest_tells_the_day_and_no_time() -> None:
    _confirmed(_campaign(), "Bo")
    digests.queue()
    message = postoffice.parsed(build(_digests()[0]).data)
    assert message["Date"].datetime.time() == datetime.min.time()


@pytest.mark.parametrize("copies", ["each", "none"])
def test_organisers_who_did_not_ask_get_no_digest(copies: str) -> None:
    _confirmed(builders.campaign(copies=copies), "Bo")
    assert digests.queue() == 0


def test_what_is_older_than_a_week_is_let_go() -> None:
    _confirmed(_campaign(), "Bo", days_ago=8)
    assert digests.queue() == 0


def test_a_removed_copy_address_gets_no_digest() -> None:
    campaign = _campaign()
    _confirmed(campaign, "Bo")
    campaign.copy_addresses.update(active=False)
    assert digests.queue() == 0


def test_withdrawn_and_erased_letters_are_left_out() -> None:
    campaign = _campaign()
    _confirmed(campaign, "Ann")
    _, withdrawn = _confirmed(campaign, "Bo")
    sent, erased = _confirmed(campaign, "Cy")
    digests.queue()
    letter_status.withdraw(withdrawn)
    sent.deliveries.update(state=Delivery.State.ACCEPTED)
    letter_status.erase(erased)
    text = postoffice.parsed(build(_digests()[0]).data).get_content()
    assert "Ann" in text
    assert "Bo" not in text
    assert "Cy" not in text


def test_a_digest_that_turned_out_empty_is_not_sent() -> None:
    _, token = _confirmed(_campaign(), "Bo")
    digests.queue()
    letter_status.withdraw(token)
    with pytest.raises(NotToBeSent, match="empty"):
        build(_digests()[0])
