"""Uncertain letters: what the relay has is accepted, what it surely has not goes out again."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tests import builders, postoffice
from tests.domain.relay.fake_postfix import (
    GRACE,
    LEASE,
    NAME,
    PATIENCE,
    SMTPD_TIMEOUT,
    Clock,
    FakePostfix,
    a_letter,
    attempts,
    crash,
    letters,
    passes,
    sender_of,
    state,
)
from tests.mail.scripted_server import Fault

from picketline.domain import leases, letter_status
from picketline.mail.postqueue import Queued, QueueUnreadable
from picketline.models import Delivery, Evidence, RelayProbe

pytestmark = pytest.mark.django_db

State = Delivery.State


def test_a_letter_that_the_log_tells_of_is_accepted_and_counted_once(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP)
    assert state(letter) == State.UNCERTAIN
    watch = postfix.resolver()
    watch.run()
    assert (state(letter), letter.outcome) == (State.ACCEPTED, "evidence")
    assert letter.settled_at is not None
    passes(watch, clock)
    assert letters(letter.campaign) == 1
    assert postfix.sink == [letter.message_id]


def test_a_letter_that_is_surely_not_there_goes_out_again_as_it_was(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    letter.refresh_from_db()
    digest = bytes(letter.mime_sha256 or b"")
    passes(postfix.resolver(), clock)
    assert state(letter) == State.QUEUED
    assert postfix.send() == [letter.message_id]
    assert state(letter) == State.ACCEPTED
    assert bytes(letter.mime_sha256 or b"") == digest
    assert postfix.sink == [letter.message_id]
    assert letters(letter.campaign) == 1


def test_what_a_killed_worker_left_is_settled_both_ways(postfix: FakePostfix, clock: Clock) -> None:
    there, absent = postoffice.queued(builders.campaign())
    for lease in leases.claim(10, LEASE, relay=NAME):
        mail = Delivery.objects.get(pk=lease.delivery_id)
        alias = sender_of(mail.message_id).partition("@")[0][2:]
        envelope = sha256(alias.encode()).digest()
        intent = leases.Intent(lease, b"b" * 32, envelope, None)
        leases.intend_many([intent], timedelta(0))
    crash()
    postfix.take(sender_of(there.message_id), there.message_id)
    passes(postfix.resolver(), clock)
    assert (state(there), state(absent)) == (State.ACCEPTED, State.QUEUED)
    assert attempts(absent) == ["crashed"]


def test_nothing_is_concluded_before_the_grace_has_passed(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    watch = postfix.resolver()
    passes(watch, clock, GRACE.total_seconds() - 2, step=4)
    assert state(letter) == State.UNCERTAIN
    passes(watch, clock, 5, step=1)
    assert state(letter) == State.QUEUED


def test_a_worker_that_may_only_be_frozen_is_waited_for_longer(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    letter.attempts.update(outcome="crashed")
    watch = postfix.resolver()
    passes(watch, clock, LEASE.total_seconds() + SMTPD_TIMEOUT - 2, step=4)
    assert state(letter) == State.UNCERTAIN
    passes(watch, clock, 5, step=1)
    assert state(letter) == State.QUEUED


def _unreadable(_: Path | None) -> Any:
    raise QueueUnreadable("postqueue failed: no such queue")


def test_where_postfix_does_not_say_when_it_hangs_up_a_killed_workers_letter_stays(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    letter.attempts.update(outcome="crashed")
    passes(postfix.resolver(smtpd_timeout=_unreadable), clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN


def test_without_the_queue_nothing_is_absent(postfix: FakePostfix, clock: Clock) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    passes(postfix.resolver(queue=_unreadable), clock)
    assert state(letter) == State.UNCERTAIN


def test_without_a_probes_line_nothing_is_absent(postfix: FakePostfix, clock: Clock) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    postfix.dead = True
    watch = postfix.resolver()
    passes(watch, clock)
    assert state(letter) == State.UNCERTAIN
    postfix.dead = False
    passes(watch, clock, 60)
    assert state(letter) == State.QUEUED


def test_a_probe_from_before_the_queue_was_listed_proves_nothing(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    postfix.probe(NAME, postoffice.route(1))
    postfix.dead = True
    passes(postfix.resolver(), clock)
    assert RelayProbe.objects.get().seen_at is not None
    assert state(letter) == State.UNCERTAIN


def test_cleanups_line_is_no_evidence(postfix: FakePostfix, clock: Clock) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    postfix.begin(letter.message_id)
    passes(postfix.resolver(), clock)
    assert state(letter) == State.QUEUED
    assert not Evidence.objects.exists()


def test_what_waits_without_a_line_is_found_in_the_queue(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.full = True
    postfix.send(Fault.DROP)
    passes(postfix.resolver(), clock)
    assert state(letter) == State.ACCEPTED
    for entry in list(postfix.queue):
        postfix.activate(entry.queue_id)
    assert postfix.sink.count(letter.message_id) == 1


def test_what_is_not_taken_in_yet_is_not_in_the_queue(postfix: FakePostfix, clock: Clock) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    postfix.queue.append(Queued("4jY7RR99999zBCD", "maildrop", sender_of(letter.message_id), 1))
    passes(postfix.resolver(), clock)
    assert state(letter) == State.QUEUED


def test_a_letter_of_another_hosts_relay_is_left_to_that_host(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    letter.attempts.update(relay="elsewhere")
    passes(postfix.resolver(), clock)
    assert state(letter) == State.UNCERTAIN


def test_a_letter_that_was_withdrawn_meanwhile_is_cancelled_instead_of_sent_again(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    Delivery.objects.update(recalled=True)
    passes(postfix.resolver(), clock)
    letter_status.finish_withdrawals()
    assert state(letter) == State.CANCELLED
    assert postfix.send() == []


def test_a_dot_that_still_arrives_after_the_listing_is_seen(
    postfix: FakePostfix, clock: Clock
) -> None:
    """Between the listing and the probe's line the letter gets its own."""
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    watch = postfix.resolver()
    while not RelayProbe.objects.exists():
        clock.pass_by(5)
        watch.run()
    postfix.take(sender_of(letter.message_id), letter.message_id)
    watch.run()
    assert state(letter) == State.ACCEPTED


