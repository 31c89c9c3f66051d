"""Counts: whatever people do, in whatever order, totals are the sums of the journal."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests import builders, writers

from picketline.domain import counts
from picketline.domain.counts import CountKind
from picketline.domain.letter_status import erase, withdraw
from picketline.domain.letters import Signature
from picketline.domain.links import LinkUnknown
from picketline.domain.supporters import AlreadyWritten, confirm, never_write_again
from picketline.models import Campaign, CampaignCount, CountEntry, Supporter
from picketline.seal import tokens

ADDRESSES = ("a@writers.example", "B@writers.example", "c+tag@writers.example")
STEP = st.tuples(
    st.sampled_from(["submit", "confirm", "withdraw", "erase", "never", "sum up"]),
    st.sampled_from(ADDRESSES),
    st.integers(0, 5),
)
campaign = pytest.fixture(lambda db: builders.campaign())


class Model:
    """What the totals should be: who is counted, and for how many members each."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.links: list[tuple[str, str, int]] = []  # token, address, members
        self.dropped: set[str] = set()
        self.counted: dict[str, tuple[str, int]] = {}  # token: address, members

    def submit(self, address: str, members: int) -> None:
        """Somebody sends the form in."""
        signature = Signature("Jo", "FR", "We", "chair", members) if members else writers.DOCKER
        supporter = writers.submit(self.campaign, address=address, signature=signature)
        self.links.append((writers.link(supporter), address, members))

    def confirm(self, token: str, address: str, members: int) -> None:
        """Somebody follows the link in the mail."""
        try:
            confirm(token)
        except AlreadyWritten:
            assert address in {other for other, _ in self.counted.values()}
            return
        except LinkUnknown:
            assert token in self.dropped
            return
        if token in self.counted or token in self.dropped:
            return  # a repeated click does nothing, and brings nothing back
        self.counted[token] = (address, members)
        rivals = {other for other, theirs, _ in self.links if theirs == address}
        self.dropped |= rivals - self.counted.keys()

    def leave(self, how: str, token: str) -> None:
        """Somebody withdraws or erases."""
        status_token = tokens.derive(token, tokens.STATUS)
        try:
            {"withdraw": withdraw, "erase": erase}[how](status_token)
        except LinkUnknown:
            assert token not in self.counted
            return
        self.counted.pop(token, None)
        self.dropped.add(token)

    def never(self, token: str) -> None:
        """Somebody wants no mail from us."""
        try:
            never_write_again(token)
        except LinkUnknown:
            assert token in self.dropped or token in self.counted
            return
        self.dropped.add(token)

    def check(self) -> None:
        """The totals, summed up, are the model's."""
        counts.sum_up()
        found = counts.totals(self.campaign)
        assert found[CountKind.SUPPORTERS] == len(self.counted)
        assert found[CountKind.MEMBERS] == sum(members for _, members in self.counted.values())
        assert found[CountKind.LETTERS] == 0
        assert counts.recount() == []


class WhateverPeopleDo(TestCase):
    """A class because each example of Hypothesis needs a transaction of its own."""

    @given(st.lists(STEP, max_size=14))
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    def test_the_totals_are_what_a_model_of_them_says(self, steps) -> None:
        """Any order of acts, repeated acts and acts on links that are no more."""
        model = Model(builders.campaign())
        for act, address, number in steps:
            if act == "submit" or not model.links:
                model.submit(address, number)
                continue
            token, theirs, members = model.links[number % len(model.links)]
            if act == "confirm":
                model.confirm(token, theirs, members)
            elif act == "never":
                model.never(token)
            elif act == "sum up":
                model.check()
            else:
                model.leave(act, token)
        model.check()


def test_nothing_shows_before_it_is_summed_up(campaign: Campaign) -> None:
    counts.add(campaign.pk, CountKind.SUPPORTERS, 1)
    assert counts.totals(campaign) == dict.fromkeys(CountKind, 0)

    counts.sum_up()
    counts.sum_up()
    assert counts.totals(campaign)[CountKind.SUPPORTERS] == 1


def test_each_campaign_and_kind_has_a_total_of_its_own(campaign: Campaign) -> None:
    other = builders.campaign(slug="airport")
    counts.add(campaign.pk, CountKind.MEMBERS, 5)
    counts.add(campaign.pk, CountKind.MEMBERS, -2)
    counts.add(other.pk, CountKind.LETTERS, 7)
    counts.sum_up()

    assert list(counts.totals(campaign).values()) == [0, 3, 0, 0]
    assert list(counts.totals(other).values()) == [0, 0, 7, 0]


def test_a_tampered_total_is_reported(campaign: Campaign) -> None:
    counts.add(campaign.pk, CountKind.SUPPORTERS, 2)
    counts.sum_up()
    CampaignCount.objects.update(total=1000)
    assert counts.recount() == [(campaign.pk, "supporters", 1000, 2)]


def test_a_lost_total_is_reported(campaign: Campaign) -> None:
    counts.add(campaign.pk, CountKind.SUPPORTERS, 2)
    counts.sum_up()
    CampaignCount.objects.all().delete()
    assert counts.recount() == [(campaign.pk, "supporters", 0, 2)]


def test_a_lost_journal_is_reported(campaign: Campaign) -> None:
    counts.add(campaign.pk, CountKind.SUPPORTERS, 2)
    counts.sum_up()
    CountEntry.objects.all().delete()
    assert counts.recount() == [(campaign.pk, "supporters", 2, 0)]


def test_entries_not_yet_summed_are_no_difference(campaign: Campaign) -> None:
    counts.add(campaign.pk, CountKind.SUPPORTERS, 2)
    assert counts.recount() == []


def test_summing_up_takes_one_query_however_many_entries(
    campaign: Campaign, django_assert_num_queries
) -> None:
    for _ in range(50):
        counts.add(campaign.pk, CountKind.SUPPORTERS, 1)
    with django_assert_num_queries(1):
        counts.sum_up()
    assert not Supporter.objects.exists()
