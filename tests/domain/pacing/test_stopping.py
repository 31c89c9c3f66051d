"""Stopping: people hold letters, let them go on, and end them; whoever wrote still counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from tests import postoffice, writers
from tests.conftest import ActingAs
from tests.domain.pacing import letters
from tests.domain.pacing.letters import MINUTE, MONDAY

from picketline.domain import counts, deliveries, leases, letter_status
from picketline.domain.campaigns import CampaignUnknown
from picketline.domain.leases import Lease
from picketline.domain.pacing import gates, stopping
from picketline.domain.pacing.stopping import Cancelled, NoSuchPlace, NothingToCancel
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Campaign, Delivery, Gate, Supporter

pytestmark = pytest.mark.django_db
LEASE = timedelta(minutes=2)
State = Delivery.State
LATER = Outcome(Kind.TEMPORARY, Phase.RCPT, Cause.NONE, 450)
YES = Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250)


@pytest.fixture
def campaign() -> Campaign:
    campaign = letters.campaign()
    for target in campaign.targets.all():
        letters.queue(target, 5)
    return campaign


def _claim(limit: int = 100) -> list[Lease]:
    return leases.claim(limit, LEASE, moment=MONDAY + MINUTE)


def _targets(found: list[Lease]) -> set[str]:
    numbers = {lease.delivery_id for lease in found}
    return set(Delivery.objects.filter(pk__in=numbers).values_list("target__key", flat=True))


def _states(key: str) -> dict[str, int]:
    states = Delivery.objects.filter(target__key=key).values_list("state", flat=True)
    return {state: list(states).count(state) for state in set(states)}


@pytest.mark.usefixtures("campaign")
def test_the_letters_to_a_paused_target_wait_and_those_to_others_go_on() -> None:
    place = stopping.find("harbour/owner")
    assert stopping.pause(place)
    assert not stopping.pause(place)
    assert _targets(_claim()) == {"company"}
    assert stopping.resume(place)
    assert not stopping.resume(place)
    assert _targets(_claim()) == {"owner"}


def test_a_paused_campaign_sends_no_letters_and_goes_on_confirming(campaign: Campaign) -> None:
    letters.queue_other(campaign, Delivery.MailClass.CONFIRMATION)
    place = stopping.find("harbour")
    stopping.pause(place)
    assert [lease.mail_class for lease in _claim()] == ["confirmation"]
    assert campaign.accepts_letters(MONDAY.date())
    stopping.resume(place)
    assert len(_claim()) == 10


def test_a_stream_that_somebody_pauses_stands_still(campaign: Campaign) -> None:
    letters.queue_other(campaign, Delivery.MailClass.CONFIRMATION)
    _claim(1)
    Gate.objects.bulk_create([Gate(name="stream:letters")], ignore_conflicts=True)
    stopping.pause(stopping.find("stream:letters"))
    assert all(lease.mail_class == "confirmation" for lease in _claim())


def test_resuming_lets_the_next_mail_try_a_relay_that_rests() -> None:
    Gate.objects.create(name="relay:mx1", breaker="open", openings=5, open_until=MONDAY + MINUTE)
    letters.queue(letters.target(letters.campaign()), 3)
    assert leases.claim(9, LEASE, relay="mx1", moment=MONDAY) == []
    assert stopping.resume(stopping.find("relay:mx1"))
    assert len(leases.claim(9, LEASE, relay="mx1")) == 1


@pytest.mark.parametrize("name", ["domain:nowhere.example", "target:1", "harbour/nobody"])
@pytest.mark.usefixtures("campaign")
def test_a_place_that_does_not_exist_is_not_found(name: str) -> None:
    with pytest.raises(NoSuchPlace):
        stopping.find(name)
    with pytest.raises(CampaignUnknown):
        stopping.find("nowhere")


def test_a_domain_is_found_however_it_is_written(campaign: Campaign) -> None:
    Gate.objects.create(name=gates.domain("owner.example"))
    place = stopping.find("domain:Owner.Example")
    assert stopping.pause(place)
    assert _targets(_claim()) == {"company"}
    with pytest.raises(NothingToCancel):
        stopping.cancel(place)
    assert campaign.deliveries.filter(state=State.CANCELLED).count() == 0


@pytest.mark.usefixtures("campaign")
def test_what_is_cancelled_for_a_target_never_goes_out_and_the_rest_does() -> None:
    assert stopping.cancel(stopping.find("harbour/owner")) == Cancelled(5, 0)
    assert _states("owner") == {State.CANCELLED: 5}
    assert set(Delivery.objects.filter(state=State.CANCELLED).values_list("outcome")) == {
        ("stopped",)
    }
    assert _targets(_claim()) == {"company"}


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("back", ["given back", "deferred", "its holder dies"])
def test_what_a_worker_holds_when_it_is_cancelled_goes_out_then_or_never(back: str) -> None:
    held, *others = leases.claim(100, LEASE)
    assert stopping.cancel(stopping.find("harbour")) == Cancelled(0, 10)
    for lease in others:
        assert deliveries.settle(lease, YES, direct=True)
    if back == "given back":
        leases.give_back(held)
    elif back == "deferred":
        deliveries.settle(held, LATER, direct=True)
    else:
        postoffice.expire_leases()
        leases.reap()
    postoffice.make_due()
    assert leases.claim(100, LEASE) == []
    row = Delivery.objects.get(pk=held.delivery_id)
    assert (row.state, row.outcome) == (State.CANCELLED, "stopped")
    assert row.settled_at is not None
    assert Delivery.objects.filter(state=State.ACCEPTED).count() == 9


def test_writers_whose_letters_were_cancelled_still_count_and_their_other_letters_go_out(
    campaign: Campaign,
) -> None:
    Delivery.objects.all().delete()
    supporter, _ = writers.confirmed(campaign)
    postoffice.make_due()
    held = [lease for lease in leases.claim(100, LEASE) if lease.domain == "owner.example"]
    stopping.cancel(stopping.find("harbour/owner"))
    leases.give_back(held)
    letter_status.finish_withdrawals()
    supporter.refresh_from_db()
    assert supporter.state == Supporter.State.CONFIRMED
    assert _states("owner") == {State.CANCELLED: 1}
    assert _states("company") == {State.SENDING: 1}
    counts.sum_up()
    assert counts.totals(campaign)[counts.CountKind.SUPPORTERS] == 1
    assert counts.recount() == []


def test_the_desk_may_pause_resume_and_cancel_while_a_worker_sends(acting_as: ActingAs) -> None:
    campaign = letters.campaign()
    letters.queue(letters.target(campaign), 5)
    with acting_as("worker"):
        assert len(_claim(2)) == 2
    with acting_as("desk"):
        place = stopping.find("harbour/owner")
        assert stopping.pause(place)
        assert stopping.cancel(place) == Cancelled(3, 2)
        assert stopping.resume(place)


@pytest.mark.django_db(transaction=True)
def test_resuming_wakes_the_workers_that_sleep() -> None:
    letters.campaign()
    with postoffice.witness() as worker:
        worker.execute("LISTEN picketline_due")
        stopping.pause(stopping.find("harbour"))
        stopping.resume(stopping.find("harbour"))
        (woken,) = worker.notifies(timeout=10, stop_after=1)
        assert woken.channel == "picketline_due"
    connection.close()
