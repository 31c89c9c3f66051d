"""The whole examination of a mail domain: every check for every name, in the order of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from picketline.mail.domain_check import asking, dkim, dmarc, exchanges, reverse, spf, tls
from picketline.mail.domain_check.asking import Asker, NotAnswered
from picketline.mail.domain_check.dkim import SigningKey
from picketline.mail.domain_check.findings import (
    Address,
    Finding,
    Level,
    Sender,
    unless_silent,
)

RECEIVING = ("reply", "copies")
"""Labels of the names that mail comes to and none is sent from."""

_CHECK = "sender"


def sender(
    asker: Asker, domain: str, ehlo: str | None, addresses: Sequence[Address]
) -> tuple[Sender, list[Finding]]:
    """Who sends: with the addresses given, else with those that the name in EHLO leads to."""
    if addresses:
        return Sender(domain, ehlo, tuple(addresses)), []
    if ehlo is None:
        what = "Nobody here knows where your mail leaves from: give --ehlo, or --address."
        return Sender(domain, None, ()), [Finding(_CHECK, domain, Level.WARNING, what)]
    try:
        found = Sender(domain, ehlo, tuple(asking.addresses(asker, ehlo)))
    except NotAnswered as silence:
        what = f"The addresses of the name in EHLO are not known: {silence}. Give --address."
        return Sender(domain, ehlo, ()), [Finding(_CHECK, ehlo, Level.WARNING, what)]
    if found.addresses:
        return found, []
    what = "The name in EHLO leads to no address. Give --address to see the records for it."
    return found, [Finding(_CHECK, ehlo, Level.FAULT, what)]


def domain(
    asker: Asker, who: Sender, keys: Mapping[str, Sequence[SigningKey] | None]
) -> list[Finding]:
    """All that the DNS says of a mail domain.

    `keys` has each stream's label and its keys; None where they are not known.
    """
    streams = {f"{label}.{who.domain}": each for label, each in keys.items()}
    looks = [("SPF", name, partial(spf.findings, asker, who, name)) for name in streams]
    looks += [("SPF", who.host, partial(spf.greeting_findings, asker, who))]
    looks += [
        ("DKIM", name, partial(dkim.findings, asker, name, each))
        for name, each in streams.items()
        if each is not None
    ]
    looks += [("DMARC", name, partial(dmarc.findings, asker, name)) for name in streams]
    looks += [
        ("PTR", str(each), partial(reverse.findings, asker, who, each)) for each in who.addresses
    ]
    looks += [
        ("MX", name, partial(exchanges.findings, asker, who, name)) for name in _incoming(who, keys)
    ]
    return [each for check, subject, look in looks for each in unless_silent(check, subject, look)]


def exchangers(
    asker: Asker, who: Sender, labels: Sequence[str], port: int, ca_file: str | None = None
) -> list[Finding]:
    """TLS at every mail exchanger of the names that mail comes to."""
    names = _incoming(who, labels)

    def look() -> list[Finding]:
        return [
            finding
            for host in exchanges.hosts(asker, names)
            for address in asking.addresses(asker, host)[:1]
            for finding in tls.exchanger(host, str(address), port, who.ehlo or "localhost", ca_file)
        ]

    return unless_silent("TLS", who.domain, look)


def _incoming(who: Sender, labels: Sequence[str] | Mapping[str, object]) -> list[str]:
    return [f"{label}.{who.domain}" for label in (*labels, *RECEIVING)]
