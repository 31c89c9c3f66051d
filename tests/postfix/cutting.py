"""A line between a worker and a Postfix that breaks at the final dot, on one side of it."""

from __future__ import annotations

import socket
import threading
from enum import Enum
from types import TracebackType
from typing import Self

_GUARD = 10.0  # seconds after which a stuck test fails instead of hanging


class Cut(Enum):
    """Where the line breaks. To the worker both look alike."""

    BEFORE = "the dot does not arrive"
    AFTER = "the answer to the dot does not arrive"


class CuttingLine:
    """Listens on loopback for one worker at a time, within its ``with`` block.

    Every message's connection is cut, or those whose numbers (from 0) are in ``only``.
    """

    def __init__(self, port: int, cut: Cut, only: set[int] | None = None) -> None:
        self._upstream = port
        self._cut = cut
        self._only = only
        self._messages = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(_GUARD)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                worker, _ = self._listener.accept()
            except OSError:
                return
            postfix = socket.create_connection(("127.0.0.1", self._upstream), timeout=_GUARD)
            worker.settimeout(_GUARD)
            with worker, postfix:
                self._talk(worker, postfix)

    def _talk(self, worker: socket.socket, postfix: socket.socket) -> None:
        """Postfix speaks first, then each in turn: nothing is pipelined across an answer."""
        in_text = False
        while said := postfix.recv(65536):
            worker.sendall(said)
            in_text = said.rstrip().rpartition(b"\r\n")[2].startswith(b"354")
            heard = self._whole_turn(worker, in_text)
            if not heard:
                return
            if in_text and self._is_cut():
                text, dot = heard[:-3], heard[-3:]
                postfix.sendall(text)
                if self._cut is Cut.AFTER:
                    postfix.sendall(dot)
                    assert postfix.recv(65536).startswith(b"250")
                return
            postfix.sendall(heard)

    def _whole_turn(self, worker: socket.socket, in_text: bool) -> bytes:
        """What the worker says until it waits for an answer."""
        heard = b""
        while not heard.endswith(b"\r\n.\r\n" if in_text else b"\r\n"):
            octets = worker.recv(65536)
            if not octets:
                return b""
            heard += octets
        return heard

    def _is_cut(self) -> bool:
        number = self._messages
        self._messages += 1
        return self._only is None or number in self._only
