"""What a check found: how grave it is, one sentence, and the records to publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from picketline.mail.domain_check.asking import NotAnswered

Address = IPv4Address | IPv6Address

_STRING = 255  # octets in one string of a TXT record: RFC 1035 §3.3.14
_SHOWN = 160


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    ADVICE = "advice"  # works, could be better
    WARNING = "warning"  # may fail with some servers, or could not be checked
    FAULT = "fault"  # mail will be lost or distrusted


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `subject` is the name or address it is about.

    `what` is a sentence. `publish` has one record on each line, as in a zone file
    (`name. TYPE value`), and replaces what has that name and type; for other checks it is the
    setting to write.
    """

    check: str
    subject: str
    level: Level
    what: str
    publish: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the mail domain, the addresses mail leaves from, the name that host says in EHLO.

    `ehlo` is None where nobody knows it; `addresses` may be empty likewise.
    """

    domain: str
    ehlo: str | None
    addresses: tuple[Address, ...]

    @property
    def host(self) -> str:
        """The name of the sending host: its own, or the one we would propose."""
        return self.ehlo or f"mail.{self.domain}"


def unless_silent(check: str, subject: str, look: Callable[[], Sequence[Finding]]) -> list[Finding]:
    """The findings of `look`; where the DNS gave no answer, that it could not be checked."""
    try:
        return list(look())
    except NotAnswered as silence:
        what = f"This could not be checked: {silence}."
        return [Finding(check, subject, Level.WARNING, what)]


def txt_record(name: str, text: str) -> str:
    """The line of a zone file for a text of any length, split into strings as the DNS needs it."""
    pieces = [text[start : start + _STRING] for start in range(0, len(text), _STRING)] or [""]
    return f"{name}. TXT " + " ".join(f'"{_escaped(piece)}"' for piece in pieces)


def _escaped(piece: str) -> str:
    """As a zone file writes it, so that a stranger's text cannot steer a terminal either."""
    signs = (f"\\{sign}" if sign in '"\\' else sign for sign in piece)
    return "".join(sign if " " <= sign[-1] <= "~" else f"\\{ord(sign):03}" for sign in signs)


def address_records(name: str, addresses: Sequence[Address]) -> str:
    """The lines that give a name its addresses, A and AAAA."""
    kinds = {4: "A", 6: "AAAA"}
    return "\n".join(f"{name}. {kinds[each.version]} {each}" for each in addresses)


def shown(text: str) -> str:
    """A stranger's text, safe for a terminal: printable ASCII, at most 160 characters."""
    harmless = "".join(sign if " " <= sign <= "~" else "?" for sign in text[: _SHOWN + 1])
    return harmless if len(harmless) <= _SHOWN else f"{harmless[:_SHOWN]}…"
