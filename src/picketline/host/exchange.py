"""One request and its whole answer, for wrappers around a WSGI application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: ``status`` like ``200 OK``, and the whole body."""

    status: str
    headers: Headers
    body: bytes

    def give(self, start: StartResponse) -> list[bytes]:
        """Answer with it: what a WSGI application returns."""
        start(self.status, self.headers)
        return [self.body]


def ask(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Let the application answer to the end, in this thread; raises what it raises."""
    said: list[tuple[str, Headers]] = []
    written: list[bytes] = []

    def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
        said[:] = [(status, headers)]
        return written.append

    pieces = application(environ, start)
    try:
        body = b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    status, headers = said[0]
    return Answer(status, headers, b"".join(written) + body)
