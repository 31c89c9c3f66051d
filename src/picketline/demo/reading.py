"""What a message says, read so that no message, however built, stops the mailbox.

The parser is ``compat32``: the newer policies take seconds and recurse without end on some headers
that compat32 reads as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice

HEADER_LENGTH = 20_000
ADDRESSES = 200
PARTS = 200
TEXT_LENGTH = 500_000
UNREADABLE = "(This message is built in a way that cannot be shown here. See its original.)"
NO_TEXT = "(No plain text in this message. See its original.)"


@dataclass(frozen=True)
class Reading:
    """A message for people: ``*_shown`` are whole headers, the others bare addresses.

    ``date`` is an ISO 8601 time in UTC. ``reply_to`` is where an answer goes: the sender's address
    if no other is asked for. ``message_id`` has its brackets, or is empty where there is no good
    one.
    """

    sender: str
    to: list[str]
    cc: list[str]
    from_shown: str
    to_shown: str
    cc_shown: str
    subject: str
    date: str
    text: str
    reply_to: str = ""
    message_id: str = ""


def read(content: bytes, received: str) -> Reading:
    """Read a message; ``received`` stands in for a date that is missing or makes no sense."""
    try:
        return _read(message_from_bytes(content, policy=policy.compat32), received)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, MessageError):
        return Reading("", [], [], "", "", "", "", received, UNREADABLE)


def _read(message: Message, received: str) -> Reading:
    return Reading(
        sender=next(iter(_addresses(message, "from")), ""),
        to=_addresses(message, "to"),
        cc=_addresses(message, "cc"),
        from_shown=_shown(message, "from"),
        to_shown=_shown(message, "to"),
        cc_shown=_shown(message, "cc"),
        subject=_shown(message, "subject"),
        date=_date(_raw(message, "date"), received),
        text=_text(message),
        reply_to=next(iter(_addresses(message, "reply-to") or _addresses(message, "from")), ""),
        message_id=_message_id(message),
    )


def _message_id(message: Message) -> str:
    found = re.search(r"<[!-;=?-~]{1,250}>", _raw(message, "message-id"))
    return found[0] if found else ""


def _raw(message: Message, name: str) -> str:
    return re.sub(r"\s*[\r\n]+\s*", " ", str(message.get(name, "")))[:HEADER_LENGTH]


def _shown(message: Message, name: str) -> str:
    """A header with its encoded words decoded."""
    pieces = []
    for piece, charset in decode_header(_raw(message, name)):
        pieces.append(piece if isinstance(piece, str) else _decoded(piece, charset))
    return _clean("".join(pieces)).strip()


def _addresses(message: Message, name: str) -> list[str]:
    found = getaddresses([_raw(message, name)])
    return [_clean(address) for _, address in found[:ADDRESSES] if address]


def _date(value: str, received: str) -> str:
    try:
        stated = parsedate_to_datetime(value)
        if stated.tzinfo is None:
            stated = stated.replace(tzinfo=UTC)
        return stated.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    except (ValueError, TypeError, OverflowError, IndexError):
        return received


def _text(message: Message) -> str:
    texts = [_body(part) for part in islice(_plain_parts(message), PARTS)]
    joined = "\n\n".join(texts).replace("\r\n", "\n")
    return joined[:TEXT_LENGTH] if texts else NO_TEXT


def _plain_parts(message: Message) -> Iterator[Message]:
    for part in islice(message.walk(), PARTS):
        if part.get_content_type() == "text/plain" and part.get_filename() is None:
            yield part


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else str(payload).encode("utf-8", "replace")
    return _clean(_decoded(content, part.get_content_charset()))


def _decoded(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _clean(text: str) -> str:
    """Without what cannot be encoded and what has no place in a page."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "\ufffd", text)


def moment(date: str) -> datetime:
    """The time that a ``Reading.date`` says."""
    return datetime.fromisoformat(date)
