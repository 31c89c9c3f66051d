"""Machine reports (RFC 6522): the parts of one, and the letter of ours that it gives back."""

import re
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice

from picketline.mail.incoming import fields

_HEADERS_ONLY = frozenset(
    {"text/rfc822-headers", "text/rfc822-header", "text/rfc822", "text/global-headers"}
)
_WHOLE = frozenset(
    {"message/rfc822", "message/global", "message/global-headers", "message/rfc822-headers"}
)
_MOST_PARTS = 20
_LONGEST_HEAD = 64 * 1024
_ID_LINE = re.compile(
    rb"^[> \t]{0,8}message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^<>\s]{1,900}>)", re.I | re.M
)


def report_type(message: Message) -> str:
    """The lower-case report-type of a multipart/report; "" for anything else."""
    if message.get_content_type() != "multipart/report":
        return ""
    return fields.plain(str(message.get_param("report-type", ""))).lower()


def parts(message: Message) -> list[Message]:
    """The first parts of a multipart, itself only: what lies deeper is somebody else's mail."""
    payload = message.get_payload()
    if not isinstance(payload, list) or message.get_content_maintype() != "multipart":
        return []
    return [part for part in islice(payload, _MOST_PARTS) if isinstance(part, Message)]


def letter_in(message: Message) -> Message | None:
    """The returned letter, or its header block, among the parts of a report."""
    for part in parts(message):
        kind = part.get_content_type()
        payload = part.get_payload()
        if kind in _WHOLE and isinstance(payload, list) and isinstance(payload[0], Message):
            return payload[0]
        if kind in _HEADERS_ONLY:
            return header_in(octets_of(part).lstrip())
    return None


def original_message_id(message: Message) -> str:
    """The Message-ID of the letter that a report of any shape gives back; "" without one."""
    letter = letter_in(message)
    if letter is not None:
        return fields.message_id(letter)
    for part in parts(message) or [message]:
        is_text = part.get_content_maintype() == "text"
        found = _ID_LINE.search(octets_of(part)) if is_text else None
        if found:
            return fields.first_id(fields.plain(found[1].decode("ascii", "replace")))
    return ""


def header_in(octets: bytes) -> Message:
    """A block of fields, whatever else follows it."""
    return BytesHeaderParser().parsebytes(octets)


def octets_of(part: Message) -> bytes:
    """The beginning of a part that has no parts, its transfer encoding undone."""
    payload = part.get_payload(decode=True)
    return payload[:_LONGEST_HEAD] if isinstance(payload, bytes) else b""
