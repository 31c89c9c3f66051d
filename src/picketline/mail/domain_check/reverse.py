"""PTR: the way from each sending address to the name said in EHLO, and back."""

from __future__ import annotations

from ipaddress import ip_network

from picketline.mail.domain_check import asking
from picketline.mail.domain_check.asking import Asker
from picketline.mail.domain_check.findings import (
    Address,
    Finding,
    Level,
    Sender,
    address_records,
    shown,
)

_CHECK = "PTR"
_MOST_NAMES = 10
_UNREACHABLE = [
    ip_network(each)
    for each in (
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        *("100.64.0.0/10", "::1/128", "fc00::/7", "fe80::/10"),
    )
]


def findings(asker: Asker, sender: Sender, address: Address) -> list[Finding]:
    """What is wrong with the reverse name of one sending address. Raises `NotAnswered`."""
    if any(address in network for network in _UNREACHABLE):
        what = "This is no address of the public internet: give the one that others see."
        return [Finding(_CHECK, str(address), Level.WARNING, what)]
    there = asking.names(asker, asking.reverse_name(address), "PTR")[:_MOST_NAMES]
    whole = _reverse_record(address, sender.host)
    forward = f"{whole}\n{_forward_record(asker, sender.host, address)}"
    if not there:
        what = "The address has no reverse name: ask whoever gave you the address for one."
        return [_finding(address, Level.FAULT, what, forward)]
    confirmed = [name for name in there if name and address in asking.addresses(asker, name)]
    if not confirmed:
        what = f"The reverse name {shown(there[0])} does not lead back to the address."
        return [_finding(address, Level.FAULT, what, forward)]
    return [_beside_the_greeting(asker, sender, address, confirmed, forward)]


def _beside_the_greeting(
    asker: Asker, sender: Sender, address: Address, confirmed: list[str], publish: str
) -> Finding:
    if sender.ehlo is None:
        what = f"{shown(confirmed[0])} leads there and back; your EHLO name is not known."
        return _finding(address, Level.ADVICE, what)
    if sender.ehlo.lower() in confirmed:
        return _finding(address, Level.OK, f"{sender.ehlo} leads there and back.")
    if address in asking.addresses(asker, sender.ehlo):
        what = f"The reverse name is {shown(confirmed[0])}, in EHLO stands {sender.ehlo}."
        return _finding(address, Level.ADVICE, what, publish)
    what = f"The name in EHLO, {sender.ehlo}, does not lead to this address."
    return _finding(address, Level.WARNING, what, publish)


def _reverse_record(address: Address, host: str) -> str:
    return f"{asking.reverse_name(address)}. PTR {host}."


def _forward_record(asker: Asker, host: str, address: Address) -> str:
    """The address beside those of its kind that the name has already."""
    there = [each for each in asking.addresses(asker, host) if each.version == address.version]
    return address_records(host, [*there, *([] if address in there else [address])])


def _finding(address: Address, level: Level, what: str, publish: str = "") -> Finding:
    return Finding(_CHECK, str(address), level, what, publish.rstrip())
