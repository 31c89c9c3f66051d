"""Dialogues with the scripted server: what the tests of the SMTP client share."""

import pytest
from tests.mail.scripted_server import PLAIN_OFFERS, ScriptedServer

from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.smtp import (
    ConnectFailed,
    Connection,
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
