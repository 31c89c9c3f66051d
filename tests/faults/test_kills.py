"""A worker process that is killed at any point: nothing lost, nothing doubled (D01).

``tests/management/test_worker_killed.py`` has the points of the way one by one that are not here.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from tests.database_proxy import DatabaseProxy
from tests.domain.relay.fake_postfix import (
    NAME,
    Clock,
    FakePostfix,
    crash,
    letters,
    passes,
    sender_of,
)
from tests.faults import stand
from tests.faults.stand import ALONE, State, on_call
from tests.mail.scripted_server import Fault
from tests.postoffice import Peer
from tests.workers import worker

from picketline.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)

LETTERS = 3
OK = b"250 2.0.0 Ok: queued as 77\r\n"


class Point:
    """A place in a worker's life, which ``arm`` holds it up at.

    At a point of the dialogue the server answers nothing until the worker is ``dead``.
    """

    def __init__(self, arm: Callable[[Point, Peer, DatabaseProxy], None], **script: Any) -> None:
        self._arm = arm
        self.script = script

    def prepare(self, server: Peer, proxy: DatabaseProxy) -> None:
        """Set it up for one worker."""
        self.dead = threading.Event()
        self.proxy = proxy
        self._arm(self, server, proxy)

    def freeze(self) -> None:
        """The server's side of a point in the dialogue."""
        self.proxy.held.set()
        self.dead.wait(10)


def _told(moment: str, number: int = 1, **script: Any) -> Point:
    """The server has just been told this for the n-th time."""

    def arm(point: Point, server: Peer, _: DatabaseProxy) -> None:
        server.watching[moment] = on_call(number, point.freeze)

    return Point(arm, **script)


def _database(moment: str, number: int, hold: Callable[[DatabaseProxy], None]) -> Point:
    """The database is not heard any more at a point after this moment."""

    def arm(_: Point, server: Peer, proxy: DatabaseProxy) -> None:
        server.watching[moment] = on_call(number, lambda: hold(proxy))

    return Point(arm)


def _within_the_text() -> Point:
    """The text is on its way.

    The database does not hear its sender, who might else write the intent before the kill.
    """

    def arm(point: Point, server: Peer, proxy: DatabaseProxy) -> None:
        server.watching["DATA"] = proxy.hold_requests
        server.watching["TEXT"] = point.freeze

    return Point(arm, text_size=1)


def _no_answer(number: int) -> dict[str, Any]:
    """The server keeps what comes before the n-th dot, and not what ends with that one."""
    return {"answers": {"DOT": [OK] * (number - 1) + [Fault.DROP]}}


# Each point, how many letters the server has then, and how many are unclear after that.
TOGETHER = {
    "after the claim": (_told("GREETING"), 0, 0),
    "after building": (
        _database("EHLO", 1, lambda proxy: proxy.hold_at(b"phase = 'committing'")),
        0,
        0,
    ),
    "after the intents": (
        _database("EHLO", 1, lambda proxy: proxy.hold_answer_to(b"COMMIT")),
        0,
        3,
    ),
    "after MAIL": (_told("MAIL"), 0, 3),
    "after DATA": (_told("DATA"), 0, 3),
    "after the first dot": (_told("DOT"), 1, 3),
    "after the middle dot": (_told("DOT", 2), 2, 3),
    "after the middle dot, which got lost": (_told("DOT", 2, **_no_answer(2)), 1, 3),
    "after the last dot": (_told("DOT", 3), 3, 3),
    "after the last 250": (_database("DOT", 3, lambda proxy: proxy.hold_requests()), 3, 3),
    "while it settles": (
        _database("DOT", 3, lambda proxy: proxy.hold_answer_to(b"COMMIT")),
        3,
        0,
    ),
    "after it settled": (_database("DOT", 3, lambda proxy: proxy.hold_after(b"COMMIT")), 3, 0),
}


def _kill_at(point: Point, **settings: str) -> Counter[str]:
    """A worker comes to this point and no further; what the mail server has then."""
    login = connection.settings_dict
    with Peer(**point.script) as server, DatabaseProxy(login["HOST"], login["PORT"]) as proxy:
        point.prepare(server, proxy)
        with worker(server.port, proxy.port, PICKETLINE_RELAY_NAME=NAME, **settings) as process:
            proxy.wait()
            process.kill()
            process.wait()
        point.dead.set()
    return stand.kept(server)


@pytest.mark.parametrize(("point", "there", "unclear"), TOGETHER.values(), ids=TOGETHER.keys())
def test_killed_among_letters_that_go_together(
    point: Point, there: int, unclear: int, relay: FakePostfix, clock: Clock
) -> None:
    campaign = stand.letters(LETTERS)[0].campaign
    evidence = {
        "PICKETLINE_RELAY_LOG": str(relay.log),
        "PICKETLINE_POSTFIX_CONFIG": str(relay.folder / "none"),
    }
    taken = _kill_at(point, **evidence)
    assert taken.total() == there
    crash()
    assert Counter(state for state, _ in stand.ends())[State.UNCERTAIN] == unclear
    for message_id in taken:
        relay.take(sender_of(message_id), message_id)
    passes(relay.resolver(), clock)
    relay.send()
    assert Counter(relay.sink) == Counter(Delivery.objects.values_list("message_id", flat=True))
    assert {state for state, _ in stand.ends()} == {State.ACCEPTED}
    assert letters(campaign) == LETTERS


ONE_BY_ONE = {
    "after MAIL": (_told("MAIL"), 0, 0),
    "after RCPT": (_told("RCPT"), 0, 0),
    "in the middle of the text": (_within_the_text(), 0, 0),
    "after the middle dot": (_told("DOT", 2), 2, 1),
    "while it settles": (
        _database("DOT", 1, lambda proxy: proxy.hold_answer_to(b"COMMIT")),
        1,
        0,
    ),
    "after it settled": (_database("DOT", 1, lambda proxy: proxy.hold_after(b"COMMIT")), 1, 0),
}


@pytest.mark.parametrize(("point", "there", "unclear"), ONE_BY_ONE.values(), ids=ONE_BY_ONE.keys())
def test_killed_among_letters_that_go_one_by_one(point: Point, there: int, unclear: int) -> None:
    """Without a log a crash leaves one letter to a person at most."""
    stand.letters(LETTERS)
    taken = _kill_at(point)
    assert taken.total() == there
    crash()
    with Peer() as server:
        stand.send(server, ALONE, rounds=2)
    arrived = taken + stand.kept(server)
    stand.once_each(arrived)
    states = Counter(state for state, _ in stand.ends())
    assert (states[State.UNCERTAIN], states[State.ACCEPTED]) == (unclear, LETTERS - unclear)
    assert arrived.total() == LETTERS
