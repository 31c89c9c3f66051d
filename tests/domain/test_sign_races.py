"""Two at the same time: real connections, really at once, and never a deadlock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone
from tests import builders, writers

from picketline.domain import counts, leases, names
from picketline.domain.letter_status import erase, withdraw
from picketline.domain.links import LinkUnknown
from picketline.domain.supporters import AlreadyWritten, confirm, never_write_again
from picketline.models import Consent, CountEntry, Delivery, PublicName, Supporter, Suppression

pytestmark = pytest.mark.django_db(transaction=True)
State = Supporter.State
SHOW_NAME = frozenset({Consent.Kind.SEND, Consent.Kind.SHOW_NAME})


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run each act in a thread and connection of its own; the named facts it raised count too."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        try:
            barrier.wait()
            return act()
        except (AlreadyWritten, LinkUnknown) as fact:
            return type(fact)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.parametrize("number", [2, 5])
def test_of_several_confirmations_of_one_address_exactly_one_wins(number: int) -> None:
    campaign = builders.campaign()
    links = [writers.link(writers.submit(campaign)) for _ in range(number)]

    results = at_once(*[lambda link=link: confirm(link) for link in links])

    winners = [result for result in results if isinstance(result, str)]
    assert len(winners) == 1
    assert set(results) - set(winners) <= {AlreadyWritten, LinkUnknown}
    assert Supporter.objects.filter(state=State.CONFIRMED).count() == 1
    assert Delivery.objects.filter(mail_class="letter").count() == 2
    assert CountEntry.objects.filter(kind="supporters").count() == 1


def test_two_clicks_at_once_both_see_the_same_page() -> None:
    campaign = builders.campaign()
    link = writers.link(writers.submit(campaign))

    first, second = at_once(lambda: confirm(link), lambda: confirm(link))

    assert first == second
    assert isinstance(first, str)
    assert CountEntry.objects.count() == 1
    assert Delivery.objects.filter(mail_class="letter").count() == 2


def test_yes_and_never_at_once_end_as_one_of_them() -> None:
    campaign = builders.campaign()
    link = writers.link(writers.submit(campaign))

    yes, never = at_once(lambda: confirm(link), lambda: never_write_again(link))

    confirmed = Supporter.objects.get().state == State.CONFIRMED
    assert confirmed is isinstance(yes, str)
    assert confirmed is (never is LinkUnknown)
    assert Suppression.objects.exists() is not confirmed
    assert Delivery.objects.filter(mail_class="letter").exists() is confirmed


def test_leaving_twice_at_once_counts_once() -> None:
    campaign = builders.campaign()
    _, status_token = writers.confirmed(campaign, signature=writers.UNION)

    at_once(*[lambda act=act: act(status_token) for act in (withdraw, erase, withdraw, erase)])

    counts.sum_up()
    assert set(counts.totals(campaign).values()) == {0}
    assert not Delivery.objects.filter(mail_class="letter").exclude(state="cancelled").exists()


def test_withdrawing_and_claiming_at_once_share_the_letters_out() -> None:
    campaign = builders.campaign()
    _, status_token = writers.confirmed(campaign)
    Delivery.objects.update(due_at=timezone.now() - timedelta(hours=1))

    _, claimed = at_once(
        lambda: withdraw(status_token), lambda: leases.claim(10, timedelta(minutes=1))
    )

    assert isinstance(claimed, list)
    held = Delivery.objects.filter(state="sending").count()
    assert held == len(claimed)
    assert held + Delivery.objects.filter(state="cancelled").count() == Delivery.objects.count()


def test_summing_up_in_two_places_at_once_counts_everything_once() -> None:
    campaigns = [builders.campaign(slug=f"harbour-{number}") for number in range(3)]
    for number in range(60):
        for kind in counts.CountKind:
            counts.add(campaigns[number % 3].pk, kind, 1)

    at_once(*[counts.sum_up] * 4)

    assert [set(counts.totals(campaign).values()) for campaign in campaigns] == [{20}] * 3
    assert counts.recount() == []


def test_a_name_is_not_published_after_its_bearer_has_erased_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = builders.campaign()
    _, status_token = writers.confirmed(campaign, consents=SHOW_NAME)
    yesterday = timezone.now() - timedelta(days=1)
    Supporter.objects.update(confirmed_on=yesterday.date())
    reading, erasing = threading.Event(), threading.Event()
    open_one = names.opened

    def slowly(supporter: Supporter) -> object:
        reading.set()
        erasing.wait(timeout=0.2)  # an erasure that need not wait for us is over by then
        return open_one(supporter)

    def leave() -> None:
        reading.wait(timeout=10)
        erase(status_token)
        erasing.set()

    monkeypatch.setattr(names, "opened", slowly)
    at_once(names.publish, leave)

    assert not PublicName.objects.exists()


def test_publishing_names_does_not_keep_anybody_from_writing() -> None:
    campaign = builders.campaign()
    writers.confirmed(campaign, consents=SHOW_NAME)
    Supporter.objects.update(confirmed_on=timezone.now().date() - timedelta(days=1))
    with transaction.atomic():
        assert names.publish() == 1
        (writer,) = at_once(lambda: writers.submit(campaign, address="ann@writers.example"))
    assert isinstance(writer, Supporter)
