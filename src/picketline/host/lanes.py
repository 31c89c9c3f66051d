"""Few threads do the work, however many wait for slow clients.

A web server's thread is held for as long as a client takes to send its form, so there must be many
of them. Each thread that works with Django keeps a database connection, so there must be few. Hence
the server's threads only read; the application runs in lanes of its own, and a web process has as
many database connections as lanes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from queue import SimpleQueue
from typing import TYPE_CHECKING

from picketline.host.exchange import Answer, ask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _Request:
    """A request on its way through a lane; ``done`` is released once it has an outcome."""

    __slots__ = ("answer", "done", "environ", "error")

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.answer: Answer | None = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


def in_lanes(application: WSGIApplication, lanes: int = 4) -> WSGIApplication:
    """The same application, run by this many threads; answers are whole, so none may be endless."""
    waiting: SimpleQueue[_Request] = SimpleQueue()

    def work() -> None:
        while True:
            request = waiting.get()
            try:
                request.answer = ask(application, request.environ)
            except BaseException as error:  # noqa: BLE001 - raised again where it was asked
                request.error = error
            request.done.release()

    def wrapped(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = _Request(environ)
        waiting.put(request)
        request.done.acquire()
        if request.answer is None:
            raise request.error or RuntimeError("A lane ended without an answer.")
        return request.answer.give(start)

    for number in range(lanes):
        threading.Thread(target=work, name=f"lane-{number + 1}", daemon=True).start()
    return wrapped
