"""Header fields of a message from outside as short, plain text, whatever bytes they hold."""

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

MAX_VALUE = 2000  # characters of one value that are read

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_SPACES = re.compile(r"\s+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_COMMENT = re.compile(r"\([^()]*\)")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")


def values(message: Message, name: str) -> list[str]:
    """Every value of the field `name`, topmost first, each as by `plain`."""
    wanted = name.lower()
    return [plain(str(value)) for key, value in message.raw_items() if key.lower() == wanted]


def value(message: Message, name: str) -> str:
    """The topmost value of the field `name` as by `plain`; "" where there is none."""
    return next(iter(values(message, name)), "")


def plain(text: str, longest: int = MAX_VALUE) -> str:
    """One line of at most `longest` characters without controls; raw UTF-8 is understood."""
    octets = text[: 2 * longest].encode("utf-8", "surrogateescape")
    readable = _SPACES.sub(" ", octets.decode("utf-8", "replace"))
    return _UNPRINTABLE.sub("", readable)[:longest].strip()


def decoded(message: Message, name: str) -> str:
    """The topmost value with its encoded words read (RFC 2047); as it stands where they lie."""
    raw = value(message, name)
    try:
        return plain("".join(_word(word, charset) for word, charset in decode_header(raw)))
    except (HeaderParseError, ValueError, LookupError):
        return raw


def message_id(message: Message) -> str:
    """The Message-ID with its angle brackets; "" where there is none."""
    return first_id(value(message, "Message-ID"))


def first_id(text: str) -> str:
    """The first thing in angle brackets that can be a Message-ID, or ""."""
    found = _MESSAGE_ID.search(text)
    return found[0] if found else ""


def has_one_author(message: Message) -> bool:
    """Whether there is one From field and one address in it, however one reads it."""
    found = values(message, "From")
    if len(found) != 1:
        return False
    bare = _COMMENT.sub(" ", _QUOTED.sub("x", found[0]))
    return bare.count("@") == 1 and "," not in bare and ";" not in bare


def _word(word: bytes | str, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    if charset is None:
        return word.decode("raw-unicode-escape", "replace")  # as decode_header encoded it
    if charset.lower().replace("_", "-") in ("utf-7", "utf7", "unicode-1-1-utf-7"):
        return word.decode("ascii", "replace")  # it hides signs that readers after us look for
    return word.decode(charset, "replace")
