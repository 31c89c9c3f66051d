"""The SMTP client against servers that refuse, stall, babble or are not there."""

import socket
from contextlib import closing

import pytest
from tests.mail.dialogues import (
    BOTH_WAYS,
    LETTER,
    QUICK,
    RECIPIENT,
    REFUSALS,
    SENDER,
    failure,
    lost,
    route_to,
    sent,
)
from tests.mail.scripted_server import PLAIN_OFFERS, Answer, Fault, Script, ScriptedServer

from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.smtp import (
    Connection,
    Pending,
    Route,
    Security,
    connect,
)


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
        ("EHLO", b"550 5.7.1 go away\r\n", Phase.EHLO, 550),
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
    letter = "Subject: a\r\n\r\nПривет\r\n".encode()
    with ScriptedServer() as server, connect(route_to(server)) as connection:
        assert sent(connection, letter).kind is Kind.ACCEPTED
    assert b"MAIL FROM:<b.1@bounce.example> SIZE=28 BODY=8BITMIME" in server.lines
    assert server.messages == [letter]

    with ScriptedServer(Script(offers=())) as server, connect(route_to(server)) as connection:
        refused = connection.offer(SENDER, RECIPIENT, letter)
    assert isinstance(refused, Outcome)
    assert refused.cause is Cause.POISON


def test_octets_above_127_in_a_header_never_go_out() -> None:
    letter = "Subject: Привет\r\n\r\ntext\r\n".encode()
    offers = (*PLAIN_OFFERS, "SMTPUTF8")
    with ScriptedServer(Script(offers=offers)) as server, connect(route_to(server)) as connection:
        refused = connection.offer(SENDER, RECIPIENT, letter)
        assert isinstance(refused, Outcome)
        assert refused.cause is Cause.POISON
        assert "in its header" in refused.text
        assert connection.usable
    assert server.lines == [b"EHLO localhost", b"QUIT"]


@pytest.mark.parametrize("code", [500, 502])
def test_a_server_that_does_not_know_ehlo_is_greeted_in_the_old_way(code: int) -> None:
    script = Script({"EHLO": b"%d what?\r\n" % code})
    with ScriptedServer(script) as server, connect(route_to(server)) as connection:
        assert sent(connection).kind is Kind.ACCEPTED
    assert server.lines[:3] == [
        b"EHLO localhost",
        b"HELO localhost",
        b"MAIL FROM:<%b>" % SENDER.encode(),
    ]
    assert server.messages == [LETTER]


def test_a_server_that_knows_neither_greeting_is_down() -> None:
    script = Script({"EHLO": b"502 what?\r\n", "HELO": b"502 what?\r\n"})
    with ScriptedServer(script) as server:
        outcome = failure(route_to(server))
    assert (outcome.kind, outcome.phase, outcome.code) == (Kind.TEMPORARY, Phase.EHLO, 502)


def test_a_server_without_extensions_gets_the_plainest_envelope_and_a_null_sender_works() -> None:
    with ScriptedServer(Script(offers=())) as server, connect(route_to(server)) as connection:
        connection.commit(_null_sender(connection))
    assert server.lines[1] == b"MAIL FROM:<>"


def _null_sender(connection: Connection) -> Pending:
    offered = connection.offer("", RECIPIENT, LETTER)
    assert isinstance(offered, Pending)
    return offered
