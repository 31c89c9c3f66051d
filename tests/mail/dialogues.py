"""Dialogues with the scripted server: what the tests of the SMTP client share."""

from collections.abc import Sequence
from itertools import zip_longest

import pytest
from tests.mail.scripted_server import PLAIN_OFFERS, ScriptedServer

from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.smtp import (
    ConnectFailed,
    Connection,
    Letter,
    Pending,
    Route,
    Security,
    Timeouts,
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


def letters(count: int) -> list[Letter]:
    """Different letters to different people, all of them in need of stuffing."""
    return [
        Letter(f"b.{n}@bounce.example", f"director.{n}@company.example", LETTER + b"%d\r\n" % n)
        for n in range(count)
    ]


def handed_over(connection: Connection, series: Sequence[Letter]) -> list[Outcome]:
    """One after the other, each with the next one's envelope ahead, as a worker does it."""
    return [
        connection.hand_over(letter, following=following)
        for letter, following in zip_longest(series, series[1:])
    ]


def failure(route: Route) -> Outcome:
    with pytest.raises(ConnectFailed) as failed:
        connect(route)
    return failed.value.outcome


def lost(phase: Phase, text: str) -> Outcome:
    kind = Kind.UNCERTAIN if phase is Phase.DOT else Kind.TEMPORARY
    return Outcome(kind, phase, Cause.RELAY, text=text)
