"""One stream to an SMTP server: whole replies under a deadline, TLS that is always verified."""

import socket
import ssl
from functools import cache
from struct import pack
from time import monotonic

from picketline.mail.replies import BadReply, Reply, take_reply

_BLOCK = 64 * 1024


@cache
def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """The process's one context per set of authorities: names checked, TLS 1.2 or later."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Wire:
    """A connected socket and what was received but not yet read.

    Every method but `close` and `reset` may raise `OSError` (timeouts included), readers also
    `BadReply`; after either the stream is of no further use.
    """

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._socket = socket.create_connection((host, port), timeout)
        # The dot is a small write after a large one: Nagle would hold it back 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def start_tls(self, host: str, ca_file: str | None, timeout: float) -> None:
        """Protect the stream, proving that the server is `host`.

        Whatever came before the handshake could be a stranger's: its presence is an error,
        so that it can never be read as the server's protected words (CVE-2011-0411 and kin).
        """
        if self._received:
            raise BadReply("the server sent text between STARTTLS and the handshake")
        self._socket.settimeout(timeout)
        self._socket = tls_context(ca_file).wrap_socket(self._socket, server_hostname=host)

    def send(self, octets: bytes, timeout: float) -> None:
        """Send all of it, each block within `timeout`. If this raises, not all was sent."""
        self._socket.settimeout(timeout)
        for start in range(0, len(octets), _BLOCK):
            self._socket.sendall(octets[start : start + _BLOCK])

    def read(self, timeout: float) -> Reply:
        """The next whole reply; `timeout` bounds all of it, however slowly it trickles in."""
        deadline = monotonic() + timeout
        while (taken := take_reply(self._received)) is None:
            remaining = deadline - monotonic()
            if remaining <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(remaining)
            self._receive()
        reply, self._received = taken
        return reply

    def overheard(self) -> Reply | None:
        """What the server said unasked, if anything; does not wait.

        Raises `ConnectionError` if it hung up, `BadReply` if it said anything but one whole reply.
        """
        if not self._received:
            self._socket.settimeout(0)
            try:
                self._receive()
            except (BlockingIOError, ssl.SSLWantReadError):
                return None
        taken = take_reply(self._received)
        if taken is None or taken[1]:
            raise BadReply("the server spoke out of turn")
        return taken[0]

    def close(self) -> None:
        """Close the stream in order."""
        self._socket.close()

    def reset(self) -> None:
        """Break the stream off, so that no server can take its end for the end of a message."""
        linger = pack("ii", 1, 0)  # on, for no time: RST instead of FIN
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._socket.close()

    def _receive(self) -> None:
        octets = self._socket.recv(4096)
        if not octets:
            raise ConnectionError("the server closed the connection")
        self._received += octets
