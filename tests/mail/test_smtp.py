"""The SMTP client against a server that follows a script of faults."""

import socket
from contextlib import closing
from dataclasses import replace

import pytest
from tests.mail.scripted_server import PLAIN_OFFERS, Answer, Fault, Script, ScriptedServer

from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.smtp import (
    ConnectFailed,
    Connection,
    OutOfTurn,
    Pending,
    Route,
    Security,
    Timeouts,
    boot_seconds,
    connect,
)

SENDER, RECIPIENT = "b.1@bounce.example", "director@company.example"
LETTER = b"Subject: a\r\n\r\n.hidden\r\n..\r\ntext\r\n"
STUFFED = b"Subject: a\r\n\r\n..hidden\r\n...\r\ntext\r\n"
CLOSED = "the server closed the connection"
ONE_BY_ONE = tuple(offer for offer in PLAIN_OFFERS if offer != "PIPELINING")
BOTH_WAYS = pytest.mark.parametrize(
    "offers", [PLAIN_OFFERS, ONE_BY_ONE], ids=["pipelined", "one by one"]
)
QUICK = Timeouts(*[0.15] * 7)
PATIENT = Timeouts(*[5.0] * 7)


def route_to(server: ScriptedServer, timeouts: Timeouts = PATIENT) -> Route:
    return Route("127.0.0.1", server.port, Security.NONE, timeouts=timeouts)


def pending(connection: Connection, data: bytes = LETTER) -> Pending:
    offered = connection.offer(SENDER, RECIPIENT, data)
    assert isinstance(offered, Pending)
    return offered


def sent(connection: Connection, data: bytes = LETTER) -> Outcome:
    return connection.commit(pending(connection, data))


def failure(route: Route) -> Outcome:
    with pytest.raises(ConnectFailed) as failed:
        connect(route)
    return failed.value.outcome


def lost(phase: Phase, text: str) -> Outcome:
    kind = Kind.UNCERTAIN if phase is Phase.DOT else Kind.TEMPORARY
    return Outcome(kind, phase, Cause.RELAY, text=text)


@BOTH_WAYS
def test_a_letter_is_accepted_and_its_bytes_arrive(offers: tuple[str, ...]) -> None:
    with ScriptedServer(Script(offers=offers)) as server, connect(route_to(server)) as connection:
        outcome = sent(connection)
    text = "2.0.0 Ok: queued as 4XyZ12"
    assert outcome == Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250, "2.0.0", text)
    assert outcome.queue_id == "4XyZ12"
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
        server.wait_until(lambda: server.text == STUFFED)
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


REFUSALS = [
    ("MAIL", b"451 4.3.0 later\r\n", Kind.TEMPORARY, Cause.RELAY),
    ("MAIL", b"550 5.1.8 your domain\r\n", Kind.TEMPORARY, Cause.SENDER),
    ("RCPT", b"421 4.3.2 closing\r\n", Kind.TEMPORARY, Cause.RELAY),
    ("RCPT", b"450 4.7.1 greylisted\r\n", Kind.TEMPORARY, Cause.NONE),
    ("RCPT", b"452 4.2.2 full\r\n", Kind.TEMPORARY, Cause.MAILBOX_FULL),
    ("RCPT", b"550 5.1.1 nobody\r\n", Kind.PERMANENT, Cause.ADDRESS),
    ("RCPT", b"554 5.7.1 blocked\r\n", Kind.PERMANENT, Cause.POLICY),
    ("DATA", b"451 4.3.0 later\r\n", Kind.TEMPORARY, Cause.RELAY),
    ("DATA", b"554 5.7.1 no\r\n", Kind.PERMANENT, Cause.POLICY),
    ("DATA", b"250 5.5.0 what?\r\n", Kind.TEMPORARY, Cause.RELAY),
    ("DOT", b"421 4.3.2 closing\r\n", Kind.TEMPORARY, Cause.RELAY),
    ("DOT", b"450 4.2.0 later\r\n", Kind.TEMPORARY, Cause.NONE),
    ("DOT", b"452 4.3.1 disk full\r\n", Kind.TEMPORARY, Cause.RELAY),
    ("DOT", b"550 5.7.1 spam\r\n", Kind.PERMANENT, Cause.POLICY),
    ("DOT", b"552-5.2.2 mailbox\r\n552 5.2.2 full\r\n", Kind.TEMPORARY, Cause.MAILBOX_FULL),
    ("DOT", b"554 5.6.0 content\r\n", Kind.PERMANENT, Cause.POISON),
    ("DOT", b"354 again?\r\n", Kind.UNCERTAIN, Cause.RELAY),
]


