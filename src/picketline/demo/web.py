"""The mailbox as a small web application: pages for people, ``/messages.json`` for programs.

It answers only to this machine's own names, so that a page elsewhere cannot read it by pointing a
name of its own at the loopback address. Below a letter to a target stands the one form there is.
"""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from picketline.demo import answer_form, answers, pages, posting
from picketline.demo.answer_form import BOUNCE, DIRECT, REPLY, Draft
from picketline.demo.labels import Labels
from picketline.demo.reading import Reading, read
from picketline.demo.received import Entry, Received

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action {forms}; frame-ancestors 'none'"
)
HEADERS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
]
OWN_NAMES = {"127.0.0.1", "localhost"}


@dataclass(frozen=True)
class Answer:
    """One answer over HTTP. ``has_form``: the page may post to the mailbox itself."""

    status: str
    kind: str
    body: bytes
    has_form: bool = False
    location: str = ""

    def headers(self) -> list[tuple[str, str]]:
        """Its header fields."""
        # A form whose page allows no referrer at all would post with "Origin: null".
        forms, referrer = ("'self'", "same-origin") if self.has_form else ("'none'", "no-referrer")
        own = [
            ("Content-Type", self.kind),
            ("Content-Length", str(len(self.body))),
            ("Content-Security-Policy", POLICY.format(forms=forms)),
            ("Referrer-Policy", referrer),
        ]
        return [*own, *HEADERS, *([("Location", self.location)] if self.location else [])]


class MailboxPages:
    """The WSGI application. ``site`` is the demo's address, ``labels`` names for mailboxes.

    Targets can be answered for where mail is taken in at ``lmtp_port``.
    """

    def __init__(
        self, received: Received, site: str, labels: Labels, lmtp_port: int | None = None
    ) -> None:
        self._received = received
        self._site = site.rstrip("/") + "/"
        self._labels = labels.targets | labels.organisers
        self._targets = labels.targets if lmtp_port is not None else {}
        self._lmtp_port = lmtp_port
        self._reading = lru_cache(maxsize=1000)(self._read)

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        start(answer.status, answer.headers())
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        if environ.get("HTTP_HOST", "").rpartition(":")[0] not in OWN_NAMES:
            return Answer("421 Misdirected Request", TEXT, b"This mailbox has another address.\n")
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        first, _, rest = path.removeprefix("/").partition("/")
        entry_id, _, what = rest.partition("/")
        if environ["REQUEST_METHOD"] == "POST" and (first, what) == ("messages", "answer"):
            return self._post(entry_id, environ)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return Answer("405 Method Not Allowed", TEXT, b"That page is only for reading.\n")
        if first == "messages" and not what and (entry := self._received.find(entry_id)):
            sent = parse_qs(environ.get("QUERY_STRING", "")).get("sent", [""])[0]
            return self._message(entry, Draft(sent=sent))
        views: dict[str, Callable[[str], Answer | None]] = {
            "": self._overview,
            "mailboxes": self._mailbox,
            "messages": self._original,
            "messages.json": self._json,
            "mailbox.css": _style,
        }
        found = views[first](rest) if first in views else None
        return found or NOT_FOUND

    def _post(self, entry_id: str, environ: WSGIEnvironment) -> Answer:
        try:
            sent = posting.fields(environ)
        except posting.Refused as refusal:
            return _page(pages.fault_page(refusal.sentence, "Not sent"), refusal.status)
        entry = self._received.find(entry_id)
        if entry is None or entry.mailbox not in self._targets:
            return NOT_FOUND
        how = BOUNCE if sent.get("how") == BOUNCE else REPLY
        text = sent.get("text", "")[: answer_form.MOST_CHARACTERS]
        try:
            way = self._hand_over(entry, how, text)
        except answers.NotTaken as reason:
            return self._message(entry, Draft(text, str(reason)), "502 Bad Gateway")
        there = f"/messages/{entry.id}?sent={way}#{answer_form.ANCHOR}"
        return Answer("303 See Other", TEXT, b"", location=there)

    def _hand_over(self, entry: Entry, how: str, text: str) -> str:
        """Send it where it belongs; which way it went, in the words of ``answer_form``."""
        reading = self._reading(entry)
        if how == BOUNCE:
            mail = answers.bounce(entry, self._received.original(entry))
        elif text.strip():
            mail = answers.reply(self._label(entry), entry, reading, text)
        else:
            raise answers.NotTaken("An answer needs some words.")
        is_ours = how == BOUNCE or answers.are_neighbours(reading.sender, mail.recipient)
        if is_ours and self._lmtp_port is not None:
            answers.hand_over(mail, self._lmtp_port)
            return how
        # The writer chose to be answered directly, and their mailbox is here too.
        self._received.keep(mail.sender, [mail.recipient], mail.content)
        return DIRECT

    def _overview(self, rest: str) -> Answer | None:
        return None if rest else _page(pages.overview(list(self._mailboxes().values()), self._site))

    def _mailbox(self, rest: str) -> Answer | None:
        mailbox = self._mailboxes().get(rest)
        return _page(pages.mailbox_page(mailbox)) if mailbox else None

    def _message(self, entry: Entry, draft: Draft, status: str = "200 OK") -> Answer:
        mailbox = pages.Mailbox(entry.mailbox, self._label(entry), [])
        is_targets = entry.mailbox in self._targets
        below = answer_form.form(entry.id, mailbox.label, draft) if is_targets else ""
        message = (entry, self._reading(entry))
        content = pages.message_page(mailbox, message, self._site, below)
        return Answer(status, HTML, content.encode(), has_form=is_targets)

    def _original(self, rest: str) -> Answer | None:
        entry_id, _, what = rest.partition("/")
        entry = self._received.find(entry_id) if what == "raw" else None
        return Answer("200 OK", TEXT, self._received.original(entry)) if entry else None

    def _json(self, rest: str) -> Answer | None:
        if rest:
            return None
        listed = [_plain(entry, reading) for entry, reading in self._messages()]
        return Answer("200 OK", "application/json", json.dumps(listed, ensure_ascii=False).encode())

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
    return None if rest else Answer("200 OK", "text/css; charset=utf-8", pages.STYLE)


def _page(content: str, status: str = "200 OK") -> Answer:
    return Answer(status, HTML, content.encode())


NOT_FOUND = _page(pages.fault_page("There is no such page."), "404 Not Found")


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
