"""Loading targets: how they are addressed, and at which pace."""

from __future__ import annotations

import dataclasses

import pytest
from tests import builders, writers

from picketline.domain.campaigns import CampaignIncomplete, MoveRefused
from picketline.domain.dumping import content_of
from picketline.domain.folders import Pace
from picketline.domain.loading import load

pytestmark = pytest.mark.django_db


def test_how_targets_are_addressed_stays_as_it_was_once_somebody_has_written() -> None:
    campaign = builders.campaign()
    load(builders.content(addressing="all"))
    load(builders.content())
    writers.submit(campaign)
    with pytest.raises(MoveRefused, match="its addressing must stay “each”"):
        load(builders.content(addressing="all"))
    assert content_of("harbour").addressing == "each"


def test_pace_is_loaded_changed_and_dumped() -> None:
    owner, company = builders.content().targets
    paced = dataclasses.replace(owner, pace=Pace(per_minute=2.0, per_day=100))
    load(builders.content(targets=(paced, company)))
    assert content_of("harbour").targets[0].pace == Pace(per_minute=2.0, per_day=100)
    load(builders.content())
    assert content_of("harbour").targets[0].pace == Pace()


def test_a_campaign_that_addresses_all_at_once_needs_a_letter_in_its_own_language_only() -> None:
    only_english = (builders.letter("en"),)
    builders.campaign(addressing="all", letters=only_english)
    with pytest.raises(CampaignIncomplete, match="written to in ru"):
        builders.campaign(slug="airport", letters=only_english)
