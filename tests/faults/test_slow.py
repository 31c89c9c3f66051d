"""A server that takes its time, or all of it: given up before the dot, unclear after it (D09)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.faults import stand
from tests.faults.stand import WAYS, State
from tests.mail.scripted_server import Fault
from tests.postoffice import Peer

from picketline.mail.routes import Timeouts
from picketline.models import Delivery

pytestmark = pytest.mark.django_db

UNHURRIED = Timeouts(*[10.0] * 7)
SHORT = 0.4
WAITING = {"GREETING": "greeting", "EHLO": "command", "DATA": "data_init", "DOT": "after_dot"}
ENDS = {
    "GREETING": (State.QUEUED, ""),
    "EHLO": (State.QUEUED, ""),
    "MAIL": (State.DEFERRED, "relay"),
    "RCPT": (State.DEFERRED, "relay"),
    "DATA": (State.DEFERRED, "relay"),
    "DOT": (State.UNCERTAIN, "relay"),
}
SLOW = [(moment, Fault.SILENCE) for moment in ENDS]
SLOW += [(moment, Fault.TRICKLE) for moment in ("GREETING", "DOT")]


def _impatient(moment: str) -> Timeouts:
    """Only the answer to this is not waited for for long."""
    return replace(UNHURRIED, **{WAITING.get(moment, "command"): SHORT})


@WAYS
@pytest.mark.parametrize(("moment", "fault"), SLOW)
def test_a_server_that_never_gets_to_its_answer(moment: str, fault: Fault, intents: int) -> None:
    stand.letters(1)
    with Peer(answers={moment: fault}) as server:
        stand.send(server, intents, timeouts=_impatient(moment))
        server.over.set()
    assert stand.ends() == [ENDS[moment]]
    assert server.messages == []


@WAYS
def test_letters_to_others_go_on_when_one_answer_never_comes(intents: int) -> None:
    stand.letters(4)
    answers = [b"250 ok\r\n", Fault.SILENCE, b"250 ok\r\n"]
    with Peer(answers={"DOT": answers}) as server:
        stand.send(server, intents, rounds=2, timeouts=_impatient("DOT"))
    assert stand.ends() == [(State.ACCEPTED, "accepted")] * 3 + [(State.UNCERTAIN, "relay")]
    stand.once_each(stand.kept(server))
    assert Delivery.objects.filter(attempt_count__gt=1).count() == 0
