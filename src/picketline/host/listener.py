"""The listener: mail servers hand messages over by LMTP (RFC 2033) or SMTP, one answer each.

It knows nothing of campaigns. Two functions say whether an address is known and keep a message;
they run one after the other in a thread of their own, so that a slow database stops nobody from
talking. No recipient is answered with 250 before its message is kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, AnyStr, cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

log = logging.getLogger(__name__)

MAX_RECIPIENTS = 100  # RFC 5321 §4.5.3.1.8 asks for as many
MAX_CONNECTIONS = 50
IDLE_SECONDS = 120.0
DRAIN_SECONDS = 30.0
_FULL = b"421 4.3.2 Too many connections, try again later\r\n"
_ENDING = b"421 4.3.2 Service ends, try again later\r\n"


class Answer(StrEnum):
    """What becomes of a message for one recipient, as the other server is told."""

    KEPT = "250 2.0.0 Kept"
    UNKNOWN = "550 5.1.1 No such address here"
    TOO_LARGE = "552 5.3.4 Message too large"
    LATER = "451 4.3.0 Try again later"
    TOO_MANY = "452 4.5.3 Too many recipients"


class NotLoopback(ValueError):
    """The address can be reached from other machines; the message is a sentence."""


@dataclass(frozen=True)
class Office:
    """What is behind the counter. Both functions may block; neither may raise.

    ``knows(recipient, sender)`` answers a recipient: KEPT stands for "go on" there.
    ``keep(recipient, sender, message)`` answers the message. ``close`` ends the thread's work.
    """

    knows: Callable[[str, str], Answer]
    keep: Callable[[str, str, bytes], Answer]
    close: Callable[[], None]
    hostname: str
    max_bytes: int


def bind(host: str, port: int, *, remote: bool = False) -> socket.socket:
    """A listening socket. Raises ``NotLoopback`` unless ``remote``, and ``OSError``."""
    if not remote and not ipaddress.ip_address(host).is_loopback:
        raise NotLoopback(f"{host} can be reached from other machines: say --allow-remote.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


async def listen(
    office: Office, listening: socket.socket, stop: asyncio.Event, *, lmtp: bool
) -> None:
    """Take messages until ``stop``; then finish those that are being handed over, and return."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # it writes every address
    counter = _Counter(office, lmtp=lmtp)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(counter.protocol, sock=listening)
    try:
        await stop.wait()
    finally:
        server.close()
        await counter.drain()
        counter.thread.submit(office.close)
        counter.thread.shutdown()


class _Counter:
    """All connections of one listener, and aiosmtpd's hooks."""

    def __init__(self, office: Office, *, lmtp: bool) -> None:
        self.office = office
        self.lmtp = lmtp
        self.thread = ThreadPoolExecutor(1, "incoming")
        self.connections: set[_Connection] = set()
        self.ending = False

    def protocol(self) -> _Connection:
        kind: type[_Connection] = _Lmtp if self.lmtp else _Smtp
        return kind(
            self,
            data_size_limit=self.office.max_bytes,
            enable_SMTPUTF8=True,
            hostname=self.office.hostname,
            ident="LMTP" if self.lmtp else "ESMTP",
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )

    async def drain(self) -> None:
        self.ending = True
        for connection in tuple(self.connections):
            connection.end_if_idle()
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while self.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        for connection in tuple(self.connections):
            connection.close()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return Answer.TOO_MANY
        answer = await self._ask(self.office.knows, address, _sender(envelope))
        if answer is Answer.KEPT:
            envelope.rcpt_tos.append(address)
            return "250 2.1.5 Go on"
        return answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        answers = [
            await self._ask(self.office.keep, address, _sender(envelope), envelope.content)
            for address in envelope.rcpt_tos
        ]
        return "\r\n".join(answers) if self.lmtp else _for_all(answers)

    async def handle_exception(self, error: Exception) -> str:
        log.error("a hand-over failed: %s", type(error).__name__)
        return Answer.LATER

    async def _ask(self, function: Callable[..., Answer], *arguments: object) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self.thread, function, *arguments)


class _Connection(SMTP):
    """One connection: counted, and ended between two messages once the listener stops."""

    def __init__(self, counter: _Counter, **options: Any) -> None:
        self.counter = counter
        # A line may be as long as a message: whoever breaks RFC 5321 there still means it.
        self.line_length_limit = counter.office.max_bytes
        super().__init__(counter, **options)

    def connection_made(self, transport: Any) -> None:
        if len(self.counter.connections) >= MAX_CONNECTIONS or self.counter.ending:
            transport.write(_FULL)
            transport.close()
            return
        self.counter.connections.add(self)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self in self.counter.connections:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        return bool(super().eof_received()) if self in self.counter.connections else None

    def connection_lost(self, error: Exception | None) -> None:
        if self in self.counter.connections:
            self.counter.connections.discard(self)
            super().connection_lost(error)

    def end_if_idle(self) -> None:
        """Say goodbye where no message is under way."""
        if self.transport is not None and not (self.envelope and self.envelope.rcpt_tos):
            cast(asyncio.WriteTransport, self.transport).write(_ENDING)
            self.transport.close()

    def close(self) -> None:
        """Break off; what was not acknowledged comes again."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        await super().smtp_DATA(arg)
        if self.counter.ending:
            self.end_if_idle()


class _Smtp(_Connection):
    """SMTP: one answer for all recipients."""


class _Lmtp(_Connection, LMTP):
    """LMTP: after the message every recipient has an answer, also where none was asked."""

    _owed = 0

    async def push(self, status: AnyStr) -> None:
        """Answer; a message that aiosmtpd itself refuses is refused to each of its recipients."""
        line = status if isinstance(status, str) else status.decode("ascii")
        owed, self._owed = self._owed, 0
        if line.startswith("354") and self.envelope is not None:
            self._owed = len(self.envelope.rcpt_tos)
        elif owed > 1 and "\r\n" not in line:
            line = "\r\n".join([line] * owed)
        await super().push(line)


def _sender(envelope: Any) -> str:
    return str(envelope.mail_from or "").strip("<>")


def _for_all(answers: list[Answer]) -> str:
    """SMTP has one answer for all: what was kept already is dropped when it comes again."""
    for answer in (Answer.LATER, Answer.TOO_LARGE, Answer.KEPT):
        if answer in answers:
            return answer
    return Answer.UNKNOWN
