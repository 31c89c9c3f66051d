"""The SMTP client against a server that loses connections at every moment."""

from dataclasses import replace

import pytest
from tests.mail.dialogues import (
    BOTH_WAYS,
    CLOSED,
    LETTER,
    RECIPIENT,
    SENDER,
    STUFFED,
    lost,
    pending,
    route_to,
    sent,
)
from tests.mail.scripted_server import Fault, Script, ScriptedServer

from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.smtp import (
    OutOfTurn,
    boot_seconds,
    connect,
)


@BOTH_WAYS
def test_a_letter_is_accepted_and_its_bytes_arrive(offers: tuple[str, ...]) -> None:
    with ScriptedServer(Script(offers=offers)) as server, connect(route_to(server)) as connection:
        outcome = sent(connection)
    text = "2.0.0 Ok: queued as 4XyZ12"
    assert outcome == Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250, "2.0.0", text)
    assert outcome.text.endswith("queued as 4XyZ12")
    assert server.messages == [LETTER]
    assert server.lines == [
        b"EHLO localhost",
        b"MAIL FROM:<b.1@bounce.example> SIZE=%d" % len(LETTER),
        b"RCPT TO:<director@company.example>",
        b"DATA",
        b"QUIT",
    ]


def test_the_server_holds_the_whole_text_but_no_dot_until_the_commit() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        letter = pending(connection)
        server.wait_until(lambda: server.text == STUFFED)
        assert server.messages == []
        assert connection.commit(letter).kind is Kind.ACCEPTED
    assert server.messages == [LETTER]


def test_a_text_that_begins_with_a_dot_keeps_it() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        sent(connection, b".first\r\n")
    assert server.messages == [b".first\r\n"]


def test_a_large_text_arrives_whole() -> None:
    letter = (b"x" * 70 + b"\r\n") * 5000
    offers = ("PIPELINING",)
    with ScriptedServer(Script(offers=offers)) as server, connect(route_to(server)) as connection:
        assert sent(connection, letter).kind is Kind.ACCEPTED
    assert server.messages == [letter]


def test_many_letters_go_over_one_connection() -> None:
    letters = [b"%d\r\n" % number for number in range(20)]
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        for letter in letters:
            assert connection.usable
            assert sent(connection, letter).kind is Kind.ACCEPTED
    assert server.messages == letters
    assert server.connections == 1


def test_an_abandoned_letter_is_not_kept() -> None:
    with ScriptedServer() as server:
        connection = connect(route_to(server))
        pending(connection)
        connection.abandon()
        connection.abandon()
        assert not connection.usable
        connection.close()
    assert server.messages == []
    assert b"QUIT" not in server.lines


def test_closing_with_a_letter_pending_abandons_it() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        pending(connection)
    assert server.messages == []
    assert b"QUIT" not in server.lines


def test_a_closed_connection_takes_no_letter() -> None:
    with ScriptedServer() as server:
        connection = connect(route_to(server))
        connection.close()
        connection.close()
        assert not connection.usable
        assert connection.offer(SENDER, RECIPIENT, LETTER) == lost(
            Phase.MAIL, "the connection is closed"
        )


def test_a_letter_can_be_committed_only_once_and_only_where_it_is_pending() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        letter = pending(connection)
        with pytest.raises(OutOfTurn):
            connection.commit(replace(letter))
        with pytest.raises(OutOfTurn):
            connection.offer(SENDER, RECIPIENT, LETTER)
        connection.commit(letter)
        with pytest.raises(OutOfTurn):
            connection.commit(letter)
    assert server.messages == [LETTER]


def test_an_idle_connection_that_was_dropped_is_noticed_before_the_next_letter() -> None:
    with ScriptedServer(Script({"DOT": b"250 ok\r\n"}, closes_after_dot=True)) as server:
        connection = connect(route_to(server))
        assert sent(connection).kind is Kind.ACCEPTED
    assert not connection.usable


def test_past_its_deadline_a_letter_is_not_committed() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        outcome = connection.commit(pending(connection), deadline=boot_seconds() - 1)
        assert not connection.usable
    assert outcome == lost(Phase.BODY, "the deadline passed before the dot")
    assert server.messages == []


def test_within_its_deadline_a_letter_is_committed() -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        outcome = connection.commit(pending(connection), deadline=boot_seconds() + 60)
    assert outcome.kind is Kind.ACCEPTED
    assert server.messages == [LETTER]


@BOTH_WAYS
@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_a_connection_lost_before_the_text_is_safe_to_repeat(
    phase: Phase, offers: tuple[str, ...]
) -> None:
    script = Script({phase.name: Fault.DROP}, offers=offers)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.offer(SENDER, RECIPIENT, LETTER)
        assert not connection.usable
    assert isinstance(outcome, Outcome)
    assert outcome == lost(phase, outcome.text)
    assert outcome.text
    assert server.messages == []


@pytest.mark.parametrize("stored", [True, False])
def test_a_connection_lost_after_the_dot_leaves_the_letter_uncertain(stored: bool) -> None:
    script = Script({"DOT": Fault.DROP}, stores_before_dropping=stored)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = sent(connection)
        assert not connection.usable
    assert outcome == lost(Phase.DOT, CLOSED)
    assert len(server.messages) == stored


def test_a_connection_lost_while_the_letter_is_pending_is_safe_to_repeat() -> None:
    script = Script({"TEXT": Fault.DROP}, text_size=len(STUFFED))
    with ScriptedServer(script) as server:
        connection = connect(route_to(server))
        letter = pending(connection)
    outcome = connection.commit(letter)
    assert outcome == lost(Phase.BODY, CLOSED)
    assert server.messages == []


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (
            b"421 4.3.2 closing\r\n",
            Outcome(Kind.TEMPORARY, Phase.BODY, Cause.RELAY, 421, "4.3.2", "4.3.2 closing"),
        ),
        (
            b"552 5.3.4 too big\r\n",
            Outcome(Kind.PERMANENT, Phase.BODY, Cause.POISON, 552, "5.3.4", "5.3.4 too big"),
        ),
        (b"250 ok\r\n", Outcome(Kind.TEMPORARY, Phase.BODY, Cause.RELAY, 250, "", "ok")),
        (b"250 ok\r\n250 ok\r\n", lost(Phase.BODY, "the server spoke out of turn")),
        (b"2", lost(Phase.BODY, "the server spoke out of turn")),
    ],
)
def test_a_server_that_speaks_before_the_dot_gets_no_dot(said: bytes, outcome: Outcome) -> None:
    script = Script({"TEXT": [said, Fault.SILENCE]}, text_size=len(STUFFED))
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        letter = pending(connection)
        server.wait_until(lambda: said in server.said)
        assert connection.commit(letter) == outcome
        assert not connection.usable
    assert server.messages == []


def test_an_answer_sent_ahead_is_not_taken_for_the_answer_to_the_dot() -> None:
    script = Script({"DATA": b"354 go on\r\n250 2.0.0 accepted\r\n"})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = sent(connection)
    assert outcome == Outcome(
        Kind.TEMPORARY, Phase.BODY, Cause.RELAY, 250, "2.0.0", "2.0.0 accepted"
    )
    assert server.messages == []


def test_an_answer_too_many_after_the_dot_ends_the_connection_but_not_the_acceptance() -> None:
    script = Script({"DOT": b"250 2.0.0 ok\r\n250 ok\r\n"})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        assert sent(connection).kind is Kind.ACCEPTED
        assert not connection.usable
    assert server.messages == [LETTER]
