"""The demo's mail server: speaks SMTP on loopback and stands for everybody's server.

It says 250 after the last dot only when the message is on disk for every recipient.
"""

from __future__ import annotations

import asyncio
import logging

from aiosmtpd.smtp import SMTP, Envelope, Session

from picketline.demo.received import Received

SIZE_LIMIT = 10_000_000
LOOPBACK = "127.0.0.1"

log = logging.getLogger(__name__)


class Keeper:
    """What aiosmtpd asks at the end of each message."""

    def __init__(self, received: Received) -> None:
        self._received = received

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep the message; the answer is the last line of the SMTP dialogue."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            sender = (envelope.mail_from or "").strip("<>")
            await asyncio.to_thread(self._received.keep, sender, envelope.rcpt_tos, content)
        except OSError as fault:
            log.warning("A message could not be kept: %s", fault.strerror)
            return "451 4.3.0 The mailbox cannot be written to just now"
        return "250 2.0.0 Kept"


async def listen(received: Received, port: int) -> tuple[asyncio.Server, int]:
    """Listen on this loopback port (0: any free one); returns the server and its port.

    Raises ``OSError`` when the port is taken.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            Keeper(received),
            data_size_limit=SIZE_LIMIT,
            hostname="mailbox.example",
            ident="Picketline demo",
            loop=loop,
        ),
        LOOPBACK,
        port,
    )
    return server, int(server.sockets[0].getsockname()[1])
