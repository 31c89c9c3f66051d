"""Pages that are the same for everybody, held in memory for a moment.

An HTML page is held when its answer is 200 with ``Cache-Control: public, max-age=…``, sets
no cookie and varies by nothing but ``Accept-Encoding``. That header is the application's promise
that the page depends on its scheme, host and path alone. It is held to it:

- What is stored comes only from a request made here, with those three and nothing else: no query,
  no cookie, no other header of a visitor. What is not part of the key cannot be in the page, so
  there is nothing to poison. (The first visitor of an address gets an answer of their own; only
  that the page may be held is learned from it.)
- So queries, cookies, ports and spellings of the host name need no copies of their own, and adding
  ``?x=1`` does not get past the cache to the database.

One thread renews a page while the others get the old copy, for at most ``GRACE`` seconds; then they
wait for the new one. A page that may no longer be held is forgotten at once.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Any

from picketline.host.exchange import Headers, ask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

GRACE = 10.0
LARGEST = 512 * 1024
MAX_AGE = re.compile(r"max-age=(\d{1,9})\Z")

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Copy:
    fresh_until: float
    usable_until: float
    headers: Headers
    body: bytes


class _Page:
    """A page that may be held. ``lock`` is held by the thread that renews it."""

    __slots__ = ("copy", "forgotten", "lock")

    def __init__(self) -> None:
        self.copy: _Copy | None = None
        self.forgotten = False
        self.lock = threading.Lock()


class PageCache:
    """The wrapper; see ``cached``."""

    def __init__(
        self,
        application: WSGIApplication,
        seconds: float,
        entries: int,
        clock: Callable[[], float],
    ) -> None:
        self._application = application
        self._seconds = seconds
        self._entries = entries
        self._clock = clock
        self._pages: dict[Key, _Page] = {}
        self._changing = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer from memory, or let the application answer."""
        method = environ["REQUEST_METHOD"]
        if method not in ("GET", "HEAD"):
            return self._application(environ, start)
        key = (environ["wsgi.url_scheme"], _host(environ), environ["PATH_INFO"])
        page = self._pages.get(key)
        if page is None:
            return self._learn(key, environ, start)
        copy = page.copy
        if copy is None or copy.fresh_until <= self._clock():
            copy = self._renewed(page, copy, key, environ)
        if copy is None:
            return self._application(environ, start)
        start("200 OK", copy.headers[:])
        return [copy.body] if method == "GET" else []

    def _learn(self, key: Key, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Let the application answer, and note whether such a page may be held."""

        def watch(status: str, headers: Headers, exc_info: Any = None) -> Any:
            if _lifetime(status, headers):
                self._note(key)
            return start(status, headers, exc_info) if exc_info else start(status, headers)

        return self._application(environ, watch)

    def _note(self, key: Key) -> None:
        with self._changing:
            self._pages.setdefault(key, _Page())
            while len(self._pages) > self._entries:
                del self._pages[next(iter(self._pages))]

    def _renewed(
        self, page: _Page, held: _Copy | None, key: Key, environ: WSGIEnvironment
    ) -> _Copy | None:
        """A copy to answer with instead of the held one that is no longer fresh.

        ``None`` when the page may no longer be held.
        """
        usable = held is not None and held.usable_until > self._clock()
        if not page.lock.acquire(blocking=not usable):
            return held
        try:
            if page.copy is held and not page.forgotten:
                self._renew(page, key, environ)
            return None if page.forgotten else page.copy
        finally:
            page.lock.release()

    def _renew(self, page: _Page, key: Key, environ: WSGIEnvironment) -> None:
        answer = ask(self._application, _impersonal(key, environ))
        lifetime = min(self._seconds, _lifetime(answer.status, answer.headers))
        page.forgotten = not lifetime or len(answer.body) > LARGEST
        with self._changing:
            self._pages.pop(key, None)
            if (
                not page.forgotten
            ):  # back in as the youngest: the one renewed longest ago goes first
                self._pages[key] = page
        until = self._clock() + lifetime
        page.copy = _Copy(until, until + GRACE, answer.headers, answer.body)


def cached(
    application: WSGIApplication,
    seconds: float = 1.0,
    entries: int = 512,
    clock: Callable[[], float] = monotonic,
) -> WSGIApplication:
    """The same application, with at most this many pages held, each for this long at most."""
    return PageCache(application, seconds, entries, clock)


def _host(environ: WSGIEnvironment) -> str:
    """The host asked for, in one spelling: the port has no part in which page is shown."""
    host: str = environ.get("HTTP_HOST", "").lower()
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).rstrip(".")


def _lifetime(status: str, headers: Headers) -> int:
    """For how many seconds an answer may be held; 0 where it may not."""
    said: dict[str, list[str]] = {}
    for name, value in headers:
        said.setdefault(name.lower(), []).extend(word.strip() for word in value.lower().split(","))
    control = said.get("cache-control", [])
    if (
        not status.startswith("200 ")
        or not "".join(said.get("content-type", [])).startswith("text/html")
        or {"set-cookie", "content-encoding"} & said.keys()
        or {*said.get("vary", [])} - {"accept-encoding"}
        or "public" not in control
        or {"private", "no-store", "no-cache"} & {*control}
    ):
        return 0
    ages = [int(found[1]) for word in control if (found := MAX_AGE.match(word))]
    return min(ages, default=0)


def _impersonal(key: Key, environ: WSGIEnvironment) -> WSGIEnvironment:
    """A request for the page that says nothing about who asked."""
    scheme, host, path = key
    kept = {
        name: value
        for name, value in environ.items()
        if name.startswith(("wsgi.", "SERVER_")) or name == "SCRIPT_NAME"
    }
    return kept | {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "REMOTE_ADDR": "",
        "HTTP_HOST": host,
        "wsgi.url_scheme": scheme,
        "wsgi.input": BytesIO(b""),
    }
