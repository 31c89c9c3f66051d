"""Header fields of a message: what may stand in one, how it is encoded and folded.

A field is returned whole, folded at 78 columns, without its final CRLF. Nothing is ever
stripped or repaired here: text that could break out of its field raises `UnsafeMail`.
"""

import re
from binascii import b2a_base64
from unicodedata import category

COLUMNS = 78  # RFC 5322 §2.1.1
_WORD_COLUMNS = 75  # RFC 2047 §2: an encoded word, delimiters included
_WORD_FRAME = len("=?utf-8?b??=")

_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d\u200e\u200f")  # the scripts that need them need them in names
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOMAIN = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_DOMAIN}")
_MESSAGE_ID = re.compile(rf"<{_ATOM}(?:\.{_ATOM})*@{_DOMAIN}>")
_PHRASE = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_HTTPS = re.compile(r"https://[A-Za-z0-9!#$%&'*+,./:;=?@_~()-]{1,900}")


class UnsafeMail(ValueError):
    """A part of a mail cannot be sent as it is. The text names the field, never its content."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


def unstructured(name: str, text: str) -> str:
    """A field of free text, such as Subject. ASCII stays readable, all else is RFC 2047."""
    _refuse_controls(name, text)
    folded = _folded(f"{name}:", text) if _readable(text) else None
    return folded or f"{name}: {_encoded(text, len(name) + 2)}"


def mailbox(name: str, display_name: str, address: str) -> str:
    """A field of exactly one mailbox. An encoded word stands in the name only."""
    _refuse_controls(name, display_name)
    checked_address(name, address)
    if not display_name:
        return f"{name}: {address}"
    line = f"{name}: {_phrase(display_name)}" if _readable(display_name) else ""
    if not line or len(line) > COLUMNS:
        line = f"{name}: {_encoded(display_name, len(name) + 2)}"
    used = len(line) - (line.rfind("\n") + 1)
    space = " " if used + len(address) + 3 <= COLUMNS else "\r\n "
    return f"{line}{space}<{address}>"


def checked_address(name: str, address: str) -> str:
    """The address itself, if it is a plain `local@domain` of RFC 5322 atoms in ASCII.

    `=?` is refused although atoms allow it: some readers decode encoded words even there,
    and so deliver to another domain than the one that was checked.
    """
    if len(address) > 254 or "=?" in address or not _ADDRESS.fullmatch(address):
        raise UnsafeMail(name, "this is not a plain e-mail address")
    return address


def checked_message_id(message_id: str) -> str:
    """The Message-ID itself, in its angle brackets."""
    if len(message_id) > 250 or not _MESSAGE_ID.fullmatch(message_id):
        raise UnsafeMail("Message-ID", "this is not of the form <token@domain>")
    return message_id


def checked_language(language: str) -> str:
    """The language tag itself (the shape of BCP 47)."""
    if len(language) > 60 or not _LANGUAGE.fullmatch(language):
        raise UnsafeMail("Content-Language", "this is not a language tag")
    return language


def checked_https(name: str, url: str) -> str:
    """The address of a web page itself, in the characters that a header may carry bare."""
    if not _HTTPS.fullmatch(url):
        raise UnsafeMail(name, "this is not a plain https address")
    return url


def _refuse_controls(name: str, text: str) -> None:
    if text.isprintable():
        return
    for character in text:
        if category(character) in _REFUSED and character not in _JOINERS:
            raise UnsafeMail(name, f"U+{ord(character):04X} may not stand in a header")


def _readable(text: str) -> bool:
    """Whether the text may stand as it is: no reader would trim it or take it for encoded."""
    return text.isascii() and "=?" not in text and text == text.strip(" ")


def _phrase(text: str) -> str:
    if _PHRASE.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _folded(line: str, text: str) -> str | None:
    """ASCII folded at its single spaces, which unfolding restores; None where it will not go."""
    if len(line) + 1 + len(text) <= COLUMNS:
        return f"{line} {text}"
    lines = []
    first, *words = text.split(" ")
    line = f"{line} {first}"
    for word in words:
        if len(line) + 1 + len(word) > COLUMNS:
            lines.append(line)
            line = ""
        line = f"{line} {word}"
    lines.append(line)
    if "  " in text or max(map(len, lines)) > COLUMNS:
        return None
    return "\r\n".join(lines)


def _encoded(text: str, column: int) -> str:
    """Base64 words of RFC 2047, each of whole characters; the first begins at `column`."""
    octets = text.encode()
    words = []
    start, columns = 0, min(_WORD_COLUMNS, COLUMNS - column)
    while start < len(octets):
        end = start + (columns - _WORD_FRAME) // 4 * 3
        while end < len(octets) and octets[end] & 0xC0 == 0x80:
            end -= 1
        words.append(b2a_base64(octets[start:end], newline=False).decode("ascii"))
        start, columns = end, _WORD_COLUMNS
    return "\r\n ".join([f"=?utf-8?b?{word}?=" for word in words])
