"""Messages as bytes: the same mail gives the same bytes for ever.

Nothing here asks for the time, a random number or the machine's name (except
`new_message_id`, which is called once, when a letter is frozen). Fields are written
straight into place, which costs a fiftieth of `email.message.EmailMessage`.

The text goes out as UTF-8 in base64, the one encoding that no relay can alter: no line
ends in white space, begins with a dot or with "From ", or is longer than 76 columns. ASCII
text without such lines goes out as quoted-printable instead, since filters count base64
around plain ASCII as an attempt to hide it.
"""

import re
import secrets
from base64 import b64encode
from binascii import b2a_qp
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256

from picketline.mail import headers
from picketline.mail.headers import UnsafeMail

HEADER_NAMES = (
    "Date",
    "From",
    "Reply-To",
    "To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
    "Content-Language",
    "Content-Type",
    "Content-Transfer-Encoding",
)
"""Every header name that can leave this installation, in the order they are written."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_RISKY_LINE = re.compile(rb"^(?:\.|From )", re.MULTILINE)
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """One message to one recipient, which may show others beside it.

    `message_id` with its angle brackets; `date` in UTC, as coarse as the caller wants it
    known; addresses in ASCII; `body` plain text whose lines end in any way; `automatic`
    marks mail that no person wrote (RFC 3834); `unsubscribe_url` adds the one-click pair
    of RFC 8058, `unsubscribe_mailto` an address to which any mail does; `also_to` are
    addresses that get the same mail in transactions of their own.
    """

    message_id: str
    date: datetime
    from_name: str
    from_address: str
    to_name: str
    to_address: str
    reply_to: str | None
    subject: str
    body: str
    language: str
    automatic: bool
    also_to: tuple[str, ...] = ()
    html: str | None = None
    unsubscribe_url: str | None = None
    unsubscribe_mailto: str | None = None


def compose(mail: OutgoingMail) -> bytes:
    """The message with CRLF line ends, ASCII only, the last line ended.

    Raises `UnsafeMail` where a value could break out of its place or cannot be sent as it is.
    """
    fields = [
        f"Date: {_date(mail.date)}",
        headers.mailbox("From", mail.from_name, mail.from_address),
    ]
    if mail.reply_to is not None:
        fields.append(headers.mailbox("Reply-To", "", mail.reply_to))
    fields += [
        _recipients(mail),
        headers.unstructured("Subject", mail.subject),
        f"Message-ID: {headers.checked_message_id(mail.message_id)}",
    ]
    if mail.automatic:
        fields.append("Auto-Submitted: auto-generated")
    fields += _unsubscribe(mail)
    fields.append("MIME-Version: 1.0")
    fields.append(f"Content-Language: {headers.checked_language(mail.language)}\r\n")
    return "\r\n".join(fields).encode("ascii") + _content(mail)


def new_message_id(domain: str) -> str:
    """A Message-ID of 128 random bits that tells nothing of time, machine or sender."""
    if len(domain) > 200 or not _DOMAIN.fullmatch(domain):
        raise UnsafeMail("Message-ID", "its domain is not a plain host name")
    return f"<{secrets.token_hex(16)}@{domain}>"


def _recipients(mail: OutgoingMail) -> str:
    """All recipients, in one order whoever of them this copy goes to."""
    if not mail.also_to:
        return headers.mailbox("To", mail.to_name, mail.to_address)
    addresses = sorted({mail.to_address, *mail.also_to})
    return "To: " + ",\r\n ".join(headers.checked_address("To", each) for each in addresses)


def _unsubscribe(mail: OutgoingMail) -> list[str]:
    """The ways to get no more such mail (RFC 2369), the page first: it needs one click only."""
    ways = []
    if mail.unsubscribe_url is not None:
        ways.append(headers.checked_https("List-Unsubscribe", mail.unsubscribe_url))
    if mail.unsubscribe_mailto is not None:
        address = headers.checked_address("List-Unsubscribe", mail.unsubscribe_mailto)
        ways.append(f"mailto:{address}")
    if not ways:
        return []
    fields = ["List-Unsubscribe:\r\n " + ",\r\n ".join(f"<{way}>" for way in ways)]
    if mail.unsubscribe_url is not None:
        fields.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return fields


def _date(moment: datetime) -> str:
    if moment.utcoffset() != timedelta(0):
        raise UnsafeMail("Date", "the time must be in UTC")
    return format_datetime(moment)


def _content(mail: OutgoingMail) -> bytes:
    plain = _part("text/plain", mail.body)
    if mail.html is None:
        return plain
    # "=_" can stand in neither base64 nor quoted-printable, so no text can contain the line.
    boundary = b"=_" + sha256(mail.message_id.encode("ascii")).hexdigest()[:32].encode("ascii")
    html = _part("text/html", mail.html)
    return (
        b'Content-Type: multipart/alternative;\r\n boundary="%b"\r\n\r\n'
        b"--%b\r\n%b\r\n--%b\r\n%b\r\n--%b--\r\n"
    ) % (boundary, boundary, plain, boundary, html, boundary)


def _part(content_type: str, text: str) -> bytes:
    """Content fields, blank line and encoded text, for the whole message or one alternative."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if unsafe := _CONTROLS.search(text):
        raise UnsafeMail(content_type, f"U+{ord(unsafe[0]):04X} may not stand in a text")
    if not text.endswith("\n"):
        text += "\n"
    encoding, payload = _encoded(text.replace("\n", "\r\n"))
    return (b"Content-Type: %b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n%b") % (
        content_type.encode("ascii"),
        encoding,
        payload,
    )


def _encoded(text: str) -> tuple[bytes, bytes]:
    octets = text.encode()
    if text.isascii():
        readable = b2a_qp(octets)
        if not readable.startswith((b".", b"From ")) and not re.search(
            b"\n(?:[.]|From )", readable
        ):
            return b"quoted-printable", readable
    letters = b64encode(octets)
    lines = [letters[start : start + 76] for start in range(0, len(letters), 76)]
    return b"base64", b"\r\n".join(lines) + b"\r\n"
