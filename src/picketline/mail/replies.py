"""Replies of an SMTP server, read strictly and within limits (RFC 5321 §4.2, RFC 2034)."""

import re
from dataclasses import dataclass

MAX_LINE = 2048  # octets; RFC 5321 §4.5.3.1.5 asks for 512
MAX_REPLY = 16 * 1024

_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])([^\r\n]*))?\r\n")
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s|$)")


class BadReply(Exception):
    """What the server sent is no SMTP reply, or more than any reply may be."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply: its code and the text of its lines, free of control characters."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines joined by spaces, at most 1,000 characters."""
        return " ".join(self.lines)[:1000]

    @property
    def enhanced(self) -> str:
        """The enhanced code such as "5.1.1"; empty if there is none or it contradicts `code`."""
        found = _ENHANCED.match(self.lines[0])
        return found[1] if found and found[1][0] == str(self.code)[0] else ""


def take_reply(received: bytes) -> tuple[Reply, bytes] | None:
    """The first whole reply and the octets after it; None while it is incomplete.

    Raises `BadReply` for anything but three digits, CRLF line ends, one code for all lines,
    and for a line or a reply beyond the limits, however it would have ended.
    """
    lines: list[str] = []
    code, start = b"", 0
    while (end := received.find(b"\n", start) + 1) > 0:
        _refuse_excess(end - start, end)
        line = _LINE.fullmatch(received, start, end)
        if line is None:
            raise BadReply("the server's answer is not an SMTP reply")
        if code not in (b"", line[1]):
            raise BadReply("the server's answer has two codes")
        code, start = line[1], end
        lines.append(_harmless(line[3] or b""))
        if line[2] != b"-":
            return Reply(int(code), tuple(lines)), received[start:]
    _refuse_excess(len(received) - start, len(received))
    return None


def _refuse_excess(line: int, reply: int) -> None:
    if line > MAX_LINE or reply > MAX_REPLY:
        raise BadReply("the server's answer is too long")


def _harmless(octets: bytes) -> str:
    text = octets.decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join([character if character.isprintable() else "\ufffd" for character in text])
