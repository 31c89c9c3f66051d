"""Clocks that are set shorten no wait, and hide no gap."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.domain.relay.fake_postfix import (
    GRACE,
    PATIENCE,
    Clock,
    FakePostfix,
    a_letter,
    passes,
    set_database_clock,
    state,
)
from tests.mail.scripted_server import Fault

from picketline.models import Delivery

pytestmark = pytest.mark.django_db

State = Delivery.State


JUMPS = {
    "an hour on": timedelta(hours=1),
    "an hour back": timedelta(hours=-1),
    "a year on": timedelta(days=365),
    "a year back": timedelta(days=-365),
}


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
def test_a_clock_that_is_set_neither_shortens_the_wait_nor_makes_it_endless(
    postfix: FakePostfix, clock: Clock, jump: timedelta
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    watch = postfix.resolver()
    watch.run()
    set_database_clock(jump)
    passes(watch, clock, GRACE.total_seconds() - 2, step=4)
    assert state(letter) == State.UNCERTAIN
    passes(watch, clock)
    assert state(letter) == State.QUEUED


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
def test_a_clock_that_is_set_hides_no_gap(
    postfix: FakePostfix, clock: Clock, jump: timedelta
) -> None:
    letter = a_letter()
    postfix.write("of no interest")
    postfix.resolver().run()
    postfix.send(Fault.DROP)
    set_database_clock(jump)
    postfix.log.write_text("")
    passes(postfix.resolver(), clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN


def test_a_worker_that_just_started_waits_the_whole_time_itself(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    for _ in range(10):
        passes(postfix.resolver(), clock, GRACE.total_seconds() - 2, step=4)
    assert state(letter) == State.UNCERTAIN
