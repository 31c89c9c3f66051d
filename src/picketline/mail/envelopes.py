"""Letters as the wire takes them: what may go over it, the envelope's commands, transparency."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from picketline.mail.outcomes import Phase

_ADDRESS = re.compile(r"[!-;=?-~]{1,64}@[!-;=?-~]{1,255}")  # ASCII without <, > and spaces
ENVELOPE_TAKEN = re.compile(rb"(?:2[0-5]\d [^\r\n]{0,500}\r\n){2}3[0-5]\d [^\r\n]{0,500}\r\n")
"""The usual answers to MAIL, RCPT and DATA in one packet: known at a glance, they cost little."""
_LONGEST_LINE = 998  # RFC 5321 §4.5.3.1.6, without its CRLF


@dataclass(frozen=True, slots=True)
class Letter:
    """One message to one recipient.

    `sender` may be empty (the null sender); `data` has CRLF line ends, the last included.
    """

    sender: str
    recipient: str
    data: bytes


class Step(NamedTuple):
    """A command, the phase it belongs to and the first digit of the answer that lets it go on."""

    phase: Phase
    line: bytes
    wanted: int


def fault_of(letter: Letter, extensions: Mapping[str, str]) -> str:
    """Why this must not go over the wire to such a server at all; empty if it may."""
    data = letter.data
    if not _ADDRESS.fullmatch(letter.recipient):
        return "an envelope address is not plain ASCII"
    if letter.sender and not _ADDRESS.fullmatch(letter.sender):
        return "an envelope address is not plain ASCII"
    lines = data.split(b"\r\n")
    if lines[-1] or not len(lines) - 1 == data.count(b"\r") == data.count(b"\n") > 0:
        return "the message has a line end other than CRLF"
    if b"\0" in data or max(map(len, lines)) > _LONGEST_LINE:
        return "the message has a NUL or a line of more than 998 octets"
    if not data.isascii() and (fault := _fault_of_octets(data, extensions)):
        return fault
    limit = extensions.get("SIZE", "")
    if limit.isdecimal() and 0 < int(limit) < len(data):
        return "the message is larger than the server takes"
    return ""


def envelope_of(letter: Letter, extensions: Mapping[str, str]) -> list[Step]:
    """MAIL, RCPT and DATA for a letter without a fault."""
    size = f" SIZE={len(letter.data)}" if "SIZE" in extensions else ""
    body = "" if letter.data.isascii() else " BODY=8BITMIME"
    return [
        Step(Phase.MAIL, f"MAIL FROM:<{letter.sender}>{size}{body}\r\n".encode("ascii"), 2),
        Step(Phase.RCPT, f"RCPT TO:<{letter.recipient}>\r\n".encode("ascii"), 2),
        Step(Phase.DATA, b"DATA\r\n", 3),
    ]


def joined(steps: Sequence[Step]) -> bytes:
    """The steps' commands, for one write."""
    return b"".join([step.line for step in steps])


def parts_us(code: int, wanted: int, *, refused: bool) -> bool:
    """Whether nothing more can be said on a connection after such an answer to a step.

    The server closes, or it waits for the text of a letter that it refused, or its answers and
    our commands have got out of step.
    """
    family = code // 100
    return code == 421 or (family < 4 and (family != wanted or (family == 3 and refused)))


def stuffed(data: bytes) -> bytes:
    """The message in transparency of RFC 5321 §4.5.2."""
    if b"\n." in data:
        data = data.replace(b"\r\n.", b"\r\n..")
    return b"." + data if data.startswith(b".") else data


def _fault_of_octets(data: bytes, extensions: Mapping[str, str]) -> str:
    """Octets above 127 may stand in a body (RFC 6152); in a header they need SMTPUTF8."""
    if not data.partition(b"\r\n\r\n")[0].isascii():
        return "the message has octets above 127 in its header, which few servers take (SMTPUTF8)"
    if "8BITMIME" not in extensions:
        return "the message has octets above 127 and the server does not take them"
    return ""
