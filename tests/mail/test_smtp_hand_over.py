"""Letters handed over whole: each on its own, at every moment that can go wrong."""

from __future__ import annotations

import pytest
from tests.mail.dialogues import (
    BOTH_WAYS,
    CLOSED,
    LETTER,
    PATIENT,
    QUICK,
    RECIPIENT,
    REFUSALS,
    SENDER,
    letters,
    lost,
    route_to,
    sent,
)
from tests.mail.scripted_server import Fault, Script, ScriptedServer

from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.smtp import Letter, OutOfTurn, boot_seconds, connect
from picketline.mail.wire import Wire

ONE = Letter(SENDER, RECIPIENT, LETTER)


@BOTH_WAYS
def test_a_letter_is_accepted_and_its_bytes_arrive(offers: tuple[str, ...]) -> None:
    with ScriptedServer(Script(offers=offers)) as server, connect(route_to(server)) as connection:
        outcome = connection.hand_over(ONE, deadline=boot_seconds() + 60)
        assert connection.usable
    text = "2.0.0 Ok: queued as 4XyZ12"
    assert outcome == Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250, "2.0.0", text)
    assert server.messages == [LETTER]
    assert server.lines == [
        b"EHLO localhost",
        b"MAIL FROM:<b.1@bounce.example> SIZE=%d" % len(LETTER),
        b"RCPT TO:<director@company.example>",
        b"DATA",
        b"QUIT",
    ]


@BOTH_WAYS
def test_letters_may_be_handed_over_and_offered_in_turns(offers: tuple[str, ...]) -> None:
    with ScriptedServer(Script(offers=offers)) as server, connect(route_to(server)) as connection:
        for letter in letters(4):
            assert connection.hand_over(letter).kind is Kind.ACCEPTED
            assert sent(connection).kind is Kind.ACCEPTED
    assert server.messages[::2] == [letter.data for letter in letters(4)]
    assert server.messages[1::2] == [LETTER] * 4
    assert server.connections == 1


@pytest.mark.parametrize("lines", [900, 910, 911, 50_000])
def test_a_text_of_any_size_arrives_whole(lines: int) -> None:
    letter = Letter(SENDER, RECIPIENT, (b"." + b"x" * 69 + b"\r\n") * lines)
    script = Script(offers=("PIPELINING",))
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        assert connection.hand_over(letter).kind is Kind.ACCEPTED
    assert server.messages == [letter.data]


@BOTH_WAYS
@pytest.mark.parametrize(("moment", "said", "kind", "cause"), REFUSALS)
def test_a_refusal_says_what_it_is_and_keeps_nothing(
    moment: str, said: bytes, kind: Kind, cause: Cause, offers: tuple[str, ...]
) -> None:
    script = Script({moment: said}, offers=offers)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.hand_over(ONE)
        assert connection.usable or cause is Cause.RELAY
    assert (outcome.kind, outcome.phase.name, outcome.cause) == (kind, moment, cause)
    assert outcome.code == int(said[:3])
    assert server.messages == []


@BOTH_WAYS
@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_a_connection_lost_before_the_text_is_safe_to_repeat(
    phase: Phase, offers: tuple[str, ...]
) -> None:
    script = Script({phase.name: Fault.DROP}, offers=offers)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.hand_over(ONE)
        assert not connection.usable
    assert outcome == lost(phase, outcome.text)
    assert server.messages == []


@BOTH_WAYS
@pytest.mark.parametrize("stored", [True, False])
def test_a_connection_lost_after_the_dot_leaves_the_letter_uncertain(
    stored: bool, offers: tuple[str, ...]
) -> None:
    script = Script({"DOT": Fault.DROP}, offers=offers, stores_before_dropping=stored)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.hand_over(ONE)
        assert not connection.usable
    assert outcome == lost(Phase.DOT, CLOSED)
    assert len(server.messages) == stored


def test_a_connection_lost_when_the_text_should_come_is_never_taken_for_an_acceptance() -> None:
    """Whether the dot was under way by then is a matter of microseconds."""
    script = Script({"TEXT": Fault.DROP}, text_size=-1)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.hand_over(ONE)
    assert outcome in (lost(Phase.BODY, outcome.text), lost(Phase.DOT, outcome.text))
    assert server.messages == []


@pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.TRICKLE])
def test_a_silent_or_endlessly_slow_server_is_given_up_in_time(moment: str, fault: Fault) -> None:
    with (
        ScriptedServer(Script({moment: fault})) as server,
        connect(route_to(server, QUICK)) as connection,
    ):
        assert connection.hand_over(ONE) == lost(Phase[moment], "timed out")


def test_a_server_that_reads_nothing_more_of_a_long_text_cannot_have_its_dot() -> None:
    script = Script({"TEXT": Fault.DEAFNESS}, offers=("PIPELINING",), text_size=1)
    long = Letter(SENDER, RECIPIENT, (b"x" * 70 + b"\r\n") * 300_000)
    with ScriptedServer(script) as server, connect(route_to(server, QUICK)) as connection:
        outcome = connection.hand_over(long, following=ONE)
    assert outcome == lost(Phase.BODY, "timed out")
    assert server.messages == []


@pytest.mark.parametrize("size", [1, 2000], ids=["short", "long"])
def test_past_its_deadline_a_letter_gets_no_dot(size: int) -> None:
    letter = Letter(SENDER, RECIPIENT, (b"x" * 70 + b"\r\n") * size)
    script = Script(offers=("PIPELINING",))
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.hand_over(letter, deadline=boot_seconds() - 1)
        assert not connection.usable
    assert outcome == lost(Phase.BODY, "the deadline passed before the dot")
    assert server.messages == []
    assert b"QUIT" not in server.lines


def test_an_answer_sent_ahead_is_not_taken_for_the_answer_to_the_dot() -> None:
    script = Script({"DATA": b"354 go on\r\n250 2.0.0 accepted\r\n"})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.hand_over(ONE)
    assert outcome == Outcome(
        Kind.TEMPORARY, Phase.BODY, Cause.RELAY, 250, "2.0.0", "2.0.0 accepted"
    )
    assert server.messages == []


def test_a_server_that_babbles_before_the_dot_gets_none() -> None:
    script = Script({"DATA": b"354 go on\r\n250 one\r\n250 two\r\n"})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        assert connection.hand_over(ONE) == lost(Phase.BODY, "the server spoke out of turn")
    assert server.messages == []


def test_what_must_not_go_over_the_wire_is_poison_and_the_connection_lives() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        outcome = connection.hand_over(Letter(SENDER, RECIPIENT, b"a\n.\nb\r\n"))
        assert outcome.cause is Cause.POISON
        assert connection.hand_over(ONE).kind is Kind.ACCEPTED
    assert server.messages == [LETTER]


def test_a_closed_connection_takes_no_letter() -> None:
    with ScriptedServer() as server:
        connection = connect(route_to(server))
        connection.close()
        assert connection.hand_over(ONE) == lost(Phase.MAIL, "the connection is closed")


def test_while_a_letter_is_pending_no_other_is_handed_over() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        connection.offer(SENDER, RECIPIENT, LETTER)
        with pytest.raises(OutOfTurn):
            connection.hand_over(ONE)
    assert server.messages == []


@pytest.mark.parametrize(
    ("following", "phase"),
    [(None, Phase.BODY), (letters(1)[0], Phase.DOT)],
    ids=["dot last", "envelope after the dot"],
)
def test_a_write_that_fails_leaves_a_letter_uncertain_unless_the_dot_was_its_end(
    following: Letter | None, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Wire.send

    def half(wire: Wire, octets: bytes, timeout: float) -> None:
        if b"\r\n.\r\n" in octets:
            send(wire, octets[: octets.index(b"\r\n.\r\n")], timeout)
            raise OSError("broken")
        send(wire, octets, timeout)

    monkeypatch.setattr(Wire, "send", half)
    with ScriptedServer() as server, connect(route_to(server, PATIENT)) as connection:
        assert connection.hand_over(ONE, following=following) == lost(phase, "broken")
        assert not connection.usable
    assert server.messages == []


@BOTH_WAYS
def test_an_envelope_that_cannot_be_sent_is_safe_to_repeat(
    offers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_wire: Wire, _octets: bytes, _timeout: float) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    with ScriptedServer(Script(offers=offers)) as server, connect(route_to(server)) as connection:
        monkeypatch.setattr(Wire, "send", nothing)
        assert connection.hand_over(ONE) == lost(Phase.MAIL, "[Errno 32] Broken pipe")
        assert not connection.usable
    assert server.lines == [b"EHLO localhost"]
