"""The readable text of a message, whatever it is made of, for people to look at and pass on.

Plain text where there is any, else that of the HTML. Nothing is fetched. What cannot be read is
named in brackets; attachments, also embedded messages, are not opened here: see `attachments`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from picketline.mail.incoming import attachments, limits, markup, words
from picketline.mail.incoming.inert_text import clean, defanged

MAX_TEXT = 20_000  # characters
MAX_QUOTED_LINES = 50
_MAX_READ = 1 << 20  # octets of all parts together: styles can be long
_MAX_CLEANED = 10 * MAX_TEXT

_ENCRYPTED = frozenset(
    {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
_OUTLOOK = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_CUT = "> […]"
_PGP = re.compile(
    r"-----BEGIN PGP MESSAGE-----(?:[^-]++|-(?!----END))*+(?:-----END PGP MESSAGE-----)?"
)
_UUENCODED = re.compile(r"^begin [0-7]{3,4} \S.*\n(?:[ -`]{1,90}\n)*+(?:end$)?", re.M)


@dataclass(frozen=True, slots=True)
class InertText:
    r"""Lines ended by `\n`; `truncated` where something was left out for its length."""

    text: str
    truncated: bool


def render(message: Message) -> InertText:
    """The text of a message that passed `limits`, inert. May be empty."""
    texts: list[str] = []
    room = _MAX_READ
    for part in _readable(message):
        octets = _octets(part) if _is_text(part) else b""
        texts.append(_text_of(part, octets[: max(room, 0)]))
        room -= len(octets)
    whole = "\n\n".join(text for text in texts if text.strip())
    history = _without_long_history(clean(whole[:_MAX_CLEANED]))
    inert = defanged(history)
    cut = room < 0 or len(whole) > _MAX_CLEANED or len(inert) > MAX_TEXT
    return InertText(inert[:MAX_TEXT].rstrip(), cut or _CUT in history.split("\n"))


def _readable(message: Message) -> Iterator[Message]:
    """The parts to read, in order; of an alternative the plain one."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        inner = limits.children(part)
        kind = part.get_content_type()
        if kind in _ENCRYPTED or not part.is_multipart():
            yield part
        elif not kind.startswith("message/"):
            plain = [child for child in inner if _has_plain_text(child)]
            alternative = kind == "multipart/alternative" and plain
            waiting.extend(plain[:1] if alternative else reversed(inner))


def _has_plain_text(part: Message) -> bool:
    return part.get_content_type() == "text/plain" and bool(_octets(part).strip())


def _is_text(part: Message) -> bool:
    return not part.is_multipart() and not attachments.is_attachment(part)


def _text_of(part: Message, octets: bytes) -> str:
    kind = part.get_content_type()
    if kind in _ENCRYPTED:
        signed = attachments.parameter(part, "smime-type") == "signed-data"
        return "[signed part that cannot be read here]" if signed else "[encrypted part]"
    if kind in _OUTLOOK:
        return "[part in a format of Outlook]"
    text = words.text_of(octets, attachments.parameter(part, "charset"))
    if kind == "text/html":
        return markup.text_in(text)
    text = _PGP.sub("[encrypted part]", text.replace("\r\n", "\n"))
    return _UUENCODED.sub("[encoded part]", text)


def _octets(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _without_long_history(text: str) -> str:
    kept: list[str] = []
    quoted = 0
    for line in text.split("\n"):
        quoted += line.startswith(">")
        if not line.startswith(">") or quoted <= MAX_QUOTED_LINES:
            kept.append(line)
        elif quoted == MAX_QUOTED_LINES + 1:
            kept.append(_CUT)
    return "\n".join(kept)
