"""The part of a notice that is made for machines: message/delivery-status (RFC 3464)."""

import base64
import binascii
import re
from dataclasses import dataclass
from email.message import Message
from itertools import islice

from picketline.mail.incoming import fields, returned

_MOST_RECIPIENTS = 100
_SOURCES = {
    "message/delivery-status": "rfc3464",
    "message/global-delivery-status": "rfc6533",
}
_COMMENT = re.compile(r"\([^()]*\)")
_ADDRESS = re.compile(r"(?<![^\s<>;])([^\s<>;]{1,256}@[^\s<>;@]{1,255})(?=$|[\s<>;])")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")  # RFC 6533 §3
_BLANK = re.compile(rb"(?:\r?\n[ \t]*){2,}")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One group of fields; `action` is lower-case, everything else as it was written."""

    action: str
    status: str
    diagnostic: str
    address: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The machine's part of one notice; `source` names the standard it follows."""

    source: str
    envelope_id: str
    sender: str
    recipients: tuple[Recipient, ...]


def read_report(message: Message) -> StatusReport | None:
    """What a multipart/report says in its own delivery-status part; None if it has none.

    A status part that lies deeper, in a forwarded or attached message, is not this message's.
    """
    if returned.report_type(message) not in ("delivery-status", "global-delivery-status", ""):
        return None
    if message.get_content_type() != "multipart/report":
        return None
    for part in returned.parts(message):
        source = _SOURCES.get(part.get_content_type())
        if source is not None:
            return _report(source, _groups(part))
    return None


def _report(source: str, groups: list[Message]) -> StatusReport:
    # Some servers leave out the group about the message, some put no blank line after it.
    about = groups[0] if groups else Message()
    told = [group for group in groups if group["Final-Recipient"] or group["Action"]]
    return StatusReport(
        source=source,
        envelope_id=fields.value(about, "Original-Envelope-Id"),
        sender=fields.value(about, "X-Postfix-Sender").partition(";")[2],
        recipients=tuple(_recipient(group) for group in told),
    )


def _groups(part: Message) -> list[Message]:
    """The groups of fields, also where the standard library does not take them apart."""
    payload = part.get_payload()
    blocks = [block for block in payload if isinstance(block, Message)] if payload else []
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64":
        return _split(_from_base64(blocks))
    if part.get_content_type() == "message/delivery-status" or not blocks:
        return blocks[: _MOST_RECIPIENTS + 1]
    return [blocks[0], *_split(returned.octets_of(blocks[0]))]


def _split(octets: bytes) -> list[Message]:
    pieces = islice(filter(None, _BLANK.split(octets.strip())), _MOST_RECIPIENTS + 1)
    return [returned.header_in(piece) for piece in pieces]


def _from_base64(blocks: list[Message]) -> bytes:
    text = "".join(str(block.get_payload()) for block in blocks)
    try:
        return base64.b64decode(text.encode("ascii", "ignore"))
    except binascii.Error:
        return b""


def _recipient(group: Message) -> Recipient:
    words = _COMMENT.sub(" ", fields.value(group, "Action")).lower().split()
    original = _address(fields.value(group, "Original-Recipient"))
    return Recipient(
        action=words[0].rstrip(".,;") if words else "",
        status=_COMMENT.sub(" ", fields.value(group, "Status")).strip(),
        diagnostic=fields.value(group, "Diagnostic-Code"),
        address=original or _address(fields.value(group, "Final-Recipient")),
    )


def _address(field: str) -> str:
    """The address in `type; address`, or "": X.400 names and local accounts are none."""
    kind, semicolon, rest = _COMMENT.sub(" ", field).partition(";")
    if kind.strip().lower() == "utf-8":
        rest = _ESCAPED.sub(lambda found: _character(int(found[1], 16)), rest)
    found = _ADDRESS.search(rest if semicolon else kind)
    return fields.plain(found[1]) if found else ""


def _character(number: int) -> str:
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
