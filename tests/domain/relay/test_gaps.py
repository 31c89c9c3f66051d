"""Across a gap in the relay's log nothing is sent again, however the gap came about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests import builders, postoffice
from tests.domain.relay.fake_postfix import (
    NAME,
    PATIENCE,
    Clock,
    FakePostfix,
    a_letter,
    heading,
    passes,
    sender_of,
    state,
)
from tests.mail.scripted_server import Fault

from picketline.domain.relay import health, log
from picketline.models import Delivery, RelayHealth, RelayProbe

pytestmark = pytest.mark.django_db

State = Delivery.State
OK = b"250 2.0.0 Ok: queued as 77\r\n"


def _truncate(relay: FakePostfix) -> None:
    relay.log.write_text("")


def _regrow(relay: FakePostfix) -> None:
    size = relay.log.stat().st_size
    relay.log.write_text("x" * size + "\n")


def _replace(relay: FakePostfix) -> None:
    relay.log.rename(relay.folder / "elsewhere")
    relay.log.touch()


def _rotate_away(relay: FakePostfix) -> None:
    relay.log.rename(relay.folder / "maillog.1")
    relay.write("of no interest")
    (relay.folder / "maillog.1").unlink()


GAPS = {
    "truncated": _truncate,
    "grown again": _regrow,
    "replaced": _replace,
    "rotated and deleted": _rotate_away,
}


@pytest.mark.parametrize("harm", GAPS.values(), ids=GAPS.keys())
@pytest.mark.parametrize("stored", [True, False], ids=["taken", "not taken"])
def test_across_a_gap_in_the_log_nothing_is_sent_again(
    postfix: FakePostfix, clock: Clock, harm: Any, stored: bool
) -> None:
    letter = a_letter()
    postfix.write("of no interest")
    postfix.resolver().run()
    postfix.send(Fault.DROP, stored=stored)
    harm(postfix)
    watch = postfix.resolver()
    passes(watch, clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN
    passes(postfix.resolver(), clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN


def test_after_a_gap_later_letters_are_settled_again(postfix: FakePostfix, clock: Clock) -> None:
    early, late = postoffice.queued(builders.campaign())
    Delivery.objects.filter(pk=late.pk).update(due_at="2100-01-01T00:00Z")
    postfix.write("of no interest")
    postfix.resolver().run()
    postfix.send(Fault.DROP, stored=False)
    _truncate(postfix)
    watch = postfix.resolver()
    watch.run()
    postoffice.make_due()
    postfix.send(Fault.DROP, stored=False)
    passes(watch, clock)
    assert (state(early), state(late)) == (State.UNCERTAIN, State.QUEUED)
    assert RelayHealth.objects.filter(relay=NAME).count() == 2


def test_a_log_that_is_read_for_the_first_time_proves_what_is_there_only(
    tmp_path: Path, clock: Clock
) -> None:
    postfix = FakePostfix(tmp_path)
    there, absent = postoffice.queued(builders.campaign())
    taken = postfix.send(Fault.DROP)
    assert len(taken) == 2
    lines = postfix.log.read_text().splitlines(keepends=True)
    kept = [line for line in lines if sender_of(there.message_id) in line]
    postfix.log.write_text("".join(kept))
    passes(postfix.resolver(), clock)
    assert (state(there), state(absent)) == (State.ACCEPTED, State.UNCERTAIN)


def test_a_log_that_is_out_of_reach_for_a_while_is_no_gap(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    aside = postfix.folder / "maillog-aside"
    postfix.log.rename(aside)
    postfix.log.mkdir()
    postfix.dead = True
    watch = postfix.resolver()
    passes(watch, clock)
    assert state(letter) == State.UNCERTAIN
    postfix.dead = False
    postfix.log.rmdir()
    aside.rename(postfix.log)
    passes(watch, clock, 60)
    assert state(letter) == State.QUEUED


def test_a_rotation_between_two_readings_is_no_gap(postfix: FakePostfix, clock: Clock) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP)
    postfix.log.rename(postfix.folder / "maillog.20260801-030000")
    postfix.write("of no interest")
    postfix.resolver().run()
    assert state(letter) == State.ACCEPTED


def test_lines_that_are_lost_show_by_a_letter_that_was_taken(
    postfix: FakePostfix, clock: Clock
) -> None:
    """The disk was full: the relay took both letters, said yes to one, and logged neither."""
    postoffice.queued(builders.campaign())
    postfix.silent = True
    postfix.send(Fault.DROP, OK)
    postfix.silent = False
    unclear = Delivery.objects.get(state=State.UNCERTAIN)
    passes(postfix.resolver(), clock, 10 * PATIENCE, step=50)
    assert state(unclear) == State.UNCERTAIN
    assert len(postfix.sink) == 2


def test_lines_that_are_lost_show_by_a_probe_that_was_taken(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    watch = postfix.resolver()
    watch.run()
    postfix.silent = True
    postfix.send(Fault.DROP)
    watch.run()
    assert RelayProbe.objects.count() == 1
    postfix.silent = False
    passes(watch, clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN


def test_what_was_taken_and_waits_without_a_line_is_no_lost_line(
    postfix: FakePostfix, clock: Clock
) -> None:
    postoffice.queued(builders.campaign())
    postfix.full = True
    postfix.send(OK, Fault.DROP, stored=False)
    absent = Delivery.objects.get(state=State.UNCERTAIN)
    postfix.full = False
    watch = postfix.resolver()
    passes(watch, clock)
    assert state(absent) == State.QUEUED
    assert RelayHealth.objects.filter(relay=NAME).count() == 1


def test_a_full_disk_is_a_gap(
    postfix: FakePostfix, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = a_letter()
    watch = postfix.resolver()
    watch.run()
    postfix.send(Fault.DROP, stored=False)
    with monkeypatch.context() as patch:
        patch.setattr(log, "ROOM", 1 << 62)
        passes(watch, clock, 60)
    passes(watch, clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN
    assert RelayHealth.objects.filter(relay=NAME).count() <= 2


def test_a_letter_in_flight_while_postfix_ended_stays_unclear(
    postfix: FakePostfix, clock: Clock
) -> None:
    """It may have come and gone while nothing took the lines any more."""
    letter = a_letter()
    postfix.silent = True
    postfix.send(Fault.DROP)
    postfix.silent = False
    postfix.restart()
    passes(postfix.resolver(), clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN


def test_a_letter_that_was_not_there_before_postfix_ended_goes_out_again(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    watch = postfix.resolver()
    watch.run()
    watch.run()
    postfix.restart()
    passes(watch, clock)
    assert state(letter) == State.QUEUED


def test_what_was_looked_for_stays_looked_for_when_the_process_that_did_is_gone(
    postfix: FakePostfix, clock: Clock
) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    gone = postfix.resolver()
    gone.run()
    gone.run()
    postfix.restart()
    passes(postfix.resolver(), clock)
    assert state(letter) == State.QUEUED


def test_a_restart_in_the_middle_of_a_proof_ends_it(postfix: FakePostfix, clock: Clock) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    watch = postfix.resolver()
    watch.run()
    postfix.restart()
    passes(watch, clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN


def test_lines_lost_when_postfix_ended_are_no_gap_for_later_letters(
    postfix: FakePostfix, clock: Clock
) -> None:
    _, late = postoffice.queued(builders.campaign())
    Delivery.objects.filter(pk=late.pk).update(due_at="2100-01-01T00:00Z")
    postfix.silent = True
    postfix.send()
    postfix.silent = False
    postfix.restart()
    watch = postfix.resolver()
    watch.run()
    postoffice.make_due()
    postfix.send(Fault.DROP, stored=False)
    passes(watch, clock)
    assert state(late) == State.QUEUED


def test_a_start_of_the_host_is_a_gap(
    postfix: FakePostfix, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was logged last may never have been written to the disk."""
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    monkeypatch.setattr(health, "boot_id", lambda: "another boot")
    passes(postfix.resolver(), clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN


def test_a_damaged_line_is_a_gap(postfix: FakePostfix, clock: Clock) -> None:
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    postfix.write("4jY7RR00009zBCD: from=<b.abc" + heading("qmgr") + " 4jY7RR00009zBCD: removed")
    passes(postfix.resolver(), clock, 10 * PATIENCE, step=50)
    assert state(letter) == State.UNCERTAIN