@BOTH_WAYS
@pytest.mark.parametrize(("moment", "said", "kind", "cause"), REFUSALS)
def test_a_refusal_says_what_it_is_and_keeps_nothing(
    moment: str, said: bytes, kind: Kind, cause: Cause, offers: tuple[str, ...]
) -> None:
    script = Script({moment: said}, offers=offers)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        offered = connection.offer(SENDER, RECIPIENT, LETTER)
        outcome = connection.commit(offered) if isinstance(offered, Pending) else offered
        assert connection.usable or cause is Cause.RELAY
    assert (outcome.kind, outcome.phase.name, outcome.cause) == (kind, moment, cause)
    assert outcome.code == int(said[:3])
    assert server.messages == []


@BOTH_WAYS
def test_after_a_refusal_the_next_letter_goes_over_the_same_connection(
    offers: tuple[str, ...],
) -> None:
    script = Script({"RCPT": [b"550 5.1.1 nobody\r\n", b"250 ok\r\n"]}, offers=offers)
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        refused = connection.offer(SENDER, "nobody@company.example", LETTER)
        assert isinstance(refused, Outcome)
        assert refused.cause is Cause.ADDRESS
        assert sent(connection).kind is Kind.ACCEPTED
        assert sent(connection).kind is Kind.ACCEPTED
    assert server.messages == [LETTER, LETTER]
    assert server.connections == 1
    assert server.lines.count(b"RSET") == 1


def test_a_server_that_wants_the_text_of_a_letter_it_refused_does_not_get_it() -> None:
    script = Script({"RCPT": b"550 5.1.1 nobody\r\n", "DATA": b"354 go on\r\n"})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.offer(SENDER, RECIPIENT, LETTER)
        assert not connection.usable
    assert outcome == Outcome(
        Kind.PERMANENT, Phase.RCPT, Cause.ADDRESS, 550, "5.1.1", "5.1.1 nobody"
    )
    assert server.text == b""
    assert server.messages == []


def test_a_refusal_counts_even_if_the_server_hangs_up_after_it() -> None:
    script = Script({"RCPT": b"550 5.1.1 nobody\r\n", "DATA": Fault.DROP})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        outcome = connection.offer(SENDER, RECIPIENT, LETTER)
        assert not connection.usable
    assert isinstance(outcome, Outcome)
    assert outcome.cause is Cause.ADDRESS


def test_a_server_that_refuses_the_reset_is_left() -> None:
    script = Script({"RCPT": b"450 later\r\n", "RSET": b"421 enough\r\n"})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        connection.offer(SENDER, RECIPIENT, LETTER)
        outcome = connection.offer(SENDER, RECIPIENT, LETTER)
        assert not connection.usable
    assert outcome == Outcome(Kind.TEMPORARY, Phase.MAIL, Cause.RELAY, 421, "", "enough")


def test_an_idle_connection_that_the_server_closed_is_noticed_before_the_next_letter() -> None:
    script = Script({"DOT": b"250 ok\r\n421 4.4.2 idle for too long\r\n"})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        assert sent(connection).kind is Kind.ACCEPTED
        outcome = connection.offer(SENDER, RECIPIENT, LETTER)
    assert outcome == lost(Phase.MAIL, "the connection is closed")


@pytest.mark.parametrize(
    ("moment", "phase"),
    [("MAIL", Phase.MAIL), ("RCPT", Phase.RCPT), ("DATA", Phase.DATA), ("DOT", Phase.DOT)],
)
def test_a_silent_server_is_given_up_in_time(moment: str, phase: Phase) -> None:
    script = Script({moment: Fault.SILENCE})
    with ScriptedServer(script) as server, connect(route_to(server, QUICK)) as connection:
        offered = connection.offer(SENDER, RECIPIENT, LETTER)
        outcome = connection.commit(offered) if isinstance(offered, Pending) else offered
    assert outcome == lost(phase, "timed out")


def test_a_server_that_stops_reading_is_given_up_in_time() -> None:
    script = Script({"TEXT": Fault.DEAFNESS}, offers=("PIPELINING",), text_size=1)
    letter = (b"x" * 70 + b"\r\n") * 300_000
    with ScriptedServer(script) as server, connect(route_to(server, QUICK)) as connection:
        outcome = connection.offer(SENDER, RECIPIENT, letter)
    assert outcome == lost(Phase.BODY, "timed out")
    assert server.messages == []


def test_a_slow_greeting_is_given_up_in_time() -> None:
    with ScriptedServer(Script({"GREETING": Fault.SILENCE})) as server:
        outcome = failure(route_to(server, QUICK))
    assert outcome == lost(Phase.GREETING, "timed out")


def test_a_greeting_that_trickles_in_gets_no_more_time() -> None:
    with ScriptedServer(Script({"GREETING": Fault.TRICKLE})) as server:
        outcome = failure(route_to(server, QUICK))
    assert outcome == lost(Phase.GREETING, "timed out")


def test_a_server_that_is_not_there_is_a_relay_problem() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    outcome = failure(Route("127.0.0.1", port, Security.NONE))
    assert outcome == lost(Phase.CONNECT, outcome.text)


