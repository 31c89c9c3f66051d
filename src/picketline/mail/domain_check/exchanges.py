"""MX: the hosts that answers, bounces and copies are sent to."""

from __future__ import annotations

from ipaddress import ip_address

from picketline.mail.domain_check import asking
from picketline.mail.domain_check.asking import Asker
from picketline.mail.domain_check.findings import Finding, Level, Sender, address_records, shown

_CHECK = "MX"
_MOST_HOSTS = 10


def findings(asker: Asker, sender: Sender, domain: str) -> list[Finding]:
    """What is wrong with the mail exchangers of a name that mail comes to. Raises `NotAnswered`."""
    hosts = asking.names(asker, domain, "MX")
    if "" in hosts:
        what = "A null MX refuses all mail to this name: answers and bounces would be lost."
        return [_finding(domain, Level.FAULT, what, _record(domain, sender))]
    if not hosts and asking.addresses(asker, domain):
        what = "Without an MX record mail goes to the name's own address, if at all."
        return [_finding(domain, Level.WARNING, what, _record(domain, sender))]
    if not hosts:
        what = "There is no MX record: answers and bounces cannot be delivered."
        return [_finding(domain, Level.FAULT, what, _record(domain, sender))]
    found = [each for host in hosts[:_MOST_HOSTS] for each in _host(asker, sender, domain, host)]
    return found or [_finding(domain, Level.OK, f"Mail goes to {shown(', '.join(hosts))}.")]


def hosts(asker: Asker, domains: list[str]) -> list[str]:
    """All mail exchangers of these names, each once. Raises `NotAnswered`."""
    found = [host for domain in domains for host in asking.names(asker, domain, "MX") if host]
    return list(dict.fromkeys(found))[:_MOST_HOSTS]


def _host(asker: Asker, sender: Sender, domain: str, host: str) -> list[Finding]:
    if _is_address(host):
        what = f"The MX record has the address {host}, where a name must stand."
        return [_finding(domain, Level.FAULT, what, _record(domain, sender))]
    alias = asking.names(asker, host, "CNAME")
    if alias:
        what = f"The MX record names {shown(host)}, an alias; it must name {shown(alias[0])}."
        return [_finding(domain, Level.FAULT, what, f"{domain}. MX 10 {alias[0]}.")]
    if not asking.addresses(asker, host):
        what = f"{shown(host)}, where mail should go, has no address."
        return [_finding(domain, Level.FAULT, what, _reachable(domain, sender, host))]
    return []


def _reachable(domain: str, sender: Sender, host: str) -> str:
    """The records that lead to the sending host, the one host of ours that we know."""
    ours = host == sender.host
    return address_records(host, sender.addresses) if ours else _record(domain, sender)


def _record(domain: str, sender: Sender) -> str:
    return f"{domain}. MX 10 {sender.host}."


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _finding(domain: str, level: Level, what: str, publish: str = "") -> Finding:
    return Finding(_CHECK, domain, level, what, publish)
