"""What a request may cost before the application sees it.

Bodies are read here, whole and bounded, also those that come in chunks and never say how long they
are. The application gets a body in memory with its true length, and only with POST. Clients that
send slowly hold a thread each, so only so many may send at once: the rest of the threads stay free
for pages.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from picketline.host.exchange import Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

METHODS = ("GET", "HEAD", "POST", "OPTIONS")


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes; ``senders`` is how many bodies are read at the same time in one process."""

    body: int = 65_536
    address: int = 8_192
    headers: int = 16_384
    senders: int = 48


class Refused(Exception):
    """A request that goes no further: a status line, a sentence, and headers to add."""

    def __init__(self, status: str, sentence: str, *headers: tuple[str, str]) -> None:
        super().__init__(sentence)
        self.answer = _refusal(status, sentence, *headers)


def limited(application: WSGIApplication, limits: Limits | None = None) -> WSGIApplication:
    """The same application, reached only by requests within the limits."""
    chosen = limits or Limits()
    places = threading.BoundedSemaphore(chosen.senders)

    def wrapped(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            _check_head(environ, chosen)
            body = _body(environ, chosen, places)
        except Refused as refusal:
            return refusal.answer.give(start)
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return application(environ, start)

    return wrapped


def _check_head(environ: WSGIEnvironment, limits: Limits) -> None:
    if environ["REQUEST_METHOD"] not in METHODS:
        raise Refused(
            "405 Method Not Allowed", "This method has no use here.", ("Allow", ", ".join(METHODS))
        )
    if len(environ["PATH_INFO"]) + len(environ.get("QUERY_STRING", "")) > limits.address:
        raise Refused("414 URI Too Long", "This address is too long.")
    size = sum(
        len(name) + len(value) for name, value in environ.items() if name.startswith("HTTP_")
    )
    if size > limits.headers:
        raise Refused("431 Request Header Fields Too Large", "The request's headers are too long.")
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        raise Refused("415 Unsupported Media Type", "Compressed requests are not accepted.")


def _body(environ: WSGIEnvironment, limits: Limits, places: threading.BoundedSemaphore) -> bytes:
    """The request's body; empty, and left unread, where the method has none."""
    length = _length(environ)
    if length is not None and length > limits.body:
        raise _too_large(limits)
    if environ["REQUEST_METHOD"] != "POST" or length == 0:
        return b""
    if not places.acquire(blocking=False):
        raise Refused(
            "503 Service Unavailable",
            "Too many forms are arriving at once. Send yours again in a minute.",
            ("Retry-After", "60"),
        )
    try:
        return _read(environ, limits, length)
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
    if not (stated or "0").isdecimal():
        raise Refused("400 Bad Request", "The request's length is no number.")
    return int(stated[:20] or 0)


def _read(environ: WSGIEnvironment, limits: Limits, length: int | None) -> bytes:
    wanted = limits.body + 1 if length is None else length
    try:
        body: bytes = environ["wsgi.input"].read(wanted)
    except OSError:
        raise Refused("400 Bad Request", "The request broke off.") from None
    if length is None and len(body) > limits.body:
        raise _too_large(limits)
    if length is not None and len(body) < length:
        raise Refused("400 Bad Request", "The request broke off.")
    return body


def _too_large(limits: Limits) -> Refused:
    return Refused(
        "413 Content Too Large",
        f"This is too much: at most {limits.body // 1024} KB can be sent at once.",
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
