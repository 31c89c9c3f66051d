"""The SMTP client and composed mail against aiosmtpd, which shares no code with us."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from picketline.mail.compose import OutgoingMail, compose
from picketline.mail.outcomes import Kind, Outcome
from picketline.mail.smtp import Connection, Pending, Route, Security, connect

MAIL = OutgoingMail(
    message_id="<0123abcd@letters.example>",
    date=datetime(2011, 12, 17, 10, tzinfo=UTC),
    from_name="Мария",
    from_address="campaign@letters.example",
    to_name="",
    to_address="director@company.example",
    reply_to=None,
    subject="Требуем",
    body="",
    language="ru",
    automatic=False,
)


class Peer:
    """aiosmtpd on a free port; `messages` are sender, recipients and octets as they came."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, list[str], bytes]] = []
        self.ready = threading.Event()
        self.stop: Callable[[], object] = lambda: None
        self.route = Route("127.0.0.1", 0, Security.NONE)

    async def serve(self) -> None:
        """Serve until `stop` is called from another thread."""
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        self.stop = lambda: loop.call_soon_threadsafe(stopped.set)
        server = await loop.create_server(self._protocol, "127.0.0.1")
        async with server:
            port = server.sockets[0].getsockname()[1]
            self.route = Route("127.0.0.1", port, Security.NONE)
            self.ready.set()
            await stopped.wait()

    def _protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = SMTP(self, hostname="peer.example")
        return protocol

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep the message: the name and the shape are aiosmtpd's."""
        assert isinstance(envelope.content, bytes)
        self.messages.append((envelope.mail_from or "", envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 ok"


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    thread = threading.Thread(target=lambda: asyncio.run(peer.serve()))
    thread.start()
    peer.ready.wait(10)
    yield peer
    peer.stop()
    thread.join(10)
    assert not thread.is_alive()


def sent(connection: Connection, data: bytes) -> Outcome:
    offered = connection.offer("b.1@bounce.example", "director@company.example", data)
    assert isinstance(offered, Pending)
    return connection.commit(offered)


def test_the_bytes_arrive_as_they_were_composed(peer: Peer) -> None:
    letters = [compose(replace(MAIL, body=body)) for body in ("Привет\n", "a\n.\n..\nb", ".")]
    with connect(peer.route) as connection:
        assert [sent(connection, letter).kind for letter in letters] == [Kind.ACCEPTED] * 3
    assert peer.messages == [
        ("b.1@bounce.example", ["director@company.example"], letter) for letter in letters
    ]


ENDS = ["\n.\n", "\r.\r", "\r\n.\r\n", "\n.\r\n", "\r\n.\n", "\r.\n", "\n.\r", "\r\n.\r", "\r.\r\n"]
SMUGGLED = "MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSubject: two\r\n\r\nx"
CORPUS = [f"one{end}{SMUGGLED}{end}three" for end in ENDS] + [
    f".\r\n{SMUGGLED}",
    f"one\r\n.\r\n.\r\n..\r\n{SMUGGLED}\r\n.",
    f"Привет\r\n.\r\n{SMUGGLED}",
    f"one\n\n.\n\n{SMUGGLED}",
]


@pytest.mark.parametrize("text", CORPUS)
def test_no_text_ends_its_own_message(peer: Peer, text: str) -> None:
    with connect(peer.route) as connection:
        assert sent(connection, compose(replace(MAIL, body=text))).kind is Kind.ACCEPTED
    ((_, _, octets),) = peer.messages
    payload = message_from_bytes(octets).get_payload(decode=True)
    assert isinstance(payload, bytes)
    arrived = payload.decode().replace("\r\n", "\n")
    assert arrived == text.replace("\r\n", "\n").replace("\r", "\n") + "\n"


KILLED_BEFORE_THE_DOT = """
import os, signal, sys
from picketline.mail.smtp import Route, Security, connect
connection = connect(Route("127.0.0.1", int(sys.argv[1]), Security.NONE))
connection.offer("", "director@company.example", b"Subject: a\\r\\n\\r\\ntext\\r\\n")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_killed_before_the_dot_has_sent_nothing(peer: Peer) -> None:
    command = [sys.executable, "-c", KILLED_BEFORE_THE_DOT, str(peer.route.port)]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    ended = subprocess.run(command, env=environment, timeout=20, check=False)
    assert ended.returncode == -signal.SIGKILL
    with connect(peer.route) as connection:
        sent(connection, b"Subject: b\r\n\r\nnext\r\n")
    assert [octets for _, _, octets in peer.messages] == [b"Subject: b\r\n\r\nnext\r\n"]
