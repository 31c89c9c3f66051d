"""Confirming: a link, its letter, and what becomes of all the other submissions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests import builders, writers

from picketline.domain import counts, leases
from picketline.domain.campaigns import CampaignClosed, close, open_campaign, suspend
from picketline.domain.letter_status import erase, withdraw
from picketline.domain.links import LinkUnknown
from picketline.domain.supporters import AlreadyWritten, confirm, never_write_again, open_link
from picketline.mail.addresses import EmailAddr
from picketline.models import (
    Campaign,
    Consent,
    CountEntry,
    Delivery,
    Letter,
    LetterPart,
    SealedSubmission,
    Supporter,
)
from picketline.seal import tokens

pytestmark = pytest.mark.django_db
State = Supporter.State
WEEK = timedelta(days=7)
ELSEWHERE = EmailAddr("ann@writers.example")


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def everything() -> list[object]:
    """All rows that a link could touch, to see that nothing moved."""
    models = (Supporter, Delivery, Letter, LetterPart, Consent, SealedSubmission, CountEntry)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_opening_the_link_changes_nothing(campaign: Campaign) -> None:
    token = writers.link(writers.submit(campaign))
    before = everything()

    first, second = open_link(token), open_link(token)

    assert first == second
    assert not first.confirmed
    assert first.campaign == campaign
    assert everything() == before


def test_confirming_counts_the_supporter_and_returns_the_status_link(campaign: Campaign) -> None:
    supporter = writers.submit(campaign)
    token = writers.link(supporter)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1), tick=False):
        today = datetime.now(UTC).date()
        assert confirm(token) == tokens.derive(token, tokens.STATUS)

    supporter.refresh_from_db()
    assert (supporter.state, supporter.confirmed_on) == (State.CONFIRMED, today)
    assert list(CountEntry.objects.values_list("kind", "delta")) == [("supporters", 1)]
    assert open_link(token).confirmed


def test_an_organisation_counts_once_and_with_its_members(campaign: Campaign) -> None:
    writers.confirmed(campaign, signature=writers.UNION)

    assert set(CountEntry.objects.values_list("kind", "delta")) == {
        ("supporters", 1),
        ("members", 1200),
    }


def test_a_repeated_click_does_the_same_once(campaign: Campaign) -> None:
    token = writers.link(writers.submit(campaign))
    status_token = confirm(token)
    before = everything()

    assert [confirm(token) for _ in range(3)] == [status_token] * 3
    assert everything() == before


@pytest.mark.parametrize("later", [withdraw, erase])
def test_a_click_after_leaving_does_not_bring_the_letter_back(campaign: Campaign, later) -> None:
    token = writers.link(writers.submit(campaign))
    later(confirm(token))
    before = everything()

    assert confirm(token) == tokens.derive(token, tokens.STATUS)
    assert everything() == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token + "a",
        lambda token: token + "\n",
        lambda token: "",
        lambda token: "a" * 32,
        lambda token: token.upper(),
        lambda token: tokens.derive(token, tokens.STATUS),
        lambda token: "é" * 32,
        lambda token: "\x00" * 32,
        lambda token: token[:31] + ("b" if token[31] == "a" else "a"),
    ],
)
@pytest.mark.parametrize("use", [open_link, confirm, never_write_again])
def test_a_link_that_is_not_exactly_right_is_unknown(campaign: Campaign, spoil, use) -> None:
    token = writers.link(writers.submit(campaign))
    before = everything()
    with pytest.raises(LinkUnknown) as fact:
        use(spoil(token))
    assert str(fact.value) == ""  # the fact alone: nothing tells the cases apart
    assert everything() == before


def _aged(supporter: Supporter, age: timedelta) -> None:
    Supporter.objects.filter(pk=supporter.pk).update(created_at=supporter.created_at - age)


def test_a_link_lives_for_seven_days(campaign: Campaign) -> None:
    supporter = writers.submit(campaign)
    token = writers.link(supporter)

    _aged(supporter, WEEK + timedelta(seconds=1))
    for use in (open_link, confirm):
        with pytest.raises(LinkUnknown):
            use(token)

    _aged(supporter, WEEK - timedelta(hours=1))
    assert not open_link(token).confirmed
    assert confirm(token)


def test_a_confirmed_link_goes_on_working(campaign: Campaign) -> None:
    supporter, status_token = writers.confirmed(campaign)
    token = writers.link(supporter)
    _aged(supporter, timedelta(days=400))

    assert confirm(token) == status_token
    assert open_link(token).confirmed


def test_confirming_one_submission_cancels_the_others_and_deletes_what_they_held(
    campaign: Campaign,
) -> None:
    others = [writers.submit(campaign, address=EmailAddr(f"jo+{n}@writers.example")) for n in "12"]
    tokens_of_others = [writers.link(other) for other in others]
    chosen, _ = writers.confirmed(campaign)

    assert chosen.state == State.CONFIRMED
    for other, token in zip(others, tokens_of_others, strict=True):
        other.refresh_from_db()
        assert other.state == State.CANCELLED
        assert not SealedSubmission.objects.filter(supporter=other).exists()
        assert not LetterPart.objects.filter(letter=other.pk).exists()
        assert not Consent.objects.filter(supporter=other).exists()
        assert Letter.objects.get(pk=other.pk).link_ct is None
        assert [mail.state for mail in other.deliveries.all()] == ["cancelled"]
        assert not other.deliveries.filter(budget_hash__isnull=False).exists()
        for use in (open_link, confirm, never_write_again):
            with pytest.raises(LinkUnknown):
                use(token)


def test_confirming_leaves_other_people_and_other_campaigns_alone(campaign: Campaign) -> None:
    other_campaign = builders.campaign(slug="airport")
    somebody = writers.submit(campaign, address=ELSEWHERE)
    elsewhere = writers.submit(other_campaign)
    writers.confirmed(campaign)

    for pending in (somebody, elsewhere):
        pending.refresh_from_db()
        assert pending.state == State.UNCONFIRMED
        assert confirm(writers.link(pending))


def test_an_address_confirms_once_in_a_campaign(campaign: Campaign) -> None:
    writers.confirmed(campaign)
    again = writers.submit(campaign, address=EmailAddr("JO+new@writers.example"))
    token = writers.link(again)
    before = everything()

    for _ in range(2):
        with pytest.raises(AlreadyWritten):
            confirm(token)
    assert everything() == before


def test_nobody_blocks_an_address_by_typing_it_into_the_form(campaign: Campaign) -> None:
    mine = writers.submit(campaign)
    token = writers.link(mine)
    for _ in range(5):
        writers.submit(campaign)  # somebody else, with my address

    confirm(token)
    mine.refresh_from_db()
    assert mine.state == State.CONFIRMED


def test_confirming_asks_no_more_of_the_database_however_many_others_there_are() -> None:
    def queries(slug: str, others: int) -> int:
        campaign = builders.campaign(slug=slug)
        for _ in range(others):
            writers.submit(campaign)
        token = writers.link(writers.submit(campaign))
        with CaptureQueriesContext(connection) as captured:
            confirm(token)
        return len(captured)

    assert queries("few", 1) == queries("many", 9)


def test_who_withdrew_may_write_again(campaign: Campaign) -> None:
    _, status_token = writers.confirmed(campaign)
    withdraw(status_token)

    again, _ = writers.confirmed(campaign)
    assert again.state == State.CONFIRMED
    counts.sum_up()
    assert counts.totals(campaign)[counts.CountKind.SUPPORTERS] == 1


def test_a_campaign_that_stopped_meanwhile_takes_no_letter_but_keeps_it_ready(
    campaign: Campaign,
) -> None:
    token = writers.link(writers.submit(campaign))
    suspend(campaign.slug)
    before = everything()
    with pytest.raises(CampaignClosed):
        confirm(token)
    assert everything() == before
    assert open_link(token).campaign.state == Campaign.State.SUSPENDED

    open_campaign(campaign.slug)
    assert confirm(token)


def test_who_confirmed_before_the_campaign_closed_sees_the_same_page_after(
    campaign: Campaign,
) -> None:
    supporter, status_token = writers.confirmed(campaign)
    token = writers.link(supporter)
    close(campaign.slug)

    assert confirm(token) == status_token


@pytest.mark.parametrize(
    ("moment", "accepted"),
    [
        (datetime(2030, 3, 31, 23, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2030, 4, 1, tzinfo=UTC), False),
    ],
)
def test_confirming_is_possible_until_the_end_of_the_last_day_in_utc(moment, accepted) -> None:
    campaign = builders.campaign(closes_on=date(2030, 3, 31))
    with time_machine.travel(datetime(2030, 3, 28, tzinfo=UTC), tick=False):
        token = writers.link(writers.submit(campaign))
    with time_machine.travel(moment, tick=False):
        if accepted:
            confirm(token)
            assert Supporter.objects.get().confirmed_on == date(2030, 3, 31)
        else:
            with pytest.raises(CampaignClosed):
                confirm(token)


def test_a_confirmation_that_a_worker_holds_is_not_taken_from_its_hands(
    campaign: Campaign,
) -> None:
    other = writers.submit(campaign)
    Delivery.objects.update(due_at=other.created_at - WEEK)  # before this transaction began
    (lease,) = leases.claim(10, timedelta(minutes=1))
    writers.confirmed(campaign)

    mail = other.deliveries.get()
    assert (mail.state, mail.lease_token) == (Delivery.State.SENDING, lease.token)
    other.refresh_from_db()
    assert other.state == State.CANCELLED
