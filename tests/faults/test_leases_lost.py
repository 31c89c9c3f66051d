"""A worker that is frozen, or whose lease the database's clock ended: it sends and writes no more.

D05 and D06: who holds a stale token writes nothing, and past its deadline sends no dot.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests import postoffice
from tests.domain.relay.fake_postfix import Clock, FakePostfix, crash, passes, sender_of
from tests.faults import stand
from tests.faults.stand import TOGETHER, WAYS, State, on_call
from tests.postoffice import Peer

from picketline.domain import handover
from picketline.mail import smtp
from picketline.models import Attempt, Delivery

pytestmark = pytest.mark.django_db(transaction=True)

_JUMP = "UPDATE picketline_delivery SET lease_until = lease_until - %s"


def _jump(ahead: timedelta) -> None:
    """The database's clock is set, as seen from everybody's leases."""
    with postoffice.witness() as other:
        other.execute(_JUMP, [ahead])


def _settle(relay: FakePostfix, clock: Clock, taken: list[str]) -> None:
    """The relay logs what it took; whoever watches draws the conclusions; the rest is sent."""
    for message_id in taken:
        relay.take(sender_of(message_id), message_id)
    crash()
    passes(relay.resolver(), clock)
    relay.send()


def _each_arrived_once(relay: FakePostfix) -> bool:
    return sorted(relay.sink) == sorted(Delivery.objects.values_list("message_id", flat=True))


class BootClock:
    """The clock that counts suspension, as a worker reads it."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        """Seconds since nobody knows when."""
        return self.seconds

    def thaw(self) -> None:
        """A worker wakes up and finds that an hour is gone."""
        self.seconds += 3600


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch) -> BootClock:
    clock = BootClock()
    monkeypatch.setattr(handover, "boot_seconds", clock)
    monkeypatch.setattr(smtp, "boot_seconds", clock)
    return clock


@WAYS
def test_a_worker_that_was_frozen_before_its_dot_sends_none(
    intents: int, boot: BootClock, relay: FakePostfix, clock: Clock
) -> None:
    stand.letters(3)
    with Peer() as server:
        server.watching["DATA"] = on_call(2, boot.thaw)
        stand.send(server, intents)
    taken = list(stand.kept(server))
    assert len(taken) == 1
    _settle(relay, clock, taken)
    postoffice.make_due()
    relay.send()
    assert _each_arrived_once(relay)


JUMPS = {
    "an hour on": timedelta(hours=1),
    "an hour back": timedelta(hours=-1),
    "a year on": timedelta(days=365),
}


@WAYS
@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS.keys())
@pytest.mark.parametrize("moment", ["MAIL", "DOT"])
def test_a_clock_that_is_set_while_letters_are_on_their_way(
    moment: str, jump: timedelta, intents: int, relay: FakePostfix, clock: Clock
) -> None:
    stand.letters(2)
    with Peer() as server:
        server.watching[moment] = on_call(1, lambda: _jump(jump))
        stand.send(server, intents, lease=timedelta(minutes=3))
        _settle(relay, clock, list(stand.kept(server)))
    postoffice.make_due()
    relay.send()
    assert _each_arrived_once(relay)


def test_a_stale_token_writes_no_row() -> None:
    """The reaper took the letters away while their answers were on their way."""
    stand.letters(2)
    before: list[object] = []

    def reap() -> None:
        with postoffice.witness() as other:
            other.execute(
                "UPDATE picketline_delivery SET state = 'uncertain', uncertain_since = now(),"
                " lease_until = NULL WHERE state = 'sending'"
            )
        before.append(_rows())

    with Peer() as server:
        server.watching["DOT"] = on_call(1, reap)
        stand.send(server, TOGETHER)
    assert before == [_rows()]
    assert {state for state, _ in stand.ends()} == {State.UNCERTAIN}


def _rows() -> list[object]:
    with postoffice.witness() as other:
        found = other.execute("SELECT * FROM picketline_delivery ORDER BY id").fetchall()
        return [*found, *other.execute("SELECT * FROM picketline_attempt ORDER BY id").fetchall()]


def test_a_batch_whose_leases_are_all_lost_is_left_alone() -> None:
    stand.letters(3)

    def steal() -> None:
        with postoffice.witness() as other:
            other.execute("UPDATE picketline_delivery SET lease_token = lease_token + 1000")

    with Peer() as server:
        server.watching["EHLO"] = steal
        stand.send(server, TOGETHER)
    assert server.messages == []
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.SENDING}
    assert set(Attempt.objects.values_list("phase", flat=True)) == {"claimed"}
