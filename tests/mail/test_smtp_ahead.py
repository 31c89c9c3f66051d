"""Letters handed over one after the other, each with the next one's envelope in its last write."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.mail.dialogues import (
    BOTH_WAYS,
    CLOSED,
    ONE_BY_ONE,
    QUICK,
    REFUSALS,
    handed_over,
    letters,
    lost,
    route_to,
)
from tests.mail.scripted_server import Answer, Fault, Packets, Script, ScriptedServer

from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.smtp import OutOfTurn, boot_seconds, connect

ONE, TWO, THREE = letters(3)
GONE = lost(Phase.MAIL, "the connection is closed")
USUAL: dict[str, Answer] = {
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go on\r\n",
    "DOT": b"250 ok\r\n",
}
SENT_AHEAD = pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])


def for_the_second(moment: str, said: Answer) -> Script:
    return Script({moment: [USUAL[moment], said, USUAL[moment]]})


@pytest.mark.parametrize("packets", Packets)
def test_many_letters_go_however_their_answers_are_packed(packets: Packets) -> None:
    many = letters(20)
    with (
        ScriptedServer(Script(packets=packets)) as server,
        connect(route_to(server)) as connection,
    ):
        outcomes = handed_over(connection, many)
        assert connection.usable
    assert {outcome.kind for outcome in outcomes} == {Kind.ACCEPTED}
    assert server.messages == [letter.data for letter in many]
    assert server.connections == 1
    assert len(server.lines) == 2 + 3 * 20


def test_a_letter_costs_one_round_trip() -> None:
    script = Script(dict(USUAL), packets=Packets.TOGETHER)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        handed_over(connection, letters(3))
    envelope = b"250 ok\r\n250 ok\r\n354 go on\r\n"
    dot = b"250 ok\r\n"
    assert server.packets[2:] == [envelope, dot + envelope, dot + envelope, dot, b"221 bye\r\n"]


def test_without_pipelining_nothing_goes_ahead_and_any_letter_may_be_next() -> None:
    with (
        ScriptedServer(Script(offers=ONE_BY_ONE)) as server,
        connect(route_to(server)) as connection,
    ):
        assert connection.hand_over(ONE, following=TWO).kind is Kind.ACCEPTED
        assert connection.hand_over(THREE).kind is Kind.ACCEPTED
    assert server.messages == [ONE.data, THREE.data]
    assert len(server.lines) == 2 + 3 * 2


@pytest.mark.parametrize(("moment", "said", "kind", "cause"), REFUSALS)
def test_a_refusal_of_the_second_is_the_seconds_alone(
    moment: str, said: bytes, kind: Kind, cause: Cause
) -> None:
    script = for_the_second(moment, said)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        first = connection.hand_over(ONE, following=TWO)
        second = connection.hand_over(TWO, following=THREE)
        usable = connection.usable
        third = connection.hand_over(THREE)
    assert first.kind is Kind.ACCEPTED
    assert (second.kind, second.phase.name, second.cause) == (kind, moment, cause)
    assert second.code == int(said[:3])
    assert third == GONE or third.kind is Kind.ACCEPTED
    assert usable is (third.kind is Kind.ACCEPTED)
    assert usable or cause is Cause.RELAY
    assert server.messages == [ONE.data] + [THREE.data] * usable


@pytest.mark.parametrize("said", [b"450 4.2.0 later\r\n", b"550 5.7.1 spam\r\n"])
def test_a_refusal_of_the_first_text_does_not_harm_the_second(said: bytes) -> None:
    script = Script({"DOT": [said, b"250 ok\r\n"]})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        first, second = handed_over(connection, [ONE, TWO])
    assert (first.code, first.phase) == (int(said[:3]), Phase.DOT)
    assert second.kind is Kind.ACCEPTED
    assert server.messages == [TWO.data]
    assert b"RSET" not in server.lines


def test_a_refused_envelope_costs_no_further_round_trip() -> None:
    script = for_the_second("RCPT", b"550 5.1.1 nobody\r\n")
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        connection.hand_over(ONE, following=TWO)
        server.wait_until(lambda: len(server.said) == 9)
        asked = list(server.lines)
        assert connection.hand_over(TWO, following=THREE).cause is Cause.ADDRESS
        assert server.lines == asked
        assert connection.hand_over(THREE).kind is Kind.ACCEPTED
    assert server.lines[len(asked)] == b"RSET"
    assert server.messages == [ONE.data, THREE.data]


@SENT_AHEAD
def test_a_connection_lost_amid_the_second_envelope_leaves_the_first_accepted(
    phase: Phase,
) -> None:
    script = for_the_second(phase.name, Fault.DROP)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        first, second, third = handed_over(connection, [ONE, TWO, THREE])
    assert first.kind is Kind.ACCEPTED
    assert second == lost(phase, CLOSED)
    assert third == GONE
    assert server.messages == [ONE.data]


def test_a_connection_closed_right_after_the_dot_leaves_the_first_accepted() -> None:
    script = Script(closes_after_dot=True)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        first, second = handed_over(connection, [ONE, TWO])
    assert first.kind is Kind.ACCEPTED
    assert second == lost(Phase.MAIL, second.text)
    assert server.messages == [ONE.data]


@pytest.mark.parametrize("stored", [True, False])
def test_a_connection_lost_after_the_first_dot_is_uncertain_for_the_first_alone(
    stored: bool,
) -> None:
    script = Script({"DOT": Fault.DROP}, stores_before_dropping=stored)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        first, second = handed_over(connection, [ONE, TWO])
    assert first == lost(Phase.DOT, CLOSED)
    assert second == GONE
    assert len(server.messages) == stored


def test_a_connection_lost_at_quit_changes_nothing() -> None:
    with (
        ScriptedServer(Script({"QUIT": Fault.DROP})) as server,
        connect(route_to(server)) as connection,
    ):
        outcomes = handed_over(connection, [ONE, TWO])
    assert [outcome.kind for outcome in outcomes] == [Kind.ACCEPTED] * 2
    assert server.messages == [ONE.data, TWO.data]


def test_a_server_that_hangs_up_before_the_second_text_does_not_get_it() -> None:
    script = Script({"TEXT": [b"", Fault.DROP]}, text_size=-1)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        assert connection.hand_over(ONE, following=TWO).kind is Kind.ACCEPTED
        server.wait_until(lambda: server.closed == 1)
        assert connection.hand_over(TWO) == lost(Phase.BODY, CLOSED)
    assert server.messages == [ONE.data]


@pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA", "DOT"])
def test_a_server_that_falls_silent_is_given_up_in_time(moment: str) -> None:
    script = for_the_second(moment, Fault.SILENCE)
    with ScriptedServer(script) as server, connect(route_to(server, QUICK)) as connection:
        first, second, third = handed_over(connection, [ONE, TWO, THREE])
    assert first.kind is Kind.ACCEPTED
    assert second == lost(Phase[moment], "timed out")
    assert third == GONE


def test_a_server_that_closes_instead_of_waiting_for_the_second_text_gets_no_dot() -> None:
    script = for_the_second("DATA", b"354 go on\r\n421 4.3.2 closing\r\n")
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        first, second = handed_over(connection, [ONE, TWO])
    assert first.kind is Kind.ACCEPTED
    assert second == Outcome(Kind.TEMPORARY, Phase.BODY, Cause.RELAY, 421, "4.3.2", "4.3.2 closing")
    assert server.messages == [ONE.data]


def test_past_its_deadline_the_second_gets_no_dot() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        connection.hand_over(ONE, deadline=boot_seconds() + 60, following=TWO)
        outcome = connection.hand_over(TWO, deadline=boot_seconds() - 1, following=THREE)
        assert not connection.usable
    assert outcome == lost(Phase.BODY, "the deadline passed before the dot")
    assert server.messages == [ONE.data]
    assert len([line for line in server.lines if line == b"DATA"]) == 2


def test_a_server_that_wants_the_text_of_a_second_it_refused_does_not_get_it() -> None:
    script = for_the_second("RCPT", b"550 5.1.1 nobody\r\n")
    script.answers["DATA"] = b"354 go on\r\n"
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        connection.hand_over(ONE, following=TWO)
        assert connection.hand_over(TWO, following=THREE).cause is Cause.ADDRESS
        assert not connection.usable
    assert server.messages == [ONE.data]


@pytest.mark.parametrize("said", [b"250 ok\r\n250 ok\r\n", b"250 ok\r\n354 go on\r\n"])
def test_answers_out_of_step_end_the_connection_before_they_are_believed(said: bytes) -> None:
    script = Script({"DOT": said})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        first, second, third = handed_over(connection, [ONE, TWO, THREE])
    assert first.kind is Kind.ACCEPTED
    assert (second.kind, second.cause) == (Kind.TEMPORARY, Cause.RELAY)
    assert third == GONE
    assert server.messages == [ONE.data]


def test_only_the_letter_whose_envelope_went_ahead_may_be_next() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        connection.hand_over(ONE, following=TWO)
        assert connection.usable
        with pytest.raises(OutOfTurn):
            connection.hand_over(THREE)
        with pytest.raises(OutOfTurn):
            connection.offer(TWO.sender, TWO.recipient, TWO.data)
        assert connection.hand_over(replace(TWO)).kind is Kind.ACCEPTED
    assert server.messages == [ONE.data, TWO.data]


@pytest.mark.parametrize("way", ["abandon", "close"])
def test_an_envelope_that_went_ahead_can_be_left_at_any_time(way: str) -> None:
    with ScriptedServer() as server:
        connection = connect(route_to(server))
        assert connection.hand_over(ONE, following=TWO).kind is Kind.ACCEPTED
        getattr(connection, way)()
        assert not connection.usable
        assert connection.hand_over(THREE) == GONE
    assert server.messages == [ONE.data]
    assert b"QUIT" not in server.lines


@BOTH_WAYS
def test_a_letter_that_must_not_go_over_the_wire_is_not_announced(
    offers: tuple[str, ...],
) -> None:
    bad = replace(TWO, recipient="director@company.example> SIZE=1")
    with ScriptedServer(Script(offers=offers)) as server, connect(route_to(server)) as connection:
        first, second, third = handed_over(connection, [ONE, bad, THREE])
    assert (first.kind, third.kind) == (Kind.ACCEPTED, Kind.ACCEPTED)
    assert second.cause is Cause.POISON
    assert server.messages == [ONE.data, THREE.data]
    assert server.connections == 1


def test_long_and_short_letters_follow_each_other() -> None:
    long = [replace(letter, data=letter.data * 3000) for letter in letters(2)]
    script = Script(offers=("PIPELINING",))
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        series = [long[0], ONE, long[1], TWO]
        outcomes = handed_over(connection, series)
    assert {outcome.kind for outcome in outcomes} == {Kind.ACCEPTED}
    assert server.messages == [letter.data for letter in series]
