"""Octets and header fields made words: charsets, encoded words (RFC 2047), mailboxes, identifiers.

Nothing here raises on what a message may hold, and all of it takes linear time. A charset is
believed only where it is one that mail is written in: no UTF-7, in which `+ADw-` is a `<`, and no
codec that is not a charset.
"""

import re
from binascii import Error, a2b_base64, a2b_qp
from collections.abc import Iterable, Iterator
from email.message import Message
from itertools import chain

MAX_ADDRESSES = 100
_MAX_FIELD = 16_384  # what is read of one field

_CHARSETS = re.compile(
    r"utf-?8|iso-?8859-?\d{1,2}|latin-?[1-9]|windows-?125\d|cp125\d|cp(?:437|85[0258]|866|93[26]"
    r"|949|950)|koi8-?[rut]|kz-?1048|gb2312|gbk|gb18030|big5(?:-?hkscs)?|euc-?(?:jp|kr)"
    r"|shift[-_]?jis|iso-2022-(?:jp|kr)|ks_c_5601-1987|tis-?620|utf-?16(?:[lb]e)?"
    r"|mac-?(?:roman|cyrillic)"
)
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\s]*+)\?=")
_TOKEN = re.compile(r'\\.|["(),;:<>]|[^\\"(),;:<>]++|\\', re.S)
_ADDRESS = re.compile(r'[^\s@"<>(),;:\\]{1,64}@[^\s@"<>(),;:\\]{1,255}')
_IDENTIFIER = re.compile(r"<[^<>\s]{1,990}>")


def text_of(octets: bytes, charset: str) -> str:
    """The text, by the charset it claims where mail is written in that, else as UTF-8 or Latin."""
    name = charset.strip().lower()
    if _CHARSETS.fullmatch(name):
        try:
            return octets.decode(name, "replace")
        except (LookupError, UnicodeError):
            pass
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = error.start > len(octets) - 4 and not octets[: error.start].isascii()
        return octets.decode("utf-8" if cut else "cp1252", "replace")


def fields(part: Message, *names: str) -> list[str]:
    """The values of all fields of these names (lower-case), top to bottom, unfolded, undecoded."""
    found = [str(value) for name, value in part.raw_items() if name.lower() in names]
    return [_unfolded(value) for value in found]


def decoded(value: str) -> str:
    """The value with its encoded words read (RFC 2047); broken ones stay as they are."""
    pieces: list[tuple[str, bytes]] = []  # charset and octets: a letter may span two words
    end = 0
    for word in _ENCODED_WORD.finditer(value[:_MAX_FIELD]):
        between = value[end : word.start()]
        if between.strip() or not end:
            pieces.append(("utf-8", between.encode("utf-8", "replace")))
        charset, octets = word[1].partition("*")[0], _word_octets(word)
        if pieces and pieces[-1][0] == charset:
            octets = pieces.pop()[1] + octets
        pieces.append((charset, octets))
        end = word.end()
    pieces.append(("utf-8", value[end:_MAX_FIELD].encode("utf-8", "replace")))
    return "".join(text_of(octets, charset) for charset, octets in pieces)


def identifiers(values: Iterable[str]) -> list[str]:
    """The message identifiers in these values, in their angle brackets."""
    return [found for value in values for found in _IDENTIFIER.findall(value[-_MAX_FIELD:])]


def mailboxes(values: Iterable[str]) -> list[tuple[str, str]]:
    """Name and address of the mailboxes in these values, at most MAX_ADDRESSES.

    The domain is made lower-case. What is no plain address is left out, and so is a mailbox with
    two addresses: readers differ over which of them counts.
    """
    found: list[tuple[str, str]] = []
    for value in values:
        for name, address in _items(value[:_MAX_FIELD]):
            if len(found) == MAX_ADDRESSES:
                return found
            if _ADDRESS.fullmatch(address):
                local, _, domain = address.rpartition("@")
                found.append((decoded(name), f"{local}@{domain.lower()}"))
    return found


def _items(value: str) -> Iterator[tuple[str, str]]:
    name, addresses, angle = "", [""], False
    for mark, text in chain(_marks(value), [(",", "")]):
        if mark == "<":
            addresses.append("")
        elif mark == ",":
            yield _item(name, addresses)
            name, addresses = "", [""]
        elif angle:
            addresses[-1] += text
        elif mark == ":":
            name = ""  # it was that of a group
        else:
            name += text
        angle = mark == "<" or (angle and mark not in {">", ","})


def _item(name: str, addresses: list[str]) -> tuple[str, str]:
    if len(addresses) == 1:
        return "", name.strip()
    return name.strip(), addresses[1].strip() if len(addresses) == 2 else ""


def _marks(value: str) -> Iterator[tuple[str, str]]:
    """A list of mailboxes in pieces, comments left out: a mark, or "" and a text."""
    comments, quoted = 0, False
    for piece in _TOKEN.findall(value):
        if comments:
            comments += {"(": 1, ")": -1}.get(piece, 0)
        elif piece == '"':
            quoted = not quoted
        elif quoted or len(piece) > 1 or piece not in "(<>,;:":
            yield "", piece[1:] if piece.startswith("\\") else piece
        elif piece == "(":
            comments = 1
        else:
            yield piece.replace(";", ","), ""


def _word_octets(word: re.Match[str]) -> bytes:
    payload = word[3].encode("ascii", "replace")
    if word[2] in "qQ":
        return a2b_qp(payload, header=True)
    try:
        return a2b_base64(payload + b"==")
    except Error:
        return word[0].encode("utf-8", "replace")


def _unfolded(value: str) -> str:
    """One line; octets beyond ASCII, which the parser marked as surrogates, are read."""
    octets = value.encode("utf-8", "surrogateescape")
    return " ".join(text_of(octets, "").split())
