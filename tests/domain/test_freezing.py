"""Freezing: one mail for each target as it is now, dated to the hour, and the copies asked for."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests import builders, writers

from picketline.domain import streams
from picketline.domain.campaigns import CampaignClosed
from picketline.domain.folders import TargetEntry, TargetWords
from picketline.domain.letter_status import status
from picketline.domain.loading import load
from picketline.domain.supporters import confirm, open_link
from picketline.mail.headers import checked_message_id
from picketline.models import Campaign, CopyAddress, Delivery, Letter, ModelLetter, TargetVersion

pytestmark = pytest.mark.django_db
MailClass = Delivery.MailClass
MOMENT = datetime(2030, 1, 15, 14, 37, 21, 5, tzinfo=UTC)
GREETED = TargetWords(name="An office", salutation="Dear")


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def reload(*targets: TargetEntry, **changes: object) -> None:
    """Load the campaign again with these targets only."""
    names = {target.key: GREETED for target in targets}
    words = tuple(builders.words(language, targets=names) for language in ("en", "ru"))
    load(builders.content(targets=targets, words=words, **changes))


def letters() -> list[Delivery]:
    found = Delivery.objects.filter(mail_class=MailClass.LETTER)
    return list(found.select_related("target_version", "target").order_by("target__position"))


def test_each_target_gets_one_letter_with_the_model_it_was_made_from(campaign: Campaign) -> None:
    writers.confirmed(campaign)

    owner, company = letters()
    assert (owner.target.key, company.target.key) == ("owner", "company")
    assert {mail.state for mail in letters()} == {Delivery.State.QUEUED}
    assert ModelLetter.objects.get(pk=owner.model_letter_id).role == "owner"
    assert ModelLetter.objects.get(pk=company.model_letter_id).language == "ru"


def test_message_ids_are_well_formed_and_never_the_same(campaign: Campaign) -> None:
    for number in range(3):
        writers.confirmed(campaign, address=f"{number}@writers.example")

    found = list(Delivery.objects.values_list("mail_class", "message_id"))
    assert len({message_id for _, message_id in found}) == len(found) == 3 * 5
    for mail_class, message_id in found:
        domain = streams.stream_of(mail_class)
        assert checked_message_id(message_id).endswith(f"@{domain}.picketline.example>")


def test_the_date_is_that_of_the_hour_and_everything_is_due_at_once(campaign: Campaign) -> None:
    with time_machine.travel(MOMENT, tick=False):
        supporter, _ = writers.confirmed(campaign)

    hour = MOMENT.replace(minute=0, second=0, microsecond=0)
    assert Letter.objects.get(pk=supporter.pk).frozen_at == hour
    notices = [MailClass.CONFIRMATION, MailClass.WRITER_COPY]
    mails = Delivery.objects.exclude(mail_class__in=notices)
    assert {mail.dated for mail in mails} == {hour}
    assert {mail.due_at for mail in mails} == {MOMENT}


def test_a_letter_goes_to_the_address_that_is_current_at_confirmation(campaign: Campaign) -> None:
    pending = writers.submit(campaign)
    owner, company = builders.content().targets
    reload(dataclasses.replace(owner, address="new@owner.example"), company)
    confirm(writers.link(pending))

    version = letters()[0].target_version
    assert version is not None
    assert (version.number, version.address) == (2, "new@owner.example")


def test_a_change_after_confirmation_does_not_reach_the_letter(campaign: Campaign) -> None:
    writers.confirmed(campaign)
    owner, company = builders.content().targets
    reload(dataclasses.replace(owner, address="new@owner.example"), company)

    version = letters()[0].target_version
    assert version is not None
    assert version.address == "office@owner.example"
    assert TargetVersion.objects.filter(target=version.target_id).count() == 2


def test_the_model_letter_is_the_one_that_was_shown(campaign: Campaign) -> None:
    pending = writers.submit(campaign)
    changed = tuple(
        dataclasses.replace(draft, body=builders.BODY + "!") for draft in builders.content().letters
    )
    load(builders.content(letters=changed))
    confirm(writers.link(pending))

    company = letters()[1]
    assert ModelLetter.objects.get(pk=company.model_letter_id).version == 1


def test_a_target_that_was_retired_meanwhile_gets_nothing(campaign: Campaign) -> None:
    pending = writers.submit(campaign)
    reload(builders.content().targets[0])
    confirm(writers.link(pending))

    assert [mail.target.key for mail in letters()] == ["owner"]


def test_a_target_that_came_meanwhile_gets_nothing_that_its_writer_has_not_seen(
    campaign: Campaign,
) -> None:
    pending = writers.submit(campaign)
    new = TargetEntry(key="fund", role="owner", language="en", address="office@fund.example")
    reload(*builders.content().targets, new)
    confirm(writers.link(pending))

    assert [mail.target.key for mail in letters()] == ["owner", "company"]


def test_a_letter_none_of_whose_targets_is_left_is_not_confirmed(campaign: Campaign) -> None:
    pending = writers.submit(campaign)
    new = TargetEntry(key="fund", role="owner", language="en", address="office@fund.example")
    reload(new)
    with pytest.raises(CampaignClosed):
        confirm(writers.link(pending))

    pending.refresh_from_db()
    assert pending.state == "unconfirmed"
    assert letters() == []
    assert not Delivery.objects.filter(mail_class=MailClass.WRITER_COPY).exists()


def test_the_links_copy_forgets_the_address_once_it_is_confirmed(campaign: Campaign) -> None:
    pending = writers.submit(campaign)
    token = writers.link(pending)
    before = open_link(token).content
    status_token = confirm(token)
    after = open_link(token).content
    assert before is not None
    assert after is not None
    assert (before.address, after.address) == ("jo@writers.example", "")
    assert after.letters == before.letters
    assert status(status_token).content == after


@pytest.mark.parametrize(("copies", "expected"), [("each", 2), ("daily", 0), ("none", 0)])
def test_organisers_get_copies_as_the_campaign_chose(copies: str, expected: int) -> None:
    campaign = builders.campaign(
        copies=copies, copy_addresses=("a@dockers.example", "b@dockers.example")
    )
    writers.confirmed(campaign)

    found = Delivery.objects.filter(mail_class=MailClass.ORGANISER_COPY)
    assert len({mail.copy_address_id for mail in found}) == len(found) == expected
    assert not Delivery.objects.filter(mail_class=MailClass.ORGANISER_DIGEST).exists()


def test_an_organiser_who_left_gets_no_copy(campaign: Campaign) -> None:
    CopyAddress.objects.update(active=False)
    writers.confirmed(campaign)
    assert not Delivery.objects.filter(mail_class=MailClass.ORGANISER_COPY).exists()


def test_other_campaigns_organisers_get_nothing(campaign: Campaign) -> None:
    builders.campaign(slug="airport", copy_addresses=("others@airport.example",))
    writers.confirmed(campaign)

    copies = Delivery.objects.filter(mail_class=MailClass.ORGANISER_COPY)
    assert [mail.copy_address.address for mail in copies] == ["organisers@dockers.example"]


def test_the_writer_gets_exactly_one_copy(campaign: Campaign) -> None:
    supporter, _ = writers.confirmed(campaign)
    confirm(writers.link(supporter))
    assert Delivery.objects.filter(mail_class=MailClass.WRITER_COPY).count() == 1


@pytest.mark.parametrize("act", ["submit", "confirm"])
def test_the_number_of_queries_does_not_grow_with_targets_or_organisers(act: str) -> None:
    def queries(number: int) -> int:
        keys = [f"office-{place}" for place in range(number)]
        owner = builders.content().targets[0]
        campaign = builders.campaign(
            slug=f"harbour-{number}",
            targets=tuple(dataclasses.replace(owner, key=key) for key in keys),
            words=tuple(
                builders.words(language, targets=dict.fromkeys(keys, GREETED))
                for language in ("en", "ru")
            ),
            copy_addresses=tuple(f"{key}@dockers.example" for key in keys),
        )
        with CaptureQueriesContext(connection) as submitting:
            supporter = writers.submit(campaign)
        link = writers.link(supporter)
        with CaptureQueriesContext(connection) as confirming:
            confirm(link)
        assert supporter.deliveries.filter(mail_class=MailClass.LETTER).count() == number
        return len({"submit": submitting, "confirm": confirming}[act])

    assert queries(2) == queries(8)
