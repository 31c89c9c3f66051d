"""Leases: one holder at a time, and whoever lost a lease changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.postoffice import HOUR

from picketline.domain import campaigns, deliveries, leases
from picketline.domain.leases import Lease
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Attempt, Delivery

pytestmark = pytest.mark.django_db

MailClass = Delivery.MailClass
State = Delivery.State
OTHER_BYTES = b"o" * 32


def _confirmation() -> Delivery:
    return postoffice.queued(builders.campaign(), MailClass.CONFIRMATION)[0]


def test_of_one_target_the_letter_due_longest_is_claimed_first_and_what_is_not_due_stays() -> None:
    campaign = builders.campaign()
    for number in range(2):
        writers.confirmed(campaign, address=f"w{number}@writers.example")
    Delivery.objects.exclude(target__key="owner").delete()
    postoffice.make_due()
    later, late = Delivery.objects.order_by("pk")
    Delivery.objects.filter(pk=late.pk).update(due_at=timezone.now() - 2 * HOUR)
    assert [lease.delivery_id for lease in leases.claim(1, HOUR)] == [late.pk]
    Delivery.objects.filter(pk=later.pk).update(due_at=timezone.now() + HOUR)
    assert leases.claim(10, HOUR) == []


@pytest.mark.parametrize("state", [State.ACCEPTED, State.FAILED, State.CANCELLED, State.BOUNCED])
def test_what_is_settled_is_never_claimed(state: State) -> None:
    postoffice.letter()
    Delivery.objects.update(state=state)
    assert leases.claim(10, HOUR) == []


def test_an_uncertain_letter_is_never_claimed() -> None:
    postoffice.letter()
    Delivery.objects.update(state=State.UNCERTAIN, uncertain_since=timezone.now())
    assert leases.claim(10, HOUR) == []
    assert leases.reap() == 0


def test_a_claimed_mail_is_nobody_elses() -> None:
    lease = postoffice.claimed(postoffice.letter())
    assert leases.claim(10, HOUR) == []
    assert leases.held(lease).get().attempt_count == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_once_never_get_the_same_mail() -> None:
    campaign = builders.campaign()
    for number in range(30):
        writers.submit(campaign, address=f"w{number}@writers.example")

    def work(_: int) -> list[int]:
        found = []
        try:
            while batch := leases.claim(3, HOUR):
                found += [lease.delivery_id for lease in batch]
        finally:
            connection.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        found = [number for batch in pool.map(work, range(4)) for number in batch]
    assert sorted(found) == sorted(Delivery.objects.values_list("pk", flat=True))
    assert Attempt.objects.count() == 30


@pytest.mark.django_db(transaction=True)
def test_a_claim_does_not_wait_for_a_row_that_somebody_holds() -> None:
    held, free = postoffice.queued(builders.campaign())
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")  # whoever waits fails instead of hanging
    with postoffice.witness() as other, other.transaction():
        other.execute("SELECT FROM picketline_delivery WHERE id = %s FOR UPDATE", [held.pk])
        assert [lease.delivery_id for lease in leases.claim(10, HOUR)] == [free.pk]
    assert [lease.delivery_id for lease in leases.claim(10, HOUR)] == [held.pk]
    connection.close()


def test_letters_of_a_suspended_campaign_stay_and_go_on_when_it_opens_again() -> None:
    campaign = builders.campaign()
    letters = postoffice.queued(campaign)
    confirmation = writers.submit(campaign, address="b@writers.example").deliveries.get()
    postoffice.make_due()
    campaigns.suspend(campaign.slug)
    assert [lease.delivery_id for lease in leases.claim(10, HOUR)] == [confirmation.pk]
    campaigns.open_campaign(campaign.slug)
    assert {lease.delivery_id for lease in leases.claim(10, HOUR)} == {row.pk for row in letters}


def test_a_later_lease_of_a_mail_has_a_higher_token() -> None:
    letter = postoffice.letter()
    first = postoffice.claimed(letter)
    assert leases.give_back(first)
    postoffice.make_due()
    assert postoffice.claimed(letter).token > first.token


STALE: dict[str, Callable[[Lease], object]] = {
    "giving back": leases.give_back,
    "dropping": lambda lease: leases.drop(lease, "suppressed"),
    "settling": lambda lease: deliveries.settle(
        lease, Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250), direct=False
    ),
    "settling as failed": lambda lease: deliveries.settle(
        lease, Outcome(Kind.PERMANENT, Phase.RCPT, Cause.ADDRESS, 550), direct=False
    ),
    "settling as unclear": lambda lease: deliveries.settle(
        lease, Outcome(Kind.UNCERTAIN, Phase.DOT, Cause.RELAY), direct=False
    ),
}


@pytest.mark.parametrize("act", STALE.values(), ids=STALE.keys())
@pytest.mark.parametrize("reclaimed", [False, True], ids=["reaped", "held by another"])
def test_a_writer_with_an_old_token_changes_nothing(
    act: Callable[[Lease], object], reclaimed: bool
) -> None:
    letter = postoffice.letter()
    stale = postoffice.claimed(letter)
    postoffice.expire_leases()
    assert leases.reap() == 1
    if reclaimed:
        postoffice.claimed(letter)
    before = postoffice.rows()
    assert not act(stale)
    assert postoffice.rows() == before
    assert not leases.held(stale).exists()


def test_a_claim_reaches_the_disk_so_that_no_crash_lets_its_token_be_given_out_again() -> None:
    postoffice.letter()
    seen = []

    def watch(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        result = execute(sql, params, many, context)
        if "nextval" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute("SHOW synchronous_commit")
                seen.append(cursor.fetchone()[0])
        return result

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO on")  # tests run without
    with connection.execute_wrapper(watch):
        leases.claim(1, HOUR)
    assert seen == ["on"]


def test_a_lease_says_where_its_mail_goes() -> None:
    letter = postoffice.letter()
    lease = postoffice.claimed(letter)
    assert letter.target_version is not None
    assert (lease.mail_class, lease.campaign_id, lease.target_id, lease.domain) == (
        "letter",
        letter.campaign_id,
        letter.target_id,
        letter.target_version.address.rpartition("@")[2],
    )


def test_more_dead_leases_than_are_freed_at_once_are_all_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "REAP_AT_ONCE", 1)
    postoffice.queued(builders.campaign())
    assert len(leases.claim(10, HOUR)) == 2
    postoffice.expire_leases()
    assert leases.reap() == 2


def test_giving_back_is_no_attempt_and_may_set_a_pause() -> None:
    letter = postoffice.letter()
    assert leases.give_back(postoffice.claimed(letter), wait=HOUR)
    letter.refresh_from_db()
    assert (letter.state, letter.attempt_count, letter.lease_until) == (State.QUEUED, 0, None)
    assert letter.due_at > timezone.now() + HOUR / 2
    assert Attempt.objects.get().outcome == "given back"


def test_a_dropped_mail_is_cancelled_for_its_reason() -> None:
    letter = postoffice.letter()
    assert leases.drop(postoffice.claimed(letter), "erased")
    letter.refresh_from_db()
    assert (letter.state, letter.outcome) == (State.CANCELLED, "erased")
    assert letter.settled_at is not None


def test_the_reaper_leaves_alone_whoever_is_in_time() -> None:
    postoffice.claimed(postoffice.letter())
    before = postoffice.rows()
    assert leases.reap() == 0
    assert postoffice.rows() == before


def test_a_mail_whose_holder_died_before_the_intent_is_queued_again() -> None:
    letter = postoffice.letter()
    postoffice.claimed(letter)
    postoffice.expire_leases()
    assert leases.reap() == 1
    assert leases.reap() == 0
    letter.refresh_from_db()
    assert (letter.state, letter.lease_until, letter.uncertain_since) == (State.QUEUED, None, None)
    attempt = Attempt.objects.get()
    assert (attempt.phase, attempt.outcome) == (Attempt.Phase.ENDED, "crashed")


def test_a_mail_that_keeps_killing_its_holders_lets_the_others_go_first() -> None:
    letter = postoffice.letter()
    for _ in range(3):
        postoffice.claimed(letter)
        postoffice.expire_leases()
        leases.reap()
    assert leases.claim(10, HOUR) == []
    postoffice.make_due()
    assert [lease.delivery_id for lease in leases.claim(10, HOUR)] == [letter.pk]


def test_mails_whose_holder_died_three_times_come_back_at_different_times() -> None:
    postoffice.queued(builders.campaign())
    for _ in range(3):
        assert len(leases.claim(10, HOUR)) == 2
        postoffice.expire_leases()
        leases.reap()
    first, second = Delivery.objects.order_by("due_at").values_list("due_at", flat=True)
    assert timezone.now() + HOUR / 3 < first < second < timezone.now() + HOUR


def test_a_letter_whose_holder_died_after_the_intent_is_uncertain_for_good() -> None:
    letter = postoffice.letter()
    postoffice.intend(postoffice.claimed(letter))
    postoffice.expire_leases()
    assert leases.reap() == 1
    letter.refresh_from_db()
    assert (letter.state, letter.outcome) == (State.UNCERTAIN, "uncertain")
    assert letter.uncertain_since is not None
    postoffice.make_due()
    assert leases.claim(10, HOUR) == []


def test_a_confirmation_whose_holder_died_after_the_intent_is_repeated_once() -> None:
    confirmation = _confirmation()
    ends = []
    for _ in range(2):
        postoffice.intend(postoffice.claimed(confirmation))
        postoffice.expire_leases()
        assert leases.reap() == 1
        confirmation.refresh_from_db()
        ends.append(confirmation.state)
    assert ends == [State.DEFERRED, State.UNCERTAIN]
