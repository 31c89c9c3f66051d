"""A stand between a worker and its database, so that a test can stop the worker at a point.

It passes everything on until it is told to hold. What is held is lost: the worker is to be killed.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_GUARD = 10.0  # seconds after which a stuck test fails instead of hanging


class DatabaseProxy:
    """Listens on loopback for one worker; ``host`` and ``port`` say where the database is."""

    def __init__(self, host: str, port: str) -> None:
        self._upstream = (host, int(port or 5432))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.held = threading.Event()
        self._hold_requests = False
        self._hold_answers = False
        self._fatal_request = self._last_request = self._first_held = b""
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets: list[socket.socket] = []

    def hold_requests(self) -> None:
        """From now on nothing that the worker says reaches the database."""
        self._hold_requests = True

    def hold_answer_to(self, request: bytes) -> None:
        """The database gets the next request with these bytes; the worker no answer to it."""
        self._fatal_request = request

    def hold_at(self, request: bytes) -> None:
        """From the next request with these bytes on nothing reaches the database."""
        self._first_held = request

    def hold_after(self, request: bytes) -> None:
        """The next request with these bytes is answered as usual, and then nothing is heard."""
        self._last_request = request

    def wait(self) -> None:
        """Return once something was held."""
        assert self.held.wait(_GUARD), "the worker never came to this point"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._listener, *self._sockets):
            _end(each)
        for thread in self._threads:
            thread.join(_GUARD)
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                worker, _ = self._listener.accept()
            except OSError:
                return
            database = self._connect()
            self._sockets += [worker, database]
            for pump in (self._requests, self._answers):
                thread = threading.Thread(target=pump, args=(worker, database))
                self._threads.append(thread)
                thread.start()

    def _connect(self) -> socket.socket:
        host, port = self._upstream
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        database = socket.socket(socket.AF_UNIX)
        database.connect(f"{host}/.s.PGSQL.{port}")
        return database

    def _requests(self, worker: socket.socket, database: socket.socket) -> None:
        while octets := _received(worker):
            self._hold_requests |= _has(octets, self._first_held)
            if self._hold_requests:
                self.held.set()
                continue
            self._hold_answers |= _has(octets, self._fatal_request)
            self._hold_requests |= _has(octets, self._last_request)
            database.sendall(octets)
        _end(database)

    def _answers(self, worker: socket.socket, database: socket.socket) -> None:
        while octets := _received(database):
            if self._hold_answers:
                self.held.set()
            else:
                worker.sendall(octets)
        _end(worker)


def _has(octets: bytes, awaited: bytes) -> bool:
    return bool(awaited) and awaited in octets


def _received(peer: socket.socket) -> bytes:
    try:
        return peer.recv(65536)
    except OSError:
        return b""


def _end(peer: socket.socket) -> None:
    with suppress(OSError):  # it may have gone already
        peer.shutdown(socket.SHUT_RDWR)
