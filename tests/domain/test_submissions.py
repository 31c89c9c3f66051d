"""Submitting keeps what was typed under seal, asks once by mail, and treats every address alike."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests import builders, writers

from picketline.domain import supporters
from picketline.domain.campaigns import CampaignClosed, close, suspend
from picketline.domain.letters import Signature, render
from picketline.domain.sealing import opened
from picketline.domain.submissions import CONSENT_WORDING, submit
from picketline.mail.addresses import EmailAddr
from picketline.mail.headers import checked_message_id
from picketline.models import (
    Campaign,
    Consent,
    Delivery,
    Letter,
    LetterPart,
    SealedSubmission,
    Supporter,
    Suppression,
)

pytestmark = pytest.mark.django_db
LAST_DAY = date(2030, 3, 31)


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def test_a_submission_waits_unconfirmed_with_one_mail_that_asks(campaign: Campaign) -> None:
    supporter = writers.submit(campaign)

    assert supporter.state == Supporter.State.UNCONFIRMED
    assert supporter.confirmed_on is None
    mail = Delivery.objects.get()
    assert mail.mail_class == Delivery.MailClass.CONFIRMATION
    assert mail.state == Delivery.State.QUEUED
    assert mail.supporter == supporter
    assert mail.due_at <= timezone.now()
    assert checked_message_id(mail.message_id).endswith("@confirmations.picketline.example>")


def test_the_worker_can_open_all_of_it_as_it_was_typed(campaign: Campaign) -> None:
    words = "Ескерткіш — {{ 7*7 }}\n{signature} 🚢"
    supporter = writers.submit(
        campaign, own_words=words, signature=writers.UNION, address=EmailAddr("Ann+x@W.example")
    )

    found = opened(supporter)
    assert found.address() == "Ann+x@W.example"
    assert found.signature() == writers.UNION
    assert list(found.letters()) == render(campaign, words, writers.UNION)


def test_the_bearer_of_the_link_sees_all_of_it_too(campaign: Campaign) -> None:
    supporter = writers.submit(campaign, own_words="My words.", signature=writers.UNION)

    content = supporters.open_link(writers.link(supporter)).content
    assert content is not None
    assert content.own_words == "My words."
    assert content.address == "jo@writers.example"
    assert content.signature == writers.UNION
    assert list(content.letters) == render(campaign, "My words.", writers.UNION)


def test_what_was_shown_is_kept_even_if_the_model_letter_changes_meanwhile(
    campaign: Campaign,
) -> None:
    shown = [
        dataclasses.replace(letter, body="As it was shown.")
        for letter in render(campaign, "Words.", writers.DOCKER)
    ]
    submit(campaign, writers.form(), shown)

    found = opened(Supporter.objects.get())
    assert {letter.body for letter in found.letters()} == {"As it was shown."}


def test_each_letter_remembers_its_model_letter(campaign: Campaign) -> None:
    shown = render(campaign, "Words.", writers.DOCKER)
    supporter = writers.submit(campaign)

    parts = LetterPart.objects.filter(letter=supporter.pk).values_list(
        "target_id", "model_letter_id"
    )
    assert set(parts) == {(letter.target_id, letter.model_letter_id) for letter in shown}
    assert Letter.objects.get(pk=supporter.pk).frozen_at is None


def test_each_submission_of_one_address_is_a_row_of_its_own(campaign: Campaign) -> None:
    for address in ("jo@writers.example", "JO@writers.example", "jo+again@writers.example"):
        writers.submit(campaign, address=EmailAddr(address))

    rows = Supporter.objects.all()
    assert [row.state for row in rows] == [Supporter.State.UNCONFIRMED] * 3
    assert len({bytes(row.address_index or b"") for row in rows}) == 1
    assert len({bytes(row.confirm_hash) for row in rows}) == 3
    assert len({bytes(row.status_hash) for row in rows}) == 3
    assert Delivery.objects.count() == SealedSubmission.objects.count() == 3


def _known(campaign: Campaign) -> None:
    writers.confirmed(campaign)


def _pending(campaign: Campaign) -> None:
    writers.submit(campaign)


def _blocked(campaign: Campaign) -> None:
    supporters.never_write_again(writers.link(writers.submit(campaign)))


@pytest.mark.parametrize("before", [_known, _pending, _blocked])
def test_a_known_repeated_or_blocked_address_gets_the_same_work_as_a_new_one(campaign, before):
    with CaptureQueriesContext(connection) as new:
        writers.submit(campaign, address=EmailAddr("new@writers.example"))
    before(campaign)
    with CaptureQueriesContext(connection) as other:
        writers.submit(campaign)

    assert _shapes(other) == _shapes(new)
    assert Supporter.objects.latest("pk").state == Supporter.State.UNCONFIRMED


def _shapes(queries: CaptureQueriesContext) -> list[str]:
    """Verb and table of each statement: the names of savepoints differ every time."""
    return [" ".join(query["sql"].split()[:3]).partition('"s')[0] for query in queries]


def test_blocked_addresses_are_not_even_looked_up(campaign: Campaign) -> None:
    with CaptureQueriesContext(connection) as queries:
        writers.submit(campaign)

    tables = {Suppression._meta.db_table, "picketline_confirmationsent"}
    assert [query for query in queries if any(name in query["sql"] for name in tables)] == []


def test_consents_are_noted_with_their_wording_and_day_and_nothing_unticked(
    campaign: Campaign,
) -> None:
    kinds = frozenset({Consent.Kind.SEND, Consent.Kind.UPDATES})
    with time_machine.travel(datetime(2030, 1, 1, 23, 59, tzinfo=UTC), tick=False):
        supporter = writers.submit(campaign, consents=kinds)

    found = Consent.objects.filter(supporter=supporter)
    assert {consent.kind for consent in found} == kinds
    assert {consent.wording for consent in found} == {CONSENT_WORDING}
    assert {consent.given_on for consent in found} == {date(2030, 1, 1)}


@pytest.mark.parametrize(
    ("signature", "signs_as", "members"),
    [
        (writers.DOCKER, "person", None),
        (writers.UNION, "organisation", 1200),
        (Signature(name="Jo", country="FR", members=7), "person", None),
        (Signature(name="Jo", country="FR", organisation="Two of us"), "person", None),
        (Signature(name="Jo", country="FR", organisation="No one", members=0), "person", None),
    ],
)
def test_only_an_organisation_with_members_signs_as_one(campaign, signature, signs_as, members):
    supporter = writers.submit(campaign, signature=signature)

    assert (supporter.signs_as, supporter.members) == (signs_as, members)


def test_a_closed_or_suspended_campaign_takes_nothing(campaign: Campaign) -> None:
    suspend(campaign.slug)
    for stop in (suspend, close):
        if stop is close:
            close(campaign.slug)
        campaign.refresh_from_db()
        with pytest.raises(CampaignClosed):
            writers.submit(campaign)
    assert not Supporter.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("moment", "accepted"),
    [
        (datetime(2030, 3, 31, 0, 0, tzinfo=UTC), True),
        (datetime(2030, 3, 31, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2030, 4, 1, 0, 0, tzinfo=UTC), False),
    ],
)
def test_the_last_day_is_a_whole_day_in_utc(moment: datetime, accepted: bool) -> None:
    campaign = builders.campaign(closes_on=LAST_DAY)
    with time_machine.travel(moment, tick=False):
        if accepted:
            writers.submit(campaign)
        else:
            with pytest.raises(CampaignClosed):
                writers.submit(campaign)
    assert Supporter.objects.exists() is accepted


def test_the_last_day_ends_in_utc_wherever_the_server_stands(settings) -> None:
    campaign = builders.campaign(closes_on=LAST_DAY)
    settings.TIME_ZONE = "Pacific/Kiritimati"  # fourteen hours ahead: already the next day there
    with time_machine.travel(datetime(2030, 3, 31, 20, tzinfo=UTC), tick=False):
        assert writers.submit(campaign).state == Supporter.State.UNCONFIRMED


def test_a_submission_that_cannot_be_kept_whole_leaves_nothing_behind(campaign: Campaign) -> None:
    twice = render(campaign, "Words.", writers.DOCKER) * 2
    refused = pytest.raises(IntegrityError, match="letter_part_once_per_target")
    with refused, transaction.atomic():
        submit(campaign, writers.form(), twice)
    assert not Supporter.objects.exists()
    assert not SealedSubmission.objects.exists()
