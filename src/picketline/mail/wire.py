"""One stream to an SMTP server: whole replies under a deadline, TLS that is always verified."""

import select
import socket
import ssl
from functools import cache
from math import ceil
from re import Pattern
from struct import pack
from time import monotonic

from picketline.mail.replies import BadReply, Reply, take_reply

_BLOCK = 64 * 1024
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@cache
def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """The process's one context per set of authorities: names checked, TLS 1.2 or later."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Wire:
    """A connected socket and what was received but not yet read.

    The socket never blocks: what usually can be done at once is tried at once, and only what
    cannot is waited for. That saves two system calls of three.

    Every method but `close` and `reset` may raise `OSError` (timeouts included), readers also
    `BadReply`; after either the stream is of no further use.
    """

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._socket = socket.create_connection((host, port), timeout)
        # The dot is a small write after a large one: Nagle would hold it back 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
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
        self._socket.setblocking(False)

    def send(self, octets: bytes, timeout: float) -> None:
        """Send all of it, each block within `timeout`. If this raises, not all was sent."""
        for start in range(0, len(octets), _BLOCK):
            left = octets[start : start + _BLOCK]
            deadline = monotonic() + timeout
            while left := left[self._send_some(left, deadline) :]:
                pass

    def read(self, timeout: float) -> Reply:
        """The next whole reply; `timeout` bounds all of it, however slowly it trickles in."""
        taken = take_reply(self._received) if self._received else None
        if taken is None:
            deadline = monotonic() + timeout
            while taken is None:
                self._receive(deadline)
                taken = take_reply(self._received)
        reply, self._received = taken
        return reply

    def heard(self, usual: Pattern[bytes]) -> bool:
        """Whether exactly such octets were received; then they count as read. Does not wait.

        What does not match stays for `read`, which tells apart all that servers can say.
        """
        matches = usual.fullmatch(self._received) is not None
        if matches:
            self._received = b""
        return matches

    def overheard(self) -> Reply | None:
        """What the server said unasked, if anything; does not wait.

        Raises `ConnectionError` if it hung up, `BadReply` if it said anything but one whole reply.
        """
        if not self._received:
            try:
                self._take(self._socket.recv(_BLOCK))
            except _LATER:
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

    def _send_some(self, octets: bytes, deadline: float) -> int:
        """Send what can be sent, once anything can; the number of octets sent."""
        while True:
            try:
                return self._socket.send(octets)
            except _LATER as obstacle:
                self._wait(obstacle, select.POLLOUT, deadline)

    def _receive(self, deadline: float) -> None:
        """Receive what there is, once there is anything."""
        while True:
            try:
                self._take(self._socket.recv(_BLOCK))
            except _LATER as obstacle:
                self._wait(obstacle, select.POLLIN, deadline)
            else:
                return

    def _take(self, octets: bytes) -> None:
        if not octets:
            raise ConnectionError("the server closed the connection")
        self._received += octets

    def _wait(self, obstacle: OSError, event: int, deadline: float) -> None:
        """Return when the socket may be ready; TLS may need the other direction first."""
        if isinstance(obstacle, ssl.SSLWantReadError):
            event = select.POLLIN
        elif isinstance(obstacle, ssl.SSLWantWriteError):
            event = select.POLLOUT
        remaining = deadline - monotonic()
        ready = select.poll()
        ready.register(self._socket, event)
        if remaining <= 0 or not ready.poll(ceil(remaining * 1000)):
            raise TimeoutError("timed out")
