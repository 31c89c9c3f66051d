"""Questions to the DNS: few, bounded in time, and with silence told apart from "there is none"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from socket import SOCK_DGRAM, gaierror, getaddrinfo
from time import monotonic
from urllib.parse import urlsplit

import dns.exception
import dns.nameserver
import dns.rdata
import dns.resolver
import dns.reversename

PATIENCE = 5.0
"""Seconds for one question."""
MOST_QUESTIONS = 300
WHOLE_TIME = 90.0
"""Seconds for all questions of one asker: a slow name server ends the examination, not the day."""


class NotAnswered(Exception):
    """Nobody can say whether there is such a record. The text says why, without a full stop."""


class NoServer(Exception):
    """There is nobody to ask. The message is a sentence for the operator."""


@dataclass(slots=True)
class Asker:
    """Asks one set of name servers and remembers the answers. Made by `asker`."""

    resolver: dns.resolver.Resolver
    patience: float = PATIENCE
    questions: int = 0
    started: float = field(default_factory=monotonic)
    _known: dict[tuple[str, str], tuple[dns.rdata.Rdata, ...] | NotAnswered] = field(
        default_factory=dict
    )

    def records(self, name: str, kind: str) -> tuple[dns.rdata.Rdata, ...]:
        """All records of that name and type, aliases followed; empty if there are none.

        Raises `NotAnswered`, for the same name and type each time it is asked.
        """
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            self._known[key] = self._ask(*key)
        found = self._known[key]
        if isinstance(found, NotAnswered):
            raise found
        return found

    def _ask(self, name: str, kind: str) -> tuple[dns.rdata.Rdata, ...] | NotAnswered:
        self.questions += 1
        if self.questions > MOST_QUESTIONS or monotonic() - self.started > WHOLE_TIME:
            return NotAnswered("too many or too slow answers were needed, so the asking was ended")
        try:
            answer = self.resolver.resolve(
                f"{name}.", kind, raise_on_no_answer=False, lifetime=self.patience, search=False
            )
        except dns.resolver.NXDOMAIN:
            return ()
        except dns.exception.Timeout:
            return NotAnswered(f"no answer for {name} {kind} came in time")
        except dns.exception.DNSException as error:
            reason = type(error).__name__
            if isinstance(error, dns.resolver.NoNameservers):
                reason = "the name servers failed, refused, or answered in a circle"
            return NotAnswered(f"there was no usable answer for {name} {kind} ({reason})")
        return tuple(answer.rrset or ())


def host_and_port(text: str, port: int) -> tuple[str, int]:
    """The parts of `HOST[:PORT]`, with `port` where it has none; IPv6 with or without brackets.

    Raises `NoServer`.
    """
    advice = f"{text!r} is no server: give HOST or HOST:PORT."
    whole = f"[{text}]" if text.count(":") > 1 and "[" not in text else text
    try:
        parts = urlsplit(f"//{whole}")
        host, given = parts.hostname, parts.port
    except ValueError:
        raise NoServer(advice) from None
    if not host or parts.netloc != whole or parts.username is not None:
        raise NoServer(advice)
    return host, port if given is None else given


def asker(nameservers: Sequence[str] = (), *, patience: float = PATIENCE) -> Asker:
    """An asker of the system's name servers, or of those given as `HOST[:PORT]`.

    Raises `NoServer`.
    """
    try:
        resolver = dns.resolver.Resolver(configure=not nameservers)
    except dns.resolver.NoResolverConfiguration:
        raise NoServer("This system names no name server: give one by --nameserver.") from None
    if nameservers:
        resolver.nameservers = [_nameserver(each) for each in nameservers]
    return Asker(resolver, patience)


def texts(asking: Asker, name: str) -> list[str]:
    """The TXT records of a name, the strings of each joined; octets that are not ASCII as `?`."""
    found = []
    for record in asking.records(name, "TXT"):
        strings: Sequence[bytes] = getattr(record, "strings", ())
        found.append(b"".join(strings).decode("ascii", "replace").replace("\ufffd", "?"))
    return found


def addresses(asking: Asker, name: str) -> list[IPv4Address | IPv6Address]:
    """The addresses of a name, IPv4 first."""
    return [
        ip_address(record.to_text())
        for kind in ("A", "AAAA")
        for record in asking.records(name, kind)
    ]


def names(asking: Asker, name: str, kind: str) -> list[str]:
    """The names that records of type MX, PTR or CNAME point to, best preference first.

    In small letters, without the last dot; the root (a null MX) is the empty name.
    """
    found = sorted(_preference_and_name(record) for record in asking.records(name, kind))
    return [each for _, each in found]


def reverse_name(address: IPv4Address | IPv6Address) -> str:
    """The name below in-addr.arpa or ip6.arpa where the address's PTR record stands."""
    return dns.reversename.from_address(str(address)).to_text(omit_final_dot=True)


def _preference_and_name(record: dns.rdata.Rdata) -> tuple[int, str]:
    preference, _, name = record.to_text().rpartition(" ")
    return int(preference or 0), name.lower().rstrip(".")


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    host, port = host_and_port(text, 53)
    try:
        found = getaddrinfo(host, port, type=SOCK_DGRAM)
    except (gaierror, UnicodeError):
        raise NoServer(f"The name server {text!r} has no address.") from None
    return dns.nameserver.Do53Nameserver(str(found[0][4][0]), port)
