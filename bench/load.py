"""The load: requests in advance on a few connections, as many as answers came back.

``python -m bench.load PORT PATH SECONDS`` prints how many answers came per second. It never asks
for more than ``MOST``.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys
import time

CONNECTIONS = 4
DEPTH = 16
MOST = 200_000
_OK = b"HTTP/1.1 200 OK\r\n"
_BUFFER = 1 << 20


class BadAnswer(Exception):
    """The server answered something else than 200."""


class Caller:
    """A connection with ``DEPTH`` requests on their way, to which all answers are ``length`` long.

    So every answer's beginning is known and looked at, and the rest need not be searched, which
    would cost more than the server does.
    """

    def __init__(self, port: int, request: bytes, length: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._length = length
        self._buffer = bytearray(_BUFFER)
        self._next = 0  # where in the buffer the next answer begins
        self._end = 0
        self.socket.sendall(request * DEPTH)

    def hear(self) -> int:
        """Read what is there and ask for as much again; returns how many answers began."""
        received = self.socket.recv_into(memoryview(self._buffer)[self._end :])
        if not received:
            raise BadAnswer("the server closed the connection")
        self._end += received
        answers = 0
        while self._end - self._next >= len(_OK):
            if not self._buffer.startswith(_OK, self._next):
                raise BadAnswer(f"instead of 200: {self._buffer[self._next :][:80]!r}")
            self._next += self._length
            answers += 1
        self._forget()
        if answers:
            self.socket.sendall(self._request * answers)
        return answers

    def _forget(self) -> None:
        """Make room; the first bytes of an answer not yet recognised stay."""
        rest = self._buffer[self._next : self._end]
        self._buffer[: len(rest)] = rest
        self._next = max(self._next - self._end, 0)
        self._end = len(rest)


def load(port: int, path: str, seconds: float) -> float:
    """Answers per second. Raises ``BadAnswer``."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\n\r\n"
    ).encode()
    length = _length(port, request)
    with selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            caller = Caller(port, request, length)
            selector.register(caller.socket, selectors.EVENT_READ, caller)
        answers = 0
        started = now = time.perf_counter()
        while now - started < seconds and answers < MOST:
            for key, _ in selector.select(10) or _silence():
                answers += key.data.hear()
            now = time.perf_counter()
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return answers / (now - started)


def _length(port: int, request: bytes) -> int:
    """How long an answer is, head and body."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(request)
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += connection.recv(65_536)
    head, end, _ = heard.partition(b"\r\n\r\n")
    stated = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if stated is None:
        raise BadAnswer("the answer does not say how long it is")
    return len(head + end) + int(stated[1])


def _silence() -> list[tuple[selectors.SelectorKey, int]]:
    raise BadAnswer("the server has not answered for ten seconds")


if __name__ == "__main__":
    print(load(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
