"""Leases: one holder at a time, and whoever lost a lease changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.postoffice import HOUR

from picketline.domain import campaigns, deliveries, leases
from picketline.domain.leases import BytesChanged, Intended, Intent, Lease, LeaseLost
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Attempt, Delivery

pytestmark = pytest.mark.django_db

MailClass = Delivery.MailClass
State = Delivery.State
BYTES, OTHER_BYTES = b"b" * 32, b"o" * 32


def _confirmation() -> Delivery:
    return postoffice.queued(builders.campaign(), MailClass.CONFIRMATION)[0]


def _letter() -> Delivery:
    letter, other = postoffice.queued(builders.campaign())
    other.delete()
    return letter


def _intend(lease: Lease, sha256: bytes = BYTES, margin: timedelta = timedelta(0)) -> None:
    leases.intend(Intent(lease, sha256, b"e" * 32, None), margin)


def _rows() -> list[object]:
    """Everything that any function of a worker could change."""
    return [list(table.objects.order_by("pk").values()) for table in (Delivery, Attempt)]


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
    _letter()
    Delivery.objects.update(state=state)
    assert leases.claim(10, HOUR) == []


def test_an_uncertain_letter_is_never_claimed() -> None:
    _letter()
    Delivery.objects.update(state=State.UNCERTAIN, uncertain_since=timezone.now())
    assert leases.claim(10, HOUR) == []
    assert leases.reap() == 0


def test_a_claimed_mail_is_nobody_elses() -> None:
    lease = postoffice.claimed(_letter())
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
    letter = _letter()
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
    letter = _letter()
    stale = postoffice.claimed(letter)
    postoffice.expire_leases()
    assert leases.reap() == 1
    if reclaimed:
        postoffice.claimed(letter)
    before = _rows()
    assert not act(stale)
    assert _rows() == before
    assert not leases.held(stale).exists()


@pytest.mark.parametrize("reclaimed", [False, True], ids=["reaped", "held by another"])
def test_an_old_token_cannot_intend(reclaimed: bool) -> None:
    letter = _letter()
    stale = postoffice.claimed(letter)
    postoffice.expire_leases()
    leases.reap()
    if reclaimed:
        postoffice.claimed(letter)
    before = _rows()
    with pytest.raises(LeaseLost):
        _intend(stale)
    assert _rows() == before


def test_an_intent_needs_time_left_for_the_answer() -> None:
    lease = postoffice.claimed(_letter(), lease=timedelta(seconds=60))
    before = _rows()
    with pytest.raises(LeaseLost):
        _intend(lease, margin=timedelta(seconds=61))
    assert _rows() == before
    _intend(lease, margin=timedelta(seconds=59))
    assert Attempt.objects.get().phase == Attempt.Phase.COMMITTING


def test_an_intent_fixes_the_bytes_and_the_two_aliases() -> None:
    letter = _letter()
    lease = postoffice.claimed(letter)
    leases.intend(Intent(lease, BYTES, b"e" * 32, b"r" * 32), timedelta(0))
    letter.refresh_from_db()
    assert [bytes(letter.mime_sha256 or b""), bytes(letter.envelope_hash or b"")] == [
        BYTES,
        b"e" * 32,
    ]
    assert bytes(letter.reply_hash or b"") == b"r" * 32
    assert Attempt.objects.get().committed_at is not None


def test_of_many_intents_each_has_its_own_fate_and_the_relay_is_noted() -> None:
    campaign = builders.campaign()
    for number in range(2):
        writers.confirmed(campaign, address=f"w{number}@writers.example")
    Delivery.objects.exclude(mail_class=MailClass.LETTER).delete()
    postoffice.make_due()
    held = leases.claim(10, HOUR, relay="mx1")
    lost, changed, *fine = held
    leases.give_back(lost)
    Delivery.objects.filter(pk=changed.delivery_id).update(mime_sha256=OTHER_BYTES)
    fates = leases.intend_many(
        [Intent(lease, BYTES, bytes([number]) * 32, None) for number, lease in enumerate(held)],
        timedelta(0),
        relay="mx2",
    )
    assert fates == {
        lost.delivery_id: Intended.LOST,
        changed.delivery_id: Intended.CHANGED,
        **{lease.delivery_id: Intended.HELD for lease in fine},
    }
    committing = Attempt.objects.filter(phase=Attempt.Phase.COMMITTING)
    assert set(committing.values_list("delivery", "relay")) == {
        (lease.delivery_id, "mx2") for lease in fine
    }
    assert Attempt.objects.get(delivery=lost.delivery_id).relay == "mx1"
    assert leases.intend_many([], timedelta(0)) == {}


def test_a_lease_says_where_its_mail_goes() -> None:
    letter = _letter()
    lease = postoffice.claimed(letter)
    assert letter.target_version is not None
    assert (lease.mail_class, lease.campaign_id, lease.target_id, lease.domain) == (
        "letter",
        letter.campaign_id,
        letter.target_id,
        letter.target_version.address.rpartition("@")[2],
    )


@pytest.mark.django_db(transaction=True)
def test_an_intent_does_not_wait_for_a_mail_that_somebody_is_writing_on() -> None:
    letter = _letter()
    lease = postoffice.claimed(letter)
    with postoffice.witness() as other, other.transaction():
        other.execute("SELECT FROM picketline_delivery WHERE id = %s FOR UPDATE", [letter.pk])
        with pytest.raises(LeaseLost):
            _intend(lease)
    _intend(lease)
    connection.close()


def test_more_dead_leases_than_are_freed_at_once_are_all_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leases, "REAP_AT_ONCE", 1)
    postoffice.queued(builders.campaign())
    assert len(leases.claim(10, HOUR)) == 2
    postoffice.expire_leases()
    assert leases.reap() == 2


def test_a_letter_never_goes_out_as_other_bytes_than_first_intended() -> None:
    letter = _letter()
    first = postoffice.claimed(letter)
    _intend(first)
    leases.give_back(first)
    postoffice.make_due()
    second = postoffice.claimed(letter)
    before = _rows()
    with pytest.raises(BytesChanged):
        _intend(second, OTHER_BYTES)
    assert _rows() == before
    _intend(second)


def test_a_notice_may_be_worded_anew() -> None:
    confirmation = _confirmation()
    first = postoffice.claimed(confirmation)
    _intend(first)
    leases.give_back(first)
    postoffice.make_due()
    _intend(postoffice.claimed(confirmation), OTHER_BYTES)
    confirmation.refresh_from_db()
    assert bytes(confirmation.mime_sha256 or b"") == OTHER_BYTES


def test_giving_back_is_no_attempt_and_may_set_a_pause() -> None:
    letter = _letter()
    assert leases.give_back(postoffice.claimed(letter), wait=HOUR)
    letter.refresh_from_db()
    assert (letter.state, letter.attempt_count, letter.lease_until) == (State.QUEUED, 0, None)
    assert letter.due_at > timezone.now() + HOUR / 2
    assert Attempt.objects.get().outcome == "given back"


def test_a_dropped_mail_is_cancelled_for_its_reason() -> None:
    letter = _letter()
    assert leases.drop(postoffice.claimed(letter), "erased")
    letter.refresh_from_db()
    assert (letter.state, letter.outcome) == (State.CANCELLED, "erased")
    assert letter.settled_at is not None


def test_the_reaper_leaves_alone_whoever_is_in_time() -> None:
    postoffice.claimed(_letter())
    before = _rows()
    assert leases.reap() == 0
    assert _rows() == before


def test_a_mail_whose_holder_died_before_the_intent_is_queued_again() -> None:
    letter = _letter()
    postoffice.claimed(letter)
    postoffice.expire_leases()
    assert leases.reap() == 1
    assert leases.reap() == 0
    letter.refresh_from_db()
    assert (letter.state, letter.lease_until, letter.uncertain_since) == (State.QUEUED, None, None)
    attempt = Attempt.objects.get()
    assert (attempt.phase, attempt.outcome) == (Attempt.Phase.ENDED, "crashed")


def test_a_mail_that_keeps_killing_its_holders_lets_the_others_go_first() -> None:
    letter = _letter()
    for _ in range(3):
        postoffice.claimed(letter)
        postoffice.expire_leases()
        leases.reap()
    assert leases.claim(10, HOUR) == []
    postoffice.make_due()
    assert [lease.delivery_id for lease in leases.claim(10, HOUR)] == [letter.pk]


def test_a_letter_whose_holder_died_after_the_intent_is_uncertain_for_good() -> None:
    letter = _letter()
    _intend(postoffice.claimed(letter))
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
        _intend(postoffice.claimed(confirmation))
        postoffice.expire_leases()
        assert leases.reap() == 1
        confirmation.refresh_from_db()
        ends.append(confirmation.state)
    assert ends == [State.DEFERRED, State.UNCERTAIN]