def test_a_second_watch_moves_nothing_that_the_first_has_moved(
    postfix: FakePostfix, clock: Clock
) -> None:
    """Both prove the same letter absent; meanwhile it went out again and is unclear once more."""
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    first, second = postfix.resolver(), postfix.resolver()
    for watch in (first, second, first, second):
        watch.run()
    clock.pass_by(PATIENCE)
    second.run()
    passes(first, clock, 30)
    assert state(letter) == State.QUEUED
    postfix.send(Fault.DROP)
    second.run()
    assert state(letter) == State.ACCEPTED
    assert postfix.sink == [letter.message_id]


def test_what_is_unclear_again_is_looked_for_from_the_beginning(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    watch = postfix.resolver()
    passes(watch, clock)
    postfix.send(Fault.DROP, stored=False)
    passes(watch, clock, GRACE.total_seconds() - 2, step=4)
    assert state(letter) == State.UNCERTAIN
    passes(watch, clock)
    assert state(letter) == State.QUEUED
    assert postfix.send() == [letter.message_id]
    assert letters(letter.campaign) == 1


def test_while_letters_go_out_a_probe_is_handed_over_now_and_then(
    postfix: FakePostfix, clock: Clock
) -> None:
    postoffice.queued(builders.campaign())
    watch = postfix.resolver()
    passes(watch, clock, 60)
    assert RelayProbe.objects.count() == 0
    postfix.send()
    passes(watch, clock, 60)
    assert RelayProbe.objects.count() == 1
    assert RelayProbe.objects.get().seen_at is not None


def test_a_relay_that_takes_no_probe_is_left_in_peace_for_a_while(
    postfix: FakePostfix, clock: Clock
) -> None:
    asked: list[float] = []

    def refuse(*_: object) -> None:
        asked.append(clock.seconds)

    postoffice.queued(builders.campaign())
    watch = postfix.resolver(probe=refuse)
    watch.run()
    postfix.send()
    passes(watch, clock, 60, step=1)
    assert len(asked) == 1
