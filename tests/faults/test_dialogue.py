"""What a mail server can do at each moment, and what becomes of the letter (D07, D08, D11)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from tests.faults import stand
from tests.faults.stand import ALONE, WAYS, State
from tests.mail.scripted_server import Answer, Fault
from tests.postoffice import Peer

from picketline.models import Delivery, Gate

pytestmark = pytest.mark.django_db

SENT = (State.ACCEPTED, "accepted")
LATER = (State.DEFERRED, "relay")
UNCLEAR = (State.UNCERTAIN, "relay")
UNTOUCHED = (State.QUEUED, "")

USUAL: dict[str, bytes] = {
    "GREETING": b"220 relay.example ESMTP\r\n",
    "EHLO": b"250 relay.example\r\n",
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go on\r\n",
    "DOT": b"250 2.0.0 ok\r\n",
}


def _once(moment: str, fault: Answer) -> dict[str, Any]:
    """A script in which this moment goes wrong the first time only."""
    return {"answers": {moment: [fault, USUAL[moment]]}}


BROKEN: dict[str, tuple[dict[str, Any], tuple[str, str], int]] = {
    "at MAIL": (_once("MAIL", Fault.DROP), LATER, 0),
    "at RCPT": (_once("RCPT", Fault.DROP), LATER, 0),
    "before the dot": (_once("DATA", Fault.DROP), LATER, 0),
    "after the dot, kept": (
        {**_once("DOT", Fault.DROP), "stores_before_dropping": True},
        UNCLEAR,
        1,
    ),
    "after the dot, not kept": (_once("DOT", Fault.DROP), UNCLEAR, 0),
}


@WAYS
@pytest.mark.parametrize(("script", "end", "copies"), BROKEN.values(), ids=BROKEN.keys())
def test_a_connection_that_breaks(
    script: dict[str, Any], end: tuple[str, str], copies: int, intents: int
) -> None:
    stand.letters(2)
    with Peer(**deepcopy(script)) as server:  # a script is used up
        stand.send(server, intents)
        first = _first()
        assert (first.state, first.outcome) == end
        assert stand.kept(server)[first.message_id] == copies
        stand.send(server, intents, rounds=2)
    assert stand.ends() == sorted([SENT, end if end == UNCLEAR else SENT])
    stand.once_each(stand.kept(server))


def _first() -> Delivery:
    """The letter that met the fault."""
    return Delivery.objects.exclude(outcome__in=["accepted", ""]).get()


def test_a_text_that_breaks_off_is_kept_by_nobody() -> None:
    """Together text and dot are one write: there a server that breaks off may have had it all."""
    stand.letters(1)
    with Peer(answers={"TEXT": Fault.DROP}, text_size=1) as server:
        stand.send(server, ALONE)
    assert stand.ends() == [LATER]
    assert server.messages == []


@WAYS
def test_a_server_that_closes_after_each_250_gets_every_letter_once(intents: int) -> None:
    stand.letters(2)
    with Peer(closes_after_dot=True) as server:
        stand.send(server, intents, rounds=2)
    assert stand.ends() == [SENT, SENT]
    stand.once_each(stand.kept(server))


@WAYS
def test_a_server_that_does_not_answer_a_goodbye_has_its_letters(intents: int) -> None:
    stand.letters(2)
    with Peer(answers={"QUIT": Fault.DROP}) as server:
        stand.send(server, intents, rounds=2)
    assert stand.ends() == [SENT, SENT]
    stand.once_each(stand.kept(server))


CODES = (421, 450, 451, 452, 550, 552, 554)
TEMPORARY = (State.DEFERRED, "temporary")
SENDER = (State.DEFERRED, "sender")
FULL = (State.DEFERRED, "mailbox-full")
ADDRESS = (State.FAILED, "address")
BLOCKED = (State.FAILED, "policy")

# docs/delivery.md, "Outcomes": what each moment makes of each of the codes above, from a relay.
ANSWERS: dict[str, tuple[tuple[str, str], ...]] = {
    "GREETING": (UNTOUCHED,) * 7,
    "MAIL": (LATER, TEMPORARY, TEMPORARY, TEMPORARY, SENDER, SENDER, SENDER),
    "RCPT": (LATER, TEMPORARY, TEMPORARY, TEMPORARY, ADDRESS, FULL, SENDER),
    "DATA": (LATER, TEMPORARY, TEMPORARY, TEMPORARY, SENDER, FULL, SENDER),
    "DOT": (LATER, TEMPORARY, TEMPORARY, TEMPORARY, BLOCKED, FULL, BLOCKED),
}
REFUSALS = [
    pytest.param(moment, code, end, id=f"{code} to {moment}")
    for moment, row in ANSWERS.items()
    for code, end in zip(CODES, row, strict=True)
]


@WAYS
@pytest.mark.parametrize(("moment", "code", "end"), REFUSALS)
def test_a_refusal(moment: str, code: int, end: tuple[str, str], intents: int) -> None:
    """It meets one letter; that one is kept only by a server that says yes to it later."""
    stand.letters(1)
    with Peer(**_once(moment, b"%d no\r\n" % code)) as server:
        stand.send(server, intents)
        assert stand.ends() == [end]
        assert server.messages == []
        assert _breakers() == ({"relay:here"} if end == SENDER else set())
        Gate.objects.all().delete()  # the minute of the breaker has passed
        stand.send(server, intents)
    given_up = end[0] == State.FAILED
    assert stand.ends() == [end if given_up else SENT]
    assert stand.kept(server).total() == (0 if given_up else 1)


def _breakers() -> set[str]:
    """The gates whose breakers are open."""
    return set(Gate.objects.filter(breaker="open").values_list("name", flat=True))


@WAYS
@pytest.mark.parametrize("code", [450, 451, 452, 550, 552])
def test_a_refusal_is_of_one_letter_among_several(code: int, intents: int) -> None:
    stand.letters(5)
    with Peer(answers={"RCPT": [USUAL["RCPT"], b"%d no\r\n" % code, USUAL["RCPT"]]}) as server:
        stand.send(server, intents)
    assert stand.ends().count(SENT) == 4
    assert stand.kept(server).total() == 4
    stand.once_each(stand.kept(server))


@WAYS
def test_a_server_that_closes_on_one_letter_gets_the_others_afterwards(intents: int) -> None:
    stand.letters(5)
    with Peer(answers={"RCPT": [USUAL["RCPT"], b"421 4.3.2 closing\r\n", USUAL["RCPT"]]}) as server:
        stand.send(server, intents, rounds=2)
    assert stand.ends() == [SENT] * 5
    stand.once_each(stand.kept(server))


@WAYS
def test_greylisting_costs_each_letter_one_more_try(intents: int) -> None:
    stand.letters(4)
    wait = b"451 4.7.1 greylisted, come again\r\n"
    with Peer(answers={"RCPT": [wait] * 4 + [USUAL["RCPT"]]}) as server:
        stand.send(server, intents)
        assert {state for state, _ in stand.ends()} == {State.DEFERRED}
        stand.send(server, intents)
    assert stand.ends() == [SENT] * 4
    assert set(Delivery.objects.values_list("attempt_count", flat=True)) == {2}
    stand.once_each(stand.kept(server))
