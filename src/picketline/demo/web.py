"""The mailbox as a small web application: pages for people, ``/messages.json`` for programs.

It answers only to this machine's own names, so that a page elsewhere cannot read it by pointing a
name of its own at the loopback address.
"""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from picketline.demo import pages
from picketline.demo.reading import Reading, read
from picketline.demo.received import Entry, Received

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
HEADERS = [
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"
        ),
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
]
OWN_NAMES = {"127.0.0.1", "localhost"}

Answer = tuple[str, str, bytes]


class MailboxPages:
    """The WSGI application. ``site`` is the demo's address, ``labels`` names for mailboxes."""

    def __init__(self, received: Received, site: str, labels: Mapping[str, str]) -> None:
        self._received = received
        self._site = site.rstrip("/") + "/"
        self._labels = {address.lower(): label for address, label in labels.items()}
        self._reading = lru_cache(maxsize=1000)(self._read)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, kind, body = self._answer(environ)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), *HEADERS])
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        if environ.get("HTTP_HOST", "").rpartition(":")[0] not in OWN_NAMES:
            return "421 Misdirected Request", TEXT, b"This mailbox has another address.\n"
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return "405 Method Not Allowed", TEXT, b"The mailbox is only for reading.\n"
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        first, _, rest = path.removeprefix("/").partition("/")
        views: dict[str, Callable[[str], Answer | None]] = {
            "": self._overview,
            "mailboxes": self._mailbox,
            "messages": self._message,
            "messages.json": self._json,
            "mailbox.css": _style,
        }
        found = views[first](rest) if first in views else None
        return found or _page(pages.fault_page("There is no such page."), "404 Not Found")

    def _overview(self, rest: str) -> Answer | None:
        return None if rest else _page(pages.overview(list(self._mailboxes().values()), self._site))

    def _mailbox(self, rest: str) -> Answer | None:
        mailbox = self._mailboxes().get(rest)
        return _page(pages.mailbox_page(mailbox)) if mailbox else None

    def _message(self, rest: str) -> Answer | None:
        entry_id, _, what = rest.partition("/")
        entry = self._received.find(entry_id)
        if entry is None or what not in ("", "raw"):
            return None
        if what == "raw":
            return "200 OK", TEXT, self._received.original(entry)
        mailbox = pages.Mailbox(entry.mailbox, self._label(entry), [])
        return _page(pages.message_page(mailbox, entry, self._reading(entry), self._site))

    def _json(self, rest: str) -> Answer | None:
        if rest:
            return None
        listed = [_plain(entry, reading) for entry, reading in self._messages()]
        return "200 OK", "application/json", json.dumps(listed, ensure_ascii=False).encode()

    def _mailboxes(self) -> dict[str, pages.Mailbox]:
        return pages.gather(self._messages(), self._labels)

    def _messages(self) -> list[tuple[Entry, Reading]]:
        return [(entry, self._reading(entry)) for entry in self._received.entries()]

    def _label(self, entry: Entry) -> str:
        return self._labels.get(entry.mailbox, pages.SUPPORTER)

    def _read(self, entry: Entry) -> Reading:
        return read(self._received.original(entry), entry.received)


def _plain(entry: Entry, reading: Reading) -> dict[str, Any]:
    return {
        "id": entry.id,
        "mailbox": entry.mailbox,
        "from": reading.sender,
        "to": reading.to,
        "cc": reading.cc,
        "subject": reading.subject,
        "date": reading.date,
        "text": reading.text,
        "raw": f"/messages/{entry.id}/raw",
    }


def _style(rest: str) -> Answer | None:
    return None if rest else ("200 OK", "text/css; charset=utf-8", pages.STYLE)


def _page(content: str, status: str = "200 OK") -> Answer:
    return status, HTML, content.encode()


class LoopbackServer(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each request; asks no name server what loopback is called."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind, and call ourselves by the address."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


class SilentHandler(WSGIRequestHandler):
    """Keeps no log of requests; a client that sends nothing is let go."""

    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def server(pages_: MailboxPages, port: int) -> LoopbackServer:
    """A server on this loopback port (0: any free one). Raises ``OSError`` when it is taken."""
    made = LoopbackServer(("127.0.0.1", port), SilentHandler)
    made.set_app(pages_)
    return made
