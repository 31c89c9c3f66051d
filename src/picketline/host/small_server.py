"""A small HTTP server for monitoring: a few pages, made on the spot, read only.

It has threads of its own and answers few at a time. It is for loopback or a trusted network: there
is no TLS and no login.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socket import AF_INET, AF_INET6
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import Any, Self

AT_ONCE = 8
PATIENCE = 5.0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = HTTPStatus.OK


Pages = Mapping[str, Callable[[], Answer]]


class SmallServer:
    """Serves ``pages`` by their paths, in a thread, within a ``with``. ``port`` is the one in use.

    Raises ``OSError`` where the address cannot be listened on.
    """

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        kind: type[_Server] = _SixServer if ":" in host else _Server
        self._server = kind((host, port), type("Handler", (_Handler,), {"pages": pages}))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingMixIn, TCPServer):
    """A thread for each connection, of which there are few; whoever comes on top is turned away."""

    address_family = AF_INET
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: Any) -> None:
        self._room = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread, if there is room for one."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection; its place is free afterwards."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no matter of ours."""


class _SixServer(_Server):
    address_family = AF_INET6


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of the pages there are; everything else is refused. Nothing is logged."""

    pages: Pages = {}  # noqa: RUF012 - a subclass for each server sets it
    timeout = PATIENCE
    server_version = "Picketline"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        answer = page() if page else Answer(b"Not found.\n", status=HTTPStatus.NOT_FOUND)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Whoever asks is nobody's business."""
