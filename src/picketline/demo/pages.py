"""The pages of the demo's mailbox, as text: whatever came in a message is escaped here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from picketline.demo.reading import Reading, moment
from picketline.demo.received import Entry

FOLDER = Path(__file__).parent
STYLE = (FOLDER / "mailbox.css").read_bytes()
FRAME = Template((FOLDER / "mailbox.html").read_text(encoding="utf-8"))
SUPPORTER = "Supporter"

Message = tuple[Entry, Reading]


@dataclass(frozen=True)
class Mailbox:
    """One address with what arrived there, newest first."""

    address: str
    label: str
    messages: Sequence[Message]


def overview(mailboxes: Sequence[Mailbox], site: str) -> str:
    """The first page: every mailbox."""
    if mailboxes:
        content = f'<ul class="boxes">{"".join(map(_box, mailboxes))}</ul>'
    else:
        content = '<p class="none">Nothing has arrived yet.</p>'
    note = (
        "<p>Every mail that this demo sends arrives here and nowhere else: the supporter’s, each "
        f'target’s and the organisers’. <a href="{escape(site)}">Write a letter</a>, then '
        '<a href="/">look again</a>.</p>'
    )
    return _page("Mailboxes", f"<h1>Mailboxes</h1>{note}{content}")


def _box(mailbox: Mailbox) -> str:
    count = len(mailbox.messages)
    if count:
        entry, reading = mailbox.messages[0]
        latest = f"<bdi>{escape(reading.subject) or '(no subject)'}</bdi> {_time(entry.received)}"
    else:
        latest = "Nothing has arrived yet"
    return (
        f'<li><a href="{_address_path(mailbox.address)}"><strong><bdi>{escape(mailbox.label)}'
        f'</bdi></strong> <span class="address">{escape(mailbox.address)}</span></a>'
        f'<span class="count">{_counted(count)}</span><p>{latest}</p></li>'
    )


def mailbox_page(mailbox: Mailbox) -> str:
    """The messages of one mailbox."""
    rows = "".join(_row(entry, reading) for entry, reading in mailbox.messages)
    listed = f'<ol class="messages">{rows}</ol>' if rows else '<p class="none">Nothing yet.</p>'
    return _page(
        mailbox.label,
        f'<h1><bdi>{escape(mailbox.label)}</bdi></h1><p class="address">'
        f"{escape(mailbox.address)} · {_counted(len(mailbox.messages))} · "
        f'<a href="{_address_path(mailbox.address)}">look again</a></p>{listed}',
    )


def _row(entry: Entry, reading: Reading) -> str:
    return (
        f'<li><a href="/messages/{entry.id}"><bdi>{escape(reading.subject) or "(no subject)"}'
        f"</bdi></a><p>{_correspondents(reading.from_shown)} {_time(entry.received)}</p></li>"
    )


def message_page(mailbox: Mailbox, message: Message, site: str, below: str = "") -> str:
    """One message: its headers and its text. ``below`` is HTML of ours."""
    entry, reading = message
    headers = [
        ("From", _correspondents(reading.from_shown)),
        ("To", _correspondents(reading.to_shown)),
        ("Cc", _correspondents(reading.cc_shown)),
        ("Date", moment(reading.date).strftime("%-d %B %Y, %H:%M UTC")),
    ]
    listed = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in headers if value
    )
    subject = escape(reading.subject) or "(no subject)"
    return _page(
        reading.subject or "Message",
        f'<p class="back"><a href="{_address_path(mailbox.address)}">'
        f"<bdi>{escape(mailbox.label)}</bdi></a></p>"
        f'<article><h1 dir="auto">{subject}</h1><dl>{listed}</dl>'
        f'<div class="text">{_paragraphs(reading.text, site)}</div></article>'
        f'<p><a href="/messages/{entry.id}/raw">The original, as it came</a></p>{below}',
    )


def fault_page(sentence: str, title: str = "Not here") -> str:
    """A page that says what is wrong."""
    return _page(
        title,
        f'<h1>{escape(title)}</h1><p>{escape(sentence)}</p><p><a href="/">All mailboxes</a></p>',
    )


def _correspondents(shown: str) -> str:
    """An address header: each address keeps its brackets beside a name that runs the other way."""
    pieces = (piece.strip() for piece in re.split(r"(<[^<>]*>,?)", shown))
    return " ".join(f"<bdi>{escape(piece)}</bdi>" for piece in pieces if piece)


def _paragraphs(text: str, site: str) -> str:
    """Each paragraph finds its own direction; one with no letters of its own takes none."""
    blocks = re.split(r"\n[ \t]*\n+", text.strip("\n"))
    return "".join(f'<p dir="auto">{_with_links(block, site)}</p>' for block in blocks)


def _with_links(text: str, site: str) -> str:
    """Escaped text in which the site's own addresses, and no others, are links."""
    own = re.compile(re.escape(site) + r"[A-Za-z0-9/._~%?=&#:@!$'*+;,-]*")
    pieces, position = [], 0
    for found in own.finditer(text):
        address = found.group().rstrip(".,;:!?'")
        pieces.append(escape(text[position : found.start()]))
        pieces.append(f'<a href="{escape(address)}">{escape(address)}</a>')
        position = found.start() + len(address)
    return "".join([*pieces, escape(text[position:])])


def _page(title: str, content: str) -> str:
    return FRAME.substitute(title=escape(title), content=content)


def _address_path(address: str) -> str:
    return f"/mailboxes/{quote(address, safe='@')}"


def _counted(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _time(date: str) -> str:
    shown = moment(date).strftime("%-d %b %Y, %H:%M:%S UTC")
    return f'<time datetime="{escape(date)}">{shown}</time>'


def gather(messages: Iterable[Message], labels: dict[str, str]) -> dict[str, Mailbox]:
    """The mailboxes by address: supporters first, then the labelled ones in their order.

    ``messages`` come oldest first.
    """
    found: dict[str, list[Message]] = {}
    for entry, reading in messages:
        found.setdefault(entry.mailbox, []).insert(0, (entry, reading))
    order = [*(address for address in found if address not in labels), *labels]
    return {
        address: Mailbox(address, labels.get(address, SUPPORTER), found.get(address, []))
        for address in order
    }
