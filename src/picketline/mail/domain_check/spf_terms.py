"""The grammar of SPF records and their macros: RFC 7208 §4.6, §5, §6, §7, §12."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

VERSION = "v=spf1"

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)")
_MECHANISM = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9._-]*)(?::([^/]*))?((?:/\d+)?(?://\d+)?)")
_NETWORK = re.compile(r"([+?~-]?)(ip[46]):(\S+)", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[!-$&-~]|%\{[A-Za-z][0-9]*r?[-.+,/_=]*\}|%%|%_|%-)+")
_MACRO = re.compile(r"%\{([A-Za-z])(\d*)(r?)([-.+,/_=]*)\}|%([%_-])")
_TAKES_NAME = {"include": True, "exists": True, "a": False, "mx": False, "ptr": False}
_LETTERS = "slodiphcrtv"


class SpfSyntax(Exception):
    """The record is no SPF record. The text says where, without a full stop."""


@dataclass(frozen=True, slots=True)
class Term:
    """A mechanism with its qualifier, or a modifier (qualifier "=").

    `value` is a domain, with macros, or empty; ip4 and ip6 have `network`. The prefixes are
    those that "a" and "mx" put on each address.
    """

    qualifier: str
    name: str
    value: str = ""
    network: IPv4Network | IPv6Network | None = None
    prefix4: int = 32
    prefix6: int = 128


def is_spf(text: str) -> bool:
    """Whether a TXT record means to be an SPF record: RFC 7208 §4.5."""
    return text.lower() == VERSION or text.lower().startswith(f"{VERSION} ")


def parse(record: str) -> list[Term]:
    """The terms of a record, in order. Raises `SpfSyntax`."""
    terms = [_term(word) for word in record[len(VERSION) :].split(" ") if word]
    for name in ("redirect", "exp"):
        if sum(term.qualifier == "=" and term.name == name for term in terms) > 1:
            raise SpfSyntax(f"it has {name}= more than once")
    return terms


def expand(spec: str, domain: str, address: IPv4Address | IPv6Address) -> str:
    """The domain that a macro means for mail from `postmaster@domain` at `address`: §7."""
    values = {
        "s": f"postmaster@{domain}",
        "l": "postmaster",
        "o": domain,
        "d": domain,
        "h": domain,
        "i": _dotted(address),
        "v": "in-addr" if address.version == 4 else "ip6",
        "p": "unknown",
    }

    def replaced(found: re.Match[str]) -> str:
        if found[5]:
            return {"%": "%", "_": " ", "-": "%20"}[found[5]]
        parts = re.split(f"[{re.escape(found[4] or '.')}]", values.get(found[1].lower(), ""))
        if found[3]:
            parts.reverse()
        return ".".join(parts[-int(found[2] or len(parts)) :])

    return _MACRO.sub(replaced, spec)[-253:].lstrip(".")


def _dotted(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return ".".join(address.exploded.replace(":", ""))


def _term(word: str) -> Term:
    network = _NETWORK.fullmatch(word)
    if network:
        return _network(word, network)
    modifier = _MODIFIER.fullmatch(word)
    if modifier:
        name = modifier[1].lower()
        if name in ("redirect", "exp"):
            _domain(word, modifier[2])
        return Term("=", name, modifier[2])
    found = _MECHANISM.fullmatch(word)
    if found is None:
        raise SpfSyntax(f"{word!r} is no term of SPF")
    return _mechanism(word, found)


def _mechanism(word: str, found: re.Match[str]) -> Term:
    qualifier, name, value = found[1] or "+", found[2].lower(), found[3]
    lengths = re.fullmatch(r"(?:/(\d+))?(?://(\d+))?", found[4])
    if name == "all" and value is None and not found[4]:
        return Term(qualifier, name)
    if name not in _TAKES_NAME or (found[4] and name not in ("a", "mx")):
        raise SpfSyntax(f"{word!r} is no term of SPF")
    if value is not None:
        _domain(word, value)
    elif _TAKES_NAME[name]:
        raise SpfSyntax(f"{word!r} names no domain")
    prefix4 = int((lengths and lengths[1]) or 32)
    prefix6 = int((lengths and lengths[2]) or 128)
    if prefix4 > 32 or prefix6 > 128:
        raise SpfSyntax(f"{word!r} has a prefix that is too long")
    return Term(qualifier, name, value or "", prefix4=prefix4, prefix6=prefix6)


def _network(word: str, found: re.Match[str]) -> Term:
    try:
        network = ip_network(found[3], strict=False)
    except ValueError:
        raise SpfSyntax(f"{word!r} has no address, or none in CIDR notation") from None
    if str(network.version) != found[2][-1] or not _plain_prefix(found[3]):
        raise SpfSyntax(f"{word!r} has an address of the other kind, or a netmask")
    return Term(found[1] or "+", found[2].lower(), network=network)


def _plain_prefix(network: str) -> bool:
    return "%" not in network and (
        "/" not in network or re.fullmatch(r"\d{1,3}", network.partition("/")[2]) is not None
    )


def _domain(word: str, spec: str) -> None:
    letters = {found[1].lower() for found in _MACRO.finditer(spec) if found[1]}
    if not _DOMAIN.fullmatch(spec) or not letters <= set(_LETTERS):
        raise SpfSyntax(f"{word!r} names no domain")
    zeros = any(found[2] and int(found[2]) == 0 for found in _MACRO.finditer(spec))
    if zeros:
        raise SpfSyntax(f"{word!r} has a macro that keeps nothing")
