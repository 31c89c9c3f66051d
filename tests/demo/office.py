"""Somebody who takes in mail by LMTP, as ``picketline receive`` does, and shows what came."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from picketline.host import listener
from picketline.host.listener import Answer, Office


@dataclass
class Counter:
    """Where it listens, and what was handed over: recipient, envelope sender, message."""

    port: int
    taken: list[tuple[str, str, bytes]] = field(default_factory=list)

    def only(self, recipient: str) -> tuple[str, EmailMessage]:
        """The envelope sender and the message that came for this address."""
        (found,) = [each for each in self.taken if each[0] == recipient]
        message = message_from_bytes(found[2], policy=policy.default)
        assert isinstance(message, EmailMessage)
        return found[1], message

    def knows(self, recipient: str, sender: str) -> Answer:
        """Everybody but nobody."""
        return Answer.UNKNOWN if recipient.startswith("nobody@") else Answer.KEPT

    def keep(self, recipient: str, sender: str, raw: bytes) -> Answer:
        """Keep it here."""
        self.taken.append((recipient, sender, raw))
        return Answer.KEPT


@contextmanager
def open_counter() -> Iterator[Counter]:
    """Open for the block."""
    listening = listener.bind("127.0.0.1", 0)
    counter = Counter(int(listening.getsockname()[1]))
    office = Office(counter.knows, counter.keep, lambda: None, "reply.picketline.example", 100_000)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    work = listener.listen(office, listening, stop, lmtp=True)
    thread = threading.Thread(target=loop.run_until_complete, args=(work,))
    thread.start()
    try:
        yield counter
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