@pytest.mark.parametrize(
    ("moment", "answer", "phase", "code"),
    [
        ("GREETING", Fault.DROP, Phase.GREETING, None),
        ("GREETING", b"554 5.7.1 no service\r\n", Phase.GREETING, 554),
        ("GREETING", b"421 later\r\n", Phase.GREETING, 421),
        ("GREETING", b"250 ok\r\n", Phase.GREETING, 250),
        ("GREETING", b"HTTP/1.1 400 Bad Request\r\n", Phase.GREETING, None),
        ("GREETING", b"220-endless\r\n" * 2000, Phase.GREETING, None),
        ("GREETING", b"2" * 5000, Phase.GREETING, None),
        ("EHLO", Fault.DROP, Phase.EHLO, None),
        ("EHLO", b"502 5.5.1 what?\r\n", Phase.EHLO, 502),
        ("EHLO", b"250-a\r\n" * 5000, Phase.EHLO, None),
    ],
)
def test_a_dialogue_that_does_not_open_is_temporary_and_no_letters_fault(
    moment: str, answer: Answer, phase: Phase, code: int | None
) -> None:
    with ScriptedServer(Script({moment: answer})) as server:
        outcome = failure(route_to(server))
    assert (outcome.kind, outcome.phase, outcome.cause) == (Kind.TEMPORARY, phase, Cause.RELAY)
    assert outcome.code == code


@pytest.mark.parametrize("moment", ["MAIL", "DOT"])
def test_a_server_that_never_stops_talking_does_not_eat_the_memory(moment: str) -> None:
    script = Script({moment: b"250-more\r\n" * 100_000})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        offered = connection.offer(SENDER, RECIPIENT, LETTER)
        outcome = connection.commit(offered) if isinstance(offered, Pending) else offered
    assert outcome == lost(Phase[moment], "the server's answer is too long")


def test_a_server_that_does_not_answer_to_quit_is_left_all_the_same() -> None:
    with ScriptedServer(Script({"QUIT": Fault.SILENCE})) as server:
        connection = connect(route_to(server, QUICK))
        connection.close()
    assert server.lines[-1] == b"QUIT"


@pytest.mark.parametrize(
    ("sender", "recipient", "data"),
    [
        (SENDER, "", LETTER),
        (SENDER, "a@b.example>\r\nRCPT TO:<c@d.example", LETTER),
        (SENDER, "a b@c.example", LETTER),
        (SENDER, "директор@company.example", LETTER),
        (SENDER, "a\u202e@company.example", LETTER),
        (SENDER, "\ud800@company.example", LETTER),
        ("a@b.example> SIZE=1", RECIPIENT, LETTER),
        (SENDER, RECIPIENT, b""),
        (SENDER, RECIPIENT, b"no line end"),
        (SENDER, RECIPIENT, b"a\n.\nb\r\n"),
        (SENDER, RECIPIENT, b"a\r.\rb\r\n"),
        (SENDER, RECIPIENT, b"a\n\rb\r\n"),
        (SENDER, RECIPIENT, b"a\0b\r\n"),
        (SENDER, RECIPIENT, b"x" * 999 + b"\r\n"),
        (SENDER, RECIPIENT, b"x\r\n" * 40_000),
    ],
)
def test_what_must_not_go_over_the_wire_is_poison_and_the_connection_lives(
    sender: str, recipient: str, data: bytes
) -> None:
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        outcome = connection.offer(sender, recipient, data)
        assert isinstance(outcome, Outcome)
        assert (outcome.kind, outcome.phase) == (Kind.PERMANENT, Phase.LOCAL)
        assert outcome.cause is Cause.POISON
        assert sent(connection).kind is Kind.ACCEPTED
    assert server.messages == [LETTER]


def test_octets_above_127_go_only_to_a_server_that_takes_them() -> None:
    letter = "Привет\r\n".encode()
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        assert sent(connection, letter).kind is Kind.ACCEPTED
    assert b"MAIL FROM:<b.1@bounce.example> SIZE=14 BODY=8BITMIME" in server.lines
    assert server.messages == [letter]

    with ScriptedServer(Script(offers=())) as server, connect(route_to(server)) as connection:
        refused = connection.offer(SENDER, RECIPIENT, letter)
    assert isinstance(refused, Outcome)
    assert refused.cause is Cause.POISON


def test_a_server_without_extensions_gets_the_plainest_envelope_and_a_null_sender_works() -> None:
    with ScriptedServer(Script(offers=())) as server, connect(route_to(server)) as connection:
        connection.commit(_null_sender(connection))
    assert server.lines[1] == b"MAIL FROM:<>"


def _null_sender(connection: Connection) -> Pending:
    offered = connection.offer("", RECIPIENT, LETTER)
    assert isinstance(offered, Pending)
    return offered
