"""What an incoming message may cost: bounds on its bytes before it is parsed, on its tree after.

The parser of the standard library is quick and does not recurse over what passes here, with its
old policy (`compat32`): the newer one takes ten times as long and recurses over addresses. The
bounds are far above what people and mail servers write; who exceeds them is kept unread.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message

MAX_MESSAGE = 10_240_000  # bytes; what Postfix takes where nobody says otherwise
MAX_HEADER = 256 * 1024  # bytes of the first header block
MAX_HEADER_LINES = 1000
MAX_FIELD = 64 * 1024  # bytes of one field, folds included: a thousand recipients
MAX_MIME_FIELD = 8192  # the standard library splits these in quadratic time
MAX_LINES = 250_000  # ten megabytes in base64 have 131,000
MAX_DELIMITERS = 2000  # lines that begin like a boundary
MAX_CONTAINERS = 100  # fields that announce parts or a message within
MAX_DEPTH = 20
MAX_MESSAGES_DEEP = 5
MAX_PARTS = 1000

_BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
_FIELD = re.compile(rb"[^\r\n]++(?:(?>\r\n|\r|\n)[ \t][^\r\n]*+)*+")
_MIME_FIELD = re.compile(
    rb"(?:^|(?<=[\r\n]))content-[a-z-]{1,30}:[^\r\n]*+(?:(?>\r\n|\r|\n)[ \t][^\r\n]*+)*+", re.I
)
_CONTAINER = re.compile(rb"content-type:\s*+(?:multipart|message)/", re.I)


class TooMuch(Exception):
    """The message exceeds a bound; the text says which, never what the message says."""


def parse(raw: bytes) -> Message:
    """The message, its bytes and its tree within bounds. Raises TooMuch."""
    _check_size(raw)
    _check_header(raw)
    _check_structure(raw)
    message = message_from_bytes(raw)
    for number, part in enumerate(parts(message), 1):
        _check_part(number, part)
    return message


def parts(message: Message) -> Iterator[Message]:
    """The message and every part within, in reading order, without recursion. Raises TooMuch."""
    waiting = [(message, 0, 0)]
    while waiting:
        part, depth, messages = waiting.pop()
        if depth > MAX_DEPTH or messages > MAX_MESSAGES_DEEP:
            raise TooMuch("parts within parts, too deep")
        yield part
        messages += part.get_content_type() == "message/rfc822"
        waiting.extend((child, depth + 1, messages) for child in reversed(children(part)))


def children(part: Message) -> list[Message]:
    """The parts directly within this one."""
    if not part.is_multipart():
        return []
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)]


def _check_size(raw: bytes) -> None:
    if not raw.strip():
        raise TooMuch("there is nothing in the message")
    if len(raw) > MAX_MESSAGE:
        raise TooMuch("the message is too large")
    if raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") > MAX_LINES:
        raise TooMuch("the message has too many lines")


def _check_header(raw: bytes) -> None:
    end = _BLANK_LINE.search(raw, 0, MAX_HEADER)
    header = raw[: end.start()] if end else raw
    if len(header) >= MAX_HEADER:
        raise TooMuch("the header is too large")
    if header.count(b"\n") + header.count(b"\r") - header.count(b"\r\n") >= MAX_HEADER_LINES:
        raise TooMuch("the header has too many lines")
    if any(len(field[0]) > MAX_FIELD for field in _FIELD.finditer(header)):
        raise TooMuch("a field of the header is too long")


def _check_structure(raw: bytes) -> None:
    if raw.count(b"\n--") + raw.count(b"\r--") > MAX_DELIMITERS:
        raise TooMuch("the message has too many parts")
    if sum(1 for _ in _CONTAINER.finditer(raw)) > MAX_CONTAINERS:
        raise TooMuch("the message announces too many parts within parts")
    if any(len(field[0]) > MAX_MIME_FIELD for field in _MIME_FIELD.finditer(raw)):
        raise TooMuch("a field that describes a part is too long")


def _check_part(number: int, part: Message) -> None:
    if number > MAX_PARTS:
        raise TooMuch("the message has too many parts")
    values = [value for _, value in part.raw_items()]
    if len(values) > MAX_HEADER_LINES or any(len(str(value)) > MAX_FIELD for value in values):
        raise TooMuch("a part has too long a header")
