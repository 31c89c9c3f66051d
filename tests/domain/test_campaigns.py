"""Campaigns open when they are complete, and move only as their states allow."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
import time_machine
from tests import builders

from picketline.domain import campaigns
from picketline.domain.keyring import campaign_private_key
from picketline.domain.loading import load
from picketline.models import Campaign
from picketline.seal import boxes

pytestmark = pytest.mark.django_db

State = Campaign.State
STEPS = {
    State.OPEN: campaigns.open_campaign,
    State.SUSPENDED: campaigns.suspend,
    State.CLOSED: campaigns.close,
}


def _in_state(state: State) -> Campaign:
    load(builders.content())
    Campaign.objects.update(state=state)
    return Campaign.objects.get()


def test_a_new_campaign_is_a_draft_with_keys_that_the_worker_can_open() -> None:
    load(builders.content())
    campaign = Campaign.objects.get()
    assert campaign.state == State.DRAFT
    box = boxes.seal(bytes(campaign.public_key), b"words", b"test")
    assert boxes.open_box(campaign_private_key(campaign), box, b"test") == b"words"


def test_the_private_half_is_sealed_for_one_campaign_only() -> None:
    assert campaigns.private_key_context("harbour") == b"campaign-key|harbour"
    load(builders.content())
    load(builders.content(slug="quay"))
    harbour, quay = Campaign.objects.order_by("slug")
    assert bytes(harbour.public_key) != bytes(quay.public_key)
    harbour.sealed_private_key = quay.sealed_private_key
    with pytest.raises(boxes.CannotOpen):
        campaign_private_key(harbour)


def test_a_complete_draft_opens() -> None:
    load(builders.content())
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        campaign = campaigns.open_campaign("harbour")
    assert campaign.state == Campaign.objects.get().state == State.OPEN
    assert campaign.opened_at == datetime.datetime(2026, 3, 1, 10, tzinfo=datetime.UTC)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("wanted", STEPS)
def test_a_campaign_moves_as_the_table_says_and_not_otherwise(state: State, wanted: State) -> None:
    _in_state(state)
    allowed = wanted in campaigns.MOVES[state] or (state, wanted) == (State.DRAFT, State.OPEN)
    if allowed:
        assert STEPS[wanted]("harbour").state == wanted
    else:
        with pytest.raises(campaigns.MoveRefused, match="harbour is"):
            STEPS[wanted]("harbour")
    assert Campaign.objects.get().state == (wanted if allowed else state)


def test_opening_again_after_a_suspension_keeps_the_first_opening() -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        first = builders.campaign().opened_at
    campaigns.suspend("harbour")
    assert campaigns.open_campaign("harbour").opened_at == first


def test_what_opens_twice_says_that_it_is_open_already() -> None:
    builders.campaign()
    with pytest.raises(campaigns.MoveRefused, match="is open already"):
        campaigns.open_campaign("harbour")


def test_a_campaign_closes_with_its_outcome() -> None:
    builders.campaign()
    campaign = campaigns.close("harbour", "partly won")
    assert (campaign.outcome, campaign.closed_at is None) == ("partly won", False)


def test_an_outcome_that_nobody_knows_is_refused() -> None:
    builders.campaign()
    with pytest.raises(ValueError, match="won, partly won, lost"):
        campaigns.close("harbour", "glorious")
    assert Campaign.objects.get().state == State.OPEN


@pytest.mark.parametrize("step", STEPS.values())
def test_an_unknown_campaign_is_named(step: object) -> None:
    with pytest.raises(campaigns.CampaignUnknown, match="no campaign nowhere"):
        step("nowhere")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"targets": ()}, "There is no target to write to."),
        ({"letters": (builders.letter("en"),)}, "A target is written to in ru, but"),
        (
            {"letters": (builders.letter("en", role="owner"), builders.letter("ru"))},
            "there is no letters/en.md",
        ),
        ({"default_language": "fr"}, "no text in the default language (fr.md)"),
    ],
)
def test_an_incomplete_campaign_does_not_open(changes: dict[str, object], sentence: str) -> None:
    load(builders.content(**changes))
    with pytest.raises(campaigns.CampaignIncomplete) as refusal:
        campaigns.open_campaign("harbour")
    assert sentence in str(refusal.value)
    assert len(refusal.value.missing) == 1
    assert Campaign.objects.get().state == State.DRAFT


def test_a_campaign_whose_last_day_is_over_does_not_open() -> None:
    load(builders.content(closes_on=datetime.date(2025, 12, 31)))
    with (
        time_machine.travel("2026-01-01T00:00:00Z", tick=False),
        pytest.raises(campaigns.MoveRefused, match="its last day was 2025-12-31"),
    ):
        campaigns.open_campaign("harbour")


def test_a_campaign_opens_on_its_last_day() -> None:
    load(builders.content(closes_on=datetime.date(2025, 12, 31)))
    with time_machine.travel("2025-12-31T23:59:00Z", tick=False):
        campaign = campaigns.open_campaign("harbour")
        assert campaign.accepts_letters(datetime.date(2025, 12, 31))


def test_an_open_campaign_cannot_lose_what_letters_need() -> None:
    builders.campaign()
    with pytest.raises(campaigns.CampaignIncomplete):
        load(dataclasses.replace(builders.content(), letters=(), copies="none"))
    campaign = Campaign.objects.get()
    assert campaign.copies == "each"
    assert campaign.model_letters.filter(current=True).count() == 3
