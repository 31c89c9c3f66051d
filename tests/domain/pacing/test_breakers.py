"""Breakers: who does not answer is left in peace, who refuses us is not asked again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries
from tests.domain.pacing import letters
from tests.domain.pacing.letters import MINUTE, MONDAY

from picketline.domain import leases, pacing
from picketline.domain.leases import Lease
from picketline.domain.pacing import Blocked, gates, next_due, stopping
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Campaign, Delivery, Gate, Target

pytestmark = pytest.mark.django_db
LEASE = timedelta(minutes=2)
NOW = MONDAY + MINUTE
RELAY = gates.relay("mx1")
YES = Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250)
DOWN = Outcome(Kind.TEMPORARY, Phase.CONNECT, Cause.RELAY)
LATER = Outcome(Kind.TEMPORARY, Phase.RCPT, Cause.NONE, 450)
FULL = Outcome(Kind.TEMPORARY, Phase.RCPT, Cause.MAILBOX_FULL, 452)
BLOCK = Outcome(Kind.PERMANENT, Phase.DOT, Cause.POLICY, 550, "5.7.1")
LOGIN = Outcome(Kind.TEMPORARY, Phase.AUTH, Cause.RELAY, 535)
OURS = Outcome(Kind.TEMPORARY, Phase.MAIL, Cause.SENDER, 550)
POISON = Outcome(Kind.PERMANENT, Phase.LOCAL, Cause.POISON)


@pytest.fixture
def owner() -> Target:
    campaign = letters.campaign()
    letters.queue(letters.target(campaign), 100)
    return letters.target(campaign)


def _claim(moment: datetime = NOW, limit: int = 1) -> list[Lease]:
    return leases.claim(limit, LEASE, relay="mx1", moment=moment)


def _note(
    found: Sequence[Lease], outcome: Outcome, moment: datetime = NOW, *, direct: bool = False
) -> list[Blocked]:
    return pacing.note(
        [(lease, outcome) for lease in found], relay="mx1", direct=direct, moment=moment
    )


def _fail(outcome: Outcome, number: int = 5, *, direct: bool = False) -> None:
    for _ in range(number):
        _note(_claim(), outcome, direct=direct)


def _shut_for(name: str) -> timedelta | None:
    """For how long from NOW the breaker is open; None where it is closed."""
    gate = Gate.objects.get(name=name)
    if gate.breaker == Gate.Breaker.CLOSED:
        assert gate.open_until is None
        return None
    assert gate.open_until is not None
    return gate.open_until - NOW


@pytest.mark.usefixtures("owner")
def test_a_relay_that_failed_five_times_in_a_row_is_left_in_peace_for_a_minute() -> None:
    _fail(DOWN, 4)
    assert len(_claim()) == 1
    _fail(DOWN, 1)
    assert _shut_for(RELAY) == MINUTE
    assert _claim(NOW + MINUTE - timedelta(seconds=1), 10) == []
    assert next_due("mx1", moment=NOW) == MINUTE
    assert len(leases.claim(1, LEASE, relay="mx2", moment=NOW)) == 1


@pytest.mark.usefixtures("owner")
def test_a_success_in_between_begins_the_count_anew() -> None:
    _fail(DOWN, 4)
    _note(_claim(), YES)
    _fail(DOWN, 4)
    assert len(_claim(limit=10)) == 10


@pytest.mark.usefixtures("owner")
def test_after_its_rest_exactly_one_mail_goes_to_see() -> None:
    _fail(DOWN)
    then = NOW + MINUTE
    assert len(_claim(then, 10)) == 1
    assert _claim(then, 10) == []
    assert _claim(then + LEASE - timedelta(seconds=1), 10) == []
    assert len(_claim(then + LEASE, 10)) == 1  # the first probe was never heard of again


@pytest.mark.usefixtures("owner")
def test_a_probe_that_passes_closes_the_breaker() -> None:
    _fail(DOWN)
    _note(_claim(NOW + MINUTE), YES, NOW + MINUTE)
    assert _shut_for(RELAY) is None
    assert len(_claim(NOW + MINUTE, 10)) == 10
    _fail(DOWN)
    assert _shut_for(RELAY) == MINUTE


@pytest.mark.usefixtures("owner")
def test_with_every_probe_that_fails_the_rest_is_doubled_up_to_an_hour() -> None:
    _fail(DOWN)
    now, rests = NOW, []
    for _ in range(8):
        shut = _shut_for(RELAY)
        assert shut is not None
        rests.append((NOW + shut - now) // MINUTE)
        now = NOW + shut
        _note(_claim(now), DOWN, now)
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.usefixtures("owner")
def test_a_probe_that_comes_back_unsent_lets_the_next_one_go_at_once() -> None:
    held = _claim()
    _fail(DOWN)
    then = NOW + MINUTE
    probe = _claim(then)
    leases.give_back(held)  # it was claimed before the breaker opened, and is no probe
    assert _claim(then) == []
    leases.give_back(probe)
    assert len(_claim(then, 10)) == 1


@pytest.mark.usefixtures("owner")
def test_what_was_under_way_when_the_breaker_opened_does_not_make_the_rest_longer() -> None:
    found = _claim(limit=20)
    _note(found, DOWN)
    _note(found, DOWN)
    assert _shut_for(RELAY) == MINUTE


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("outcome", [LOGIN, OURS])
def test_a_refusal_of_ourselves_opens_the_relays_breaker_at_once(outcome: Outcome) -> None:
    _note(_claim(), outcome)
    assert _shut_for(RELAY) == MINUTE


@pytest.mark.usefixtures("owner")
def test_what_never_went_over_the_wire_says_nothing_of_the_relay() -> None:
    _fail(DOWN, 4)
    _note(_claim(), POISON)
    _fail(DOWN, 1)
    assert _shut_for(RELAY) == MINUTE


def test_a_batch_in_which_all_went_well_costs_one_look_at_the_gates(
    owner: Target, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    letters.queue(letters.target(owner.campaign, "company"), 50)
    found = _claim(limit=100)
    with django_assert_num_queries(1):
        assert _note(found, YES) == []
    with django_assert_num_queries(0):
        assert pacing.note([], relay="mx1") == []
        assert pacing.note_relay_events([]) == []


def test_a_domain_that_does_not_answer_is_left_in_peace_and_others_go_on(owner: Target) -> None:
    _fail(DOWN, direct=True)
    assert _shut_for(gates.domain("owner.example")) == MINUTE
    Gate.objects.filter(name=RELAY).delete()
    letters.queue(letters.target(owner.campaign, "company"), 3)
    assert {lease.domain for lease in _claim(limit=100)} == {"company.example"}


@pytest.mark.usefixtures("owner")
def test_a_server_that_asks_strangers_to_come_later_is_there() -> None:
    _fail(LATER, 20, direct=True)
    assert len(_claim(limit=10)) == 10


@pytest.mark.usefixtures("owner")
def test_a_full_mailbox_is_left_in_peace_after_five_letters() -> None:
    _fail(FULL, 5, direct=True)
    assert _claim(limit=10) == []
    assert len(_claim(NOW + MINUTE, 10)) == 1


@pytest.mark.usefixtures("owner")
def test_a_relays_own_answers_say_nothing_of_those_behind_it() -> None:
    _fail(FULL, 9)
    assert not Gate.objects.filter(name__startswith="target:", failures__gt=0).exists()


def test_a_target_that_refuses_us_after_twenty_letters_gets_no_other_until_a_person_looked(
    owner: Target,
) -> None:
    letters.queue(letters.target(owner.campaign, "company"), 5)
    sent, blocked = 0, []
    for _ in range(200):
        for lease in _claim(limit=1):
            mine = lease.target_id == owner.pk
            sent += mine
            blocked += _note([lease], BLOCK if mine and sent > 20 else YES)
    assert sent == 21
    assert blocked == [Blocked(gates.target(owner.pk), owner.campaign_id, owner.pk)]
    assert not Delivery.objects.filter(target__key="company", state="queued").exists()
    assert _claim(NOW + timedelta(days=400)) == []
    assert next_due(moment=NOW + timedelta(days=400)) is None
    assert stopping.resume(stopping.find("harbour/owner"))
    assert len(_claim(limit=5)) == 5


def test_a_target_that_is_paused_already_is_told_of_once(owner: Target) -> None:
    found = _claim(limit=3)
    assert len(_note(found, BLOCK)) == 1
    assert _note(found, BLOCK) == []
    assert Gate.objects.get(name=gates.target(owner.pk)).paused_by == Gate.PausedBy.POLICY


def _targets_at(domain: str, number: int) -> list[Target]:
    campaigns: list[Campaign] = [letters.campaign(f"c{each}") for each in range(number)]
    targets = [letters.target(campaign) for campaign in campaigns]
    for target in targets:
        letters.move_to(target, domain)
        letters.queue(target, 3)
    return targets


def test_a_domain_of_which_three_targets_refuse_us_is_paused_as_a_whole() -> None:
    targets = _targets_at("Company.example", 4)
    told = []
    for target in targets[:3]:
        found = [lease for lease in _claim(limit=100) if lease.target_id == target.pk]
        told.append([blocked.gate for blocked in _note(found[:1], BLOCK)])
        Delivery.objects.filter(state="sending").update(state="queued", lease_until=None)
    domain = gates.domain("company.example")
    names = [gates.target(target.pk) for target in targets]
    assert told == [[names[0]], [names[1]], [names[2], domain]]
    assert _claim(limit=100) == []
    stopping.resume(stopping.find("domain:company.example"))
    assert {lease.target_id for lease in _claim(limit=100)} == {targets[3].pk}
