"""The evaluation of SPF records, with the limits that receivers set: RFC 7208 §4.6.4."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from picketline.mail.domain_check import asking
from picketline.mail.domain_check.asking import Asker
from picketline.mail.domain_check.findings import Address, shown
from picketline.mail.domain_check.spf_terms import SpfSyntax, Term, expand, is_spf, parse

MOST_LOOKUPS = 10
MOST_VOID = 2
_MOST_HOSTS = 10  # names of one mx or addresses of one host: RFC 7208 §4.6.4
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_STRANGER = ip_address("203.0.113.0")  # stands for whoever is meant by nobody's record


class SpfPermanent(Exception):
    """Receivers treat the domain as if it had no usable record. The text says why."""


@dataclass(slots=True)
class Walk:
    """One evaluation. `address` None is a stranger whom only "all" can mean.

    Unlike a receiver it goes on after a match, so that `lookups` and `voids` are those of the
    worst case.
    """

    asker: Asker
    address: Address | None
    lookups: int = 0
    voids: int = 0
    inside: list[str] = field(default_factory=list)

    def look_up(self, what: str) -> None:
        """Count one of the ten terms that ask the DNS. Raises `SpfPermanent`."""
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise SpfPermanent(
                f"it needs more than {MOST_LOOKUPS} lookups; at {shown(what)} receivers stop"
            )

    def found(self, number: int) -> None:
        """Count an answer without records. Raises `SpfPermanent`."""
        self.voids += not number
        if self.voids > MOST_VOID:
            raise SpfPermanent(f"more than {MOST_VOID} of its names do not exist")


def records(asker: Asker, domain: str) -> list[str]:
    """The SPF records of a domain; more than one is as bad as none. Raises `NotAnswered`."""
    return [text for text in asking.texts(asker, domain) if is_spf(text)]


def result(walk: Walk, domain: str, record: str | None = None) -> str:
    """What the domain's record (or the one given) says of the address.

    "pass", "fail", "softfail" or "neutral". Raises `SpfPermanent`, and `NotAnswered`.
    """
    if domain in walk.inside:
        raise SpfPermanent(f"{shown(domain)} includes itself")
    if record is None:
        record = _only_record(walk, domain)
    try:
        terms = parse(record)
    except SpfSyntax as error:
        raise SpfPermanent(f"in the record of {shown(domain)} {error}") from None
    walk.inside.append(domain)
    said = [_RESULTS[term.qualifier] for term in _effective(terms) if _matches(walk, domain, term)]
    verdict = said[0] if said else _redirected(walk, domain, terms)
    walk.inside.pop()
    return verdict


def _effective(terms: list[Term]) -> list[Term]:
    """The mechanisms, up to the first "all": what follows it is never looked at (§5.1)."""
    mechanisms = [term for term in terms if term.qualifier != "="]
    ends = [number for number, term in enumerate(mechanisms, 1) if term.name == "all"]
    return mechanisms[: ends[0]] if ends else mechanisms


def _only_record(walk: Walk, domain: str) -> str:
    found = records(walk.asker, domain)
    if len(found) != 1:
        number = "no SPF record" if not found else f"{len(found)} SPF records"
        raise SpfPermanent(f"{shown(domain)} has {number}")
    return found[0]


def _redirected(walk: Walk, domain: str, terms: list[Term]) -> str:
    """What the record that this one redirects to says; "neutral" if it does not: §4.7, §6.1."""
    targets = [term.value for term in terms if (term.qualifier, term.name) == ("=", "redirect")]
    if not targets or any(term.name == "all" for term in terms):
        return "neutral"
    walk.look_up(f"redirect={targets[0]}")
    return result(walk, _expanded(walk, domain, targets[0]))


def _matches(walk: Walk, domain: str, term: Term) -> bool:
    if term.name == "all":
        return True
    if term.network is not None:
        return walk.address is not None and walk.address in term.network
    walk.look_up(f"{term.name}:{term.value or domain}")
    target = _expanded(walk, domain, term.value) if term.value else domain
    if term.name == "include":
        return result(walk, target) == "pass"
    if term.name == "exists":
        return _exists(walk, term, target)
    if term.name == "ptr":
        return False  # never relied upon: §5.5
    return _among_hosts(walk, term, target)


def _expanded(walk: Walk, domain: str, spec: str) -> str:
    return expand(spec, domain, walk.address or _STRANGER).lower().rstrip(".")


def _exists(walk: Walk, term: Term, target: str) -> bool:
    if walk.address is None and "%" in term.value:
        return False  # depends on who sends, so it means no stranger in general
    found = walk.asker.records(target, "A")
    walk.found(len(found))
    return bool(found)


def _among_hosts(walk: Walk, term: Term, target: str) -> bool:
    hosts = [target]
    if term.name == "mx":
        hosts = asking.names(walk.asker, target, "MX")
        walk.found(len(hosts))
        if len(hosts) > _MOST_HOSTS:
            raise SpfPermanent(f"{shown(target)} has more than {_MOST_HOSTS} MX records")
    matched = False
    for host in filter(None, hosts):
        found = asking.addresses(walk.asker, host)
        if term.name == "a":
            walk.found(len(found))
        matched = matched or any(_covers(walk.address, each, term) for each in found)
    return matched


def _covers(sender: Address | None, host: Address, term: Term) -> bool:
    if sender is None or sender.version != host.version:
        return False
    prefix = term.prefix4 if host.version == 4 else term.prefix6
    return sender in ip_network(f"{host}/{prefix}", strict=False)
