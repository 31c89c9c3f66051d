"""Each protection carries weight: with one of them off, a letter is lost or arrives twice.

Every test runs its story twice: as it is, and with one protection off. The sink says what came of
it. Without that difference the other tests would prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from tests import builders, postoffice
from tests.domain.relay.fake_postfix import (
    PATIENCE,
    Clock,
    FakePostfix,
    a_letter,
    passes,
    sender_of,
    state,
)
from tests.mail.scripted_server import Fault

from picketline.domain.relay import health, log, unclear
from picketline.mail.postfix_log import Kind, LogEvent, read_line
from picketline.models import Delivery, RelayProbe

pytestmark = pytest.mark.django_db

State = Delivery.State
Patch = pytest.MonkeyPatch
ON_AND_OFF = pytest.mark.parametrize("protected", [True, False], ids=["on", "off"])


def _after_all(postfix: FakePostfix, letter: Delivery, clock: Clock, **choices: Any) -> int:
    """How often the letter arrives once workers had time and sent what they thought they may."""
    passes(postfix.resolver(**choices), clock)
    if state(letter) == State.QUEUED:
        postfix.send()
    for entry in list(postfix.queue):
        postfix.activate(entry.queue_id)
    return postfix.sink.count(letter.message_id)


@ON_AND_OFF
def test_cleanups_line_as_evidence_loses_letters(
    postfix: FakePostfix, clock: Clock, monkeypatch: Patch, protected: bool
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    postfix.begin(letter.message_id)

    def gullible(line: str) -> LogEvent | None:
        found = re.search(r"(\w+): message-id=(<.*>)$", line)
        if found is None or "probe" in line:
            return read_line(line)
        return LogEvent(Kind.QUEUED, found[1], sender=sender_of(found[2]))

    if not protected:
        monkeypatch.setattr(log, "read_line", gullible)
    assert _after_all(postfix, letter, clock) == (1 if protected else 0)
    assert state(letter) == State.ACCEPTED


def _ignore(*_: object) -> None:
    """The protection that is off."""


def _lose_the_log(postfix: FakePostfix) -> None:
    postfix.log.rename(postfix.folder / "elsewhere")
    postfix.log.touch()


def _restart(postfix: FakePostfix) -> None:
    postfix.silent = False
    postfix.restart()


@ON_AND_OFF
@pytest.mark.parametrize(
    ("protection", "silent", "harm"),
    [("begin", False, _lose_the_log), ("note_start", True, _restart)],
    ids=["gap", "restart"],
)
def test_a_gap_that_is_ignored_doubles_letters(
    postfix: FakePostfix,
    clock: Clock,
    monkeypatch: Patch,
    protected: bool,
    protection: str,
    silent: bool,
    harm: Callable[[FakePostfix], None],
) -> None:
    letter = a_letter()
    postfix.silent = silent
    postfix.send(Fault.DROP)
    if not protected:
        monkeypatch.setattr(health, protection, _ignore)
    harm(postfix)
    assert _after_all(postfix, letter, clock) == (1 if protected else 2)
    assert state(letter) == (State.UNCERTAIN if protected else State.ACCEPTED)


@ON_AND_OFF
def test_a_queue_that_is_not_listed_doubles_letters(
    postfix: FakePostfix, clock: Clock, protected: bool
) -> None:
    """The active queue is full; probes overtake, as the queue manager takes any order."""
    letter = a_letter()
    postfix.full = True
    postfix.send(Fault.DROP)
    postfix.full = False
    choices: dict[str, Any] = {} if protected else {"queue": lambda _: []}
    assert _after_all(postfix, letter, clock, **choices) == (1 if protected else 2)


@ON_AND_OFF
def test_an_impatient_watch_doubles_letters(
    postfix: FakePostfix, clock: Clock, protected: bool
) -> None:
    """A worker is frozen just before its dot, given up, thaws, and the relay still listens."""
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    letter.attempts.update(outcome="crashed")
    hurry = {"lease": timedelta(0), "grace": timedelta(0), "smtpd_timeout": lambda _: 0}
    watch = postfix.resolver(**({} if protected else hurry))
    passes(watch, clock, PATIENCE / 3)
    if state(letter) == State.QUEUED:
        postfix.send()
    postfix.take(sender_of(letter.message_id), letter.message_id)
    assert _after_all(postfix, letter, clock) == (1 if protected else 2)


@ON_AND_OFF
def test_witnesses_that_are_not_heard_double_letters(
    postfix: FakePostfix, clock: Clock, monkeypatch: Patch, protected: bool
) -> None:
    """Lines of two letters are lost; the relay had said yes to one of them."""
    postoffice.queued(builders.campaign())
    postfix.silent = True
    postfix.send(Fault.DROP, b"250 2.0.0 Ok\r\n")
    postfix.silent = False
    if not protected:
        monkeypatch.setattr(unclear, "without_a_line", lambda *_: {})
    letter = Delivery.objects.get(state=State.UNCERTAIN)
    assert _after_all(postfix, letter, clock) == (1 if protected else 2)


@ON_AND_OFF
def test_a_log_that_no_probe_shows_to_be_alive_doubles_letters(
    postfix: FakePostfix, clock: Clock, protected: bool
) -> None:
    """Postfix takes mail and logs nowhere: nothing at all comes into the log any more."""
    letter = a_letter()
    postfix.silent = True
    postfix.send(Fault.DROP)

    def trust(relay: str, route: Any) -> Any:
        probe = postfix.probe(relay, route)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE picketline_relayprobe SET seen_at = now()")
        assert RelayProbe.objects.exists()
        return probe

    choices = {} if protected else {"probe": trust}
    assert _after_all(postfix, letter, clock, **choices) == (1 if protected else 2)
