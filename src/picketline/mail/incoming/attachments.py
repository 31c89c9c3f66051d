"""What is attached to a message: listed by safe name, size and hash; never opened or unpacked."""

import re
from collections.abc import Iterable
from email.message import Message
from hashlib import sha256
from unicodedata import normalize

from picketline.mail.incoming import inert_text, limits, words
from picketline.mail.incoming.report import Attachment

MAX_LISTED = 100
MAX_NAME = 100  # characters
NAMELESS = "attachment"

_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,100}")
_FORBIDDEN = re.compile(r'[<>:"|?*%$`&;~]')
# Names of devices on Windows, whatever their extension.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.I)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}$")


def listing(message: Message) -> tuple[Attachment, ...]:
    """The attachments, those of embedded messages among them, at most MAX_LISTED."""
    found: list[Attachment] = []
    for part in limits.parts(message):
        if len(found) == MAX_LISTED:
            break
        if not part.is_multipart() and is_attachment(part):
            found.append(_described(part))
    return tuple(found)


def is_attachment(part: Message) -> bool:
    """Whether this part, which has no parts itself, is to be listed instead of read."""
    if part.get_content_type() not in {"text/plain", "text/html"}:
        return True
    return _disposition(part) == "attachment" or bool(_name(part))


def parameter(part: Message, name: str, field: str = "content-type") -> str:
    """A parameter of a field, "" where there is none or nobody could read it."""
    readable = Message()
    readable[field] = "".join(words.fields(part, field)[:1])
    try:
        value = readable.get_param(name, "", field)
    except (ValueError, TypeError, LookupError):
        return ""
    if isinstance(value, tuple):  # RFC 2231: charset, language, octets in Latin-1
        return words.text_of(value[2].encode("latin-1", "replace"), value[0] or "")
    return str(value)


def safe_name(name: str) -> str:
    """A file name that is what it looks like and stays in its folder, on every system.

    It may still look like a domain (`invoice.zip`): see `inert_text.defanged`.
    """
    name = inert_text.line(normalize("NFKC", inert_text.line(name, 4 * MAX_NAME)), 4 * MAX_NAME)
    name = re.split(r"[/\\⁄∕⧵]", name.rstrip("/\\"))[-1]
    name = _FORBIDDEN.sub("_", name).strip(" .-")
    extension = _EXTENSION.search(name)
    if len(name) > MAX_NAME:
        end = extension[0] if extension else ""
        name = name[: MAX_NAME - len(end) - 1] + "…" + end
    return f"_{name}" if _RESERVED.match(name) else name or NAMELESS


def _described(part: Message) -> Attachment:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else b""
    kind = part.get_content_type()
    if not _TYPE.fullmatch(kind):
        kind = "application/octet-stream"
    return Attachment(safe_name(_name(part)), kind, len(octets), sha256(octets).hexdigest())


def _name(part: Message) -> str:
    found: Iterable[str] = (
        parameter(part, "filename", "content-disposition"),
        parameter(part, "name"),
    )
    return next((words.decoded(name) for name in found if name.strip()), "")


def _disposition(part: Message) -> str:
    values = words.fields(part, "content-disposition")
    return values[0].partition(";")[0].strip().lower() if values else ""
