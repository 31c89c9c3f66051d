"""Races: several workers and writers at once, and still no pace is broken and no letter doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.domain.pacing import letters

from picketline.domain import leases, pacing
from picketline.domain.leases import Intended, Intent
from picketline.domain.letter_status import withdraw
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Delivery, Gate

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = timedelta(minutes=2)
DOWN = Outcome(Kind.TEMPORARY, Phase.CONNECT, Cause.RELAY)
ROUNDS = 25


def _at_once(*acts: Callable[[], object]) -> list[object]:
    """Do all of these at the same time, each on a connection of its own."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        try:
            start.wait(10)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(run, act) for act in acts]]


def test_workers_that_claim_at_once_spend_no_token_twice(settings) -> None:
    settings.TARGET_PER_MINUTE = 60
    settings.DOMAIN_PER_MINUTE = 90
    campaign = letters.campaign()
    for target in campaign.targets.all():
        letters.move_to(target, "company.example")
        letters.queue(target, 60)
    moment = letters.MONDAY + timedelta(minutes=1)

    def work() -> int:
        return sum(len(leases.claim(3, LEASE, moment=moment)) for _ in range(10))

    found = _at_once(*[work] * 4)
    assert sum(map(int, map(str, found))) == 15  # what ten seconds give the domain


def test_what_a_worker_gives_back_late_does_not_let_two_letters_pass_at_once(settings) -> None:
    settings.TARGET_PER_MINUTE, settings.TARGET_PER_DAY = 6, 3
    letters.queue(letters.target(letters.campaign()), 20)
    now = letters.MONDAY + letters.MINUTE

    def claimed_after(seconds: int) -> list[leases.Lease]:
        return leases.claim(5, LEASE, moment=now + timedelta(seconds=seconds))

    (held,) = claimed_after(0)
    assert len(claimed_after(11)) == 1
    assert leases.give_back(held) == 1
    assert claimed_after(12) == []
    assert len(claimed_after(22)) == 1
    assert len(claimed_after(33)) == 1  # the day has its place back
    assert claimed_after(44) == []


def test_what_died_with_its_worker_before_the_intent_gives_its_place_back(settings) -> None:
    settings.TARGET_PER_MINUTE, settings.TARGET_PER_DAY = 60, 3
    letters.queue(letters.target(letters.campaign()), 20)
    now = letters.MONDAY + letters.MINUTE
    for _ in range(3):
        dying = leases.claim(5, LEASE, moment=now)
        assert len(dying) == 3
        intended = Intent(dying[0], b"s" * 32, b"e" * 32, None)
        Delivery.objects.filter(state="sending").update(lease_until=timezone.now() + LEASE)
        leases.intend(intended, timedelta(0))
        postoffice.expire_leases()
        assert leases.reap() == 3
        assert Gate.objects.get(name__startswith="target:").day_count == 1
        Gate.objects.filter(name__startswith="target:").update(day_count=0)


def test_while_a_breaker_is_half_open_several_workers_send_one_mail() -> None:
    letters.queue(letters.target(letters.campaign()), 40)
    moment = letters.MONDAY + timedelta(minutes=1)
    Gate.objects.create(name="relay:mx1", breaker="open", openings=1, open_until=moment)
    found = _at_once(*[lambda: leases.claim(5, LEASE, relay="mx1", moment=moment)] * 4)
    assert sum(len(claimed) for claimed in found if isinstance(claimed, list)) == 1


def test_a_withdrawn_letter_is_never_sent_after_it_was_cancelled() -> None:
    campaign = builders.campaign()
    for number in range(ROUNDS):
        _, token = writers.confirmed(campaign, address=f"w{number}@writers.example")
        Delivery.objects.exclude(mail_class="letter").delete()
        postoffice.make_due()
        held = leases.claim(10, LEASE) if number % 2 else []

        def send(held: list[leases.Lease] = held) -> dict[int, Intended]:
            mine = held or leases.claim(10, LEASE)
            intents = [Intent(lease, b"s" * 32, b"e" * 31 + bytes([0]), None) for lease in mine]
            return leases.intend_many(intents, timedelta(0))

        intended, _ = _at_once(send, lambda token=token: withdraw(token))
        assert isinstance(intended, dict)
        for pk, fate in intended.items():
            state = Delivery.objects.get(pk=pk).state
            assert not (fate is Intended.HELD and state == "cancelled")
        # Whatever was lost to the withdrawal stays with its lease, and is not taken up again.
        postoffice.expire_leases()
        leases.reap()
        postoffice.make_due()
        assert leases.claim(10, LEASE) == []
        Delivery.objects.all().delete()


def test_workers_that_settle_claim_and_give_back_at_once_never_wait_in_a_circle() -> None:
    campaigns = [letters.campaign(slug) for slug in ("a", "b")]
    for campaign in campaigns:
        for target in campaign.targets.all():
            letters.queue(target, 200)
    moment = letters.MONDAY + timedelta(minutes=1)

    def work() -> int:
        done = 0
        for _ in range(8):
            found = leases.claim(8, LEASE, moment=moment)
            half = len(found) // 2
            pacing.note([(each, DOWN) for each in found[:half]], relay="", direct=True)
            done += leases.give_back(found[half:])
        return done

    assert all(isinstance(number, int) for number in _at_once(*[work] * 4))


def test_a_worker_that_froze_in_its_claim_does_not_hold_up_the_others_for_ever() -> None:
    letters.queue(letters.target(letters.campaign()), 4)
    with postoffice.witness() as frozen, frozen.transaction():
        frozen.execute("SET LOCAL idle_in_transaction_session_timeout = '300ms'")
        frozen.execute("SELECT pg_advisory_xact_lock(hashtext('picketline_claim'))")
        assert len(leases.claim(1, LEASE)) == 1
        with pytest.raises(Exception, match="idle-in-transaction"):
            frozen.execute("SELECT 1")
    connection.close()


def test_every_claim_says_how_long_it_may_be_frozen() -> None:
    seen = []

    def watch(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        result = execute(sql, params, many, context)
        if "picketline_claim" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute("SHOW idle_in_transaction_session_timeout")
                seen.append(cursor.fetchone()[0])
        return result

    with connection.execute_wrapper(watch):
        leases.claim(1, LEASE)
    assert seen == ["20s"]


def test_the_database_itself_ends_a_claim_that_waits_for_a_lock_it_may_not_wait_for() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    with postoffice.witness() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(hashtext('picketline_claim'))")
        with pytest.raises(OperationalError):
            leases.claim(1, LEASE)
    connection.close()
