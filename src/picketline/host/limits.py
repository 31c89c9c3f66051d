"""What a request may cost before the application sees it.

Bodies are read here, whole and bounded, also those that come in chunks and never say how long they
are. (Granian ends a chunked body that broke off like a whole one; one of stated length is refused.)
The application gets a body in memory with its true length, and only with POST. Clients that
send slowly hold a thread each, so only so many may send at once: the rest of the threads stay free
for pages.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from picketline.host.exchange import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
ADDRESS = 8_192  # bytes of path and query
HEADERS = 16_384  # bytes of all names and values


class Refused(Exception):
    """A request that goes no further: a status line, a sentence, and headers to add."""

    def __init__(self, status: str, sentence: str, *headers: tuple[str, str]) -> None:
        super().__init__(sentence)
        self.answer = _refusal(status, sentence, *headers)


def limited(
    application: WSGIApplication, body: int = 65_536, *, senders: int = 48
) -> WSGIApplication:
    """The same application, reached only by requests within the limits.

    ``body`` is the largest body in bytes; ``senders`` says how many bodies are read at the same
    time in one process, and belongs below the number of the web server's threads.
    """
    places = threading.BoundedSemaphore(senders)

    def wrapped(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            _check_head(environ)
            content = _body(environ, body, places)
        except Refused as refusal:
            return refusal.answer.give(start)
        environ["wsgi.input"] = BytesIO(content)
        environ["CONTENT_LENGTH"] = str(len(content))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return application(environ, start)

    return wrapped


def _check_head(environ: WSGIEnvironment) -> None:
    if environ["REQUEST_METHOD"] not in METHODS:
        raise Refused(
            "405 Method Not Allowed", "This method has no use here.", ("Allow", ", ".join(METHODS))
        )
    if len(environ["PATH_INFO"]) + len(environ.get("QUERY_STRING", "")) > ADDRESS:
        raise Refused("414 URI Too Long", "This address is too long.")
    size = sum(
        len(name) + len(value) for name, value in environ.items() if name.startswith("HTTP_")
    )
    if size > HEADERS:
        raise Refused("431 Request Header Fields Too Large", "The request's headers are too long.")
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise Refused("415 Unsupported Media Type", "Compressed requests are not accepted.")


def _body(environ: WSGIEnvironment, largest: int, places: threading.BoundedSemaphore) -> bytes:
    """The request's body; empty, and left unread, where the method has none."""
    length = _length(environ)
    if length is not None and length > largest:
        raise _too_large(largest)
    if environ["REQUEST_METHOD"] != "POST" or length == 0:
        return b""
    if not places.acquire(blocking=False):
        raise Refused(
            "503 Service Unavailable",
            "Too many forms are arriving at once. Send yours again in a minute.",
            ("Retry-After", "60"),
        )
    try:
        return _read(environ, largest, length)
    finally:
        places.release()


def _length(environ: WSGIEnvironment) -> int | None:
    """How long the body says it is; ``None`` for chunks."""
    stated = environ.get("CONTENT_LENGTH") or ""
    if "HTTP_TRANSFER_ENCODING" in environ:
        if stated:
            raise Refused("400 Bad Request", "The request states its length in two ways.")
        if not environ.get("wsgi.input_terminated"):
            raise Refused("411 Length Required", "The request does not say how long it is.")
        return None
    if not (stated.isascii() and (stated or "0").isdecimal()):
        raise Refused("400 Bad Request", "The request's length is no number.")
    return int(stated[:20] or 0)


def _read(environ: WSGIEnvironment, largest: int, length: int | None) -> bytes:
    try:
        body: bytes = environ["wsgi.input"].read(largest + 1 if length is None else length)
    except OSError:
        raise Refused("400 Bad Request", "The request broke off.") from None
    if length is None and len(body) > largest:
        raise _too_large(largest)
    if length is not None and len(body) < length:
        raise Refused("400 Bad Request", "The request broke off.")
    return body


def _too_large(largest: int) -> Refused:
    return Refused(
        "413 Content Too Large", f"This is too much: at most {largest} bytes can be sent at once."
    )


def _refusal(status: str, sentence: str, *headers: tuple[str, str]) -> Answer:
    body = f"{sentence}\n".encode()
    always = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
    ]
    return Answer(status, [*always, *headers], body)
