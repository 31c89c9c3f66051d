"""Plain text from outside: one line (`PlainLine`) or several (`PlainText`), made safe to carry on.

Safe means: it cannot break a header, reverse the reading direction of what follows, hide
characters, pile marks over its neighbours or be empty while looking full. Markup is left as it is:
whoever shows the text escapes it.
"""

import unicodedata
from enum import Enum
from typing import NewType

import regex

from picketline.text import contacts

PlainLine = NewType("PlainLine", str)
"""What `clean_line` returned: one non-empty line in NFC."""

PlainText = NewType("PlainText", str)
r"""What `clean_text` returned: lines in NFC, ended by `\n`; may be empty."""


class Reason(Enum):
    """Why a text is refused; a form has one sentence for each."""

    EMPTY = "nothing that can be seen"
    TOO_LONG = "too long"
    LINE_BREAK = "a line break where one line is asked for"
    CONTROL = "control characters"
    BROKEN = "characters that are no characters: halves of pairs, private ones"
    DIRECTION = "characters that reverse the direction of reading"
    INVISIBLE = "invisible characters"
    MARKS = "too many marks on one letter"
    HANDLE = "a name that starts with @"
    LINK = "a web address"
    EMAIL = "an e-mail address"
    PHONE = "a telephone number"
    BANK_ACCOUNT = "a bank account number"
    ENCODED = "encoded data"


class Refused(Exception):
    """The text cannot be used; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


# Come along with text copied from web pages and cannot be found by the person who is told of
# them: taken out in silence. Zero-width space, soft hyphen, word joiner, byte order mark, tags.
_STRIPPED = regex.compile("[\u200b\u00ad\u2060\ufeff\U000e0000-\U000e007f]")

# Scripts whose spelling needs the zero-width joiner or non-joiner, always after one of their own.
_JOINING = "".join(
    rf"\p{{scx={script}}}"
    for script in [
        "Arab",
        "Syrc",
        "Mong",
        "Nkoo",
        "Mand",
        "Deva",
        "Beng",
        "Guru",
        "Gujr",
        "Orya",
        "Taml",
        "Telu",
        "Knda",
        "Mlym",
        "Sinh",
        "Khmr",
        "Mymr",
        "Tibt",
    ]
)
_EMOJI = r"\p{Extended_Pictographic}"
_JOINERS = regex.compile(
    rf"(?<=[\p{{L}}\p{{M}}])(?<=[{_JOINING}])[\u200c\u200d](?![\u200c\u200d])"
    rf"|(?<={_EMOJI}[\ufe0f\U0001f3fb-\U0001f3ff]?)\u200d(?={_EMOJI})"
)
# Letters only: the right-to-left mark has the class R itself.
_RIGHT_TO_LEFT = regex.compile(r"(?=\p{L})[\p{bc=R}\p{bc=AL}]")
_MARKS_OF_DIRECTION = regex.compile("[\u200e\u200f\u061c]")

# In this order, so that each fault is called by its own name.
_FAULTS = (
    (Reason.BROKEN, regex.compile(r"[\p{Cs}\p{Co}\p{Noncharacter_Code_Point}]")),
    (Reason.LINE_BREAK, regex.compile("[\u2028\u2029\u0085\v\f]")),
    (Reason.DIRECTION, regex.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")),
    (Reason.CONTROL, regex.compile(r"[\p{Cc}--[\n\t]]", regex.V1)),
    (Reason.INVISIBLE, regex.compile(r"\p{Cf}")),
    (Reason.MARKS, regex.compile(r"\p{M}{5}")),
)
# What has a width but no ink (fillers of Korean and Braille) does not make a name.
_VISIBLE = regex.compile("[^\\p{Z}\\p{C}\\p{M}\u115f\u1160\u3164\uffa0\u2800]")
_GRAPHEME = regex.compile(r"\X")

_CONTACTS = (
    (Reason.BANK_ACCOUNT, contacts.has_iban),
    (Reason.EMAIL, contacts.has_email),
    (Reason.LINK, contacts.has_link),
    (Reason.PHONE, contacts.has_phone),
    (Reason.ENCODED, contacts.has_encoded),
)


def clean_line(
    value: str, *, max_graphemes: int = 70, max_bytes: int = 400, name: bool = False
) -> PlainLine:
    """One line, such as a name: trimmed, spaces made single, NFC.

    `max_bytes` counts UTF-8. With `name`, links, e-mail addresses and a leading @ are refused too.
    Raises Refused, also for a line with nothing to see.
    """
    _check_bulk(value, max_bytes)
    line = _normal(value.strip(" \t"))
    if "\n" in line or "\r" in line:
        raise Refused(Reason.LINE_BREAK)
    if "\t" in line:
        raise Refused(Reason.CONTROL)
    _check_characters(line)
    line = regex.sub(r"\p{Zs}+", " ", line).strip(" ")
    if not _VISIBLE.search(line):
        raise Refused(Reason.EMPTY)
    _check_size(line, max_graphemes, max_bytes)
    if name:
        _check_name(line)
    return PlainLine(line)


def clean_text(
    value: str,
    *,
    max_graphemes: int = 1000,
    max_bytes: int | None = None,
    no_contact: bool = False,
) -> PlainText:
    r"""Several lines: line ends made `\n`, outer and doubled blank lines and trailing spaces gone.

    `max_bytes` counts UTF-8 and is eight per grapheme where not given. With `no_contact` (the
    supporter's own paragraph) links, addresses, telephone and account numbers and encoded data are
    refused. A text with nothing to see becomes an empty one. Raises Refused.
    """
    max_bytes = 8 * max_graphemes if max_bytes is None else max_bytes
    _check_bulk(value, max_bytes)
    text = _normal(value.replace("\r\n", "\n").replace("\r", "\n"))
    _check_characters(text)
    lines = [line.rstrip() for line in text.split("\n")]
    text = regex.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    _check_size(text, max_graphemes, max_bytes)
    if no_contact:
        _check_contacts(text)
    return PlainText(text if _VISIBLE.search(text) else "")


def graphemes(text: str) -> int:
    """How many characters a reader would count (extended grapheme clusters, UAX 29)."""
    return sum(1 for _ in _GRAPHEME.finditer(text))


def _normal(value: str) -> str:
    return unicodedata.normalize("NFC", _STRIPPED.sub("", value))


def _check_characters(text: str) -> None:
    text = _JOINERS.sub("", text)
    if _RIGHT_TO_LEFT.search(text):
        text = _MARKS_OF_DIRECTION.sub("", text)
    for reason, fault in _FAULTS:
        if fault.search(text):
            raise Refused(reason)


def _check_bulk(value: str, max_bytes: int) -> None:
    """Refuse the hopeless before any work on it; what is stripped gets some room."""
    if len(value) > 4 * max_bytes:
        raise Refused(Reason.TOO_LONG)


def _check_size(text: str, max_graphemes: int, max_bytes: int) -> None:
    if len(text.encode()) > max_bytes:
        raise Refused(Reason.TOO_LONG)
    if len(text) > max_graphemes and graphemes(text) > max_graphemes:
        raise Refused(Reason.TOO_LONG)


def _check_name(line: str) -> None:
    if unicodedata.normalize("NFKC", line).startswith("@"):
        raise Refused(Reason.HANDLE)
    if contacts.has_email(line):
        raise Refused(Reason.EMAIL)
    if contacts.name_has_link(line):
        raise Refused(Reason.LINK)


def _check_contacts(text: str) -> None:
    for reason, found in _CONTACTS:
        if found(text):
            raise Refused(reason)
