"""The world behind a mail server: it takes every message and remembers it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 30.0  # seconds after which what does not come is missed
SIZE_LIMIT = 30_000_000


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message with the envelope it came in, and the greeting of who brought it."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    greeting: str


class Sink:
    """An SMTP server (or LMTP) on loopback, in a thread, within its ``with`` block.

    It refuses the recipients in ``refused`` for good, and those in ``deferred`` for now. While it
    is held, it answers no final dot, so that whoever delivers waits.
    """

    def __init__(self, *, lmtp: bool = False) -> None:
        self.messages: list[Arrived] = []
        self.refused: set[str] = set()
        self.deferred: set[str] = set()
        self.answer = "250 2.0.0 Taken"
        self.port = 0
        self._protocol = LMTP if lmtp else SMTP
        self._noted = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._free = asyncio.Event()
        self._free.set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink")

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def hold(self) -> None:
        """Answer no dot from now on."""
        self._loop.call_soon_threadsafe(self._free.clear)

    def release(self) -> None:
        """Answer all dots that waited, and those to come."""
        self._loop.call_soon_threadsafe(self._free.set)

    def forget(self) -> None:
        """Be as new."""
        self.release()
        with self._noted:
            self.messages.clear()
        self.refused.clear()
        self.deferred.clear()

    def wait_until(self, fact: Callable[[], bool]) -> None:
        """Return once a fact about the messages is true. Raises TimeoutError."""
        with self._noted:
            if not self._noted.wait_for(fact, PATIENCE):
                raise TimeoutError("the sink never saw that")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether there is such a recipient."""
        if address in self.refused:
            return "550 5.1.1 There is nobody of that name"
        if address in self.deferred:
            return "450 4.2.0 Not now"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Go on"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take the message, as soon as nobody holds it up."""
        await self._free.wait()
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        greeting = str(session.host_name or "")
        sender = (envelope.mail_from or "").removeprefix("<>")  # LMTP's null sender in aiosmtpd
        recipients = tuple(envelope.rcpt_tos)
        with self._noted:
            self.messages.append(Arrived(sender, recipients, content, greeting))
            self._noted.notify_all()
        return self.answer

    def _do(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        def dialogue() -> SMTP:
            return self._protocol(self, data_size_limit=SIZE_LIMIT, loop=self._loop)

        self._server = await self._loop.create_server(dialogue, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._free.set()
        self._server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
