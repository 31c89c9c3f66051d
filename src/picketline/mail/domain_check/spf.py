"""SPF: the record of each envelope domain names the hosts we send from, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence

from picketline.mail.domain_check.asking import Asker
from picketline.mail.domain_check.findings import Address, Finding, Level, Sender, shown, txt_record
from picketline.mail.domain_check.spf_terms import parse
from picketline.mail.domain_check.spf_walk import (
    MOST_LOOKUPS,
    SpfPermanent,
    Walk,
    records,
    result,
)

_CHECK = "SPF"
_CLOSED = ("fail", "softfail")
_WIDEST = {4: 8, 6: 16}  # a larger network is nobody's own


def findings(asker: Asker, sender: Sender, domain: str) -> list[Finding]:
    """What is wrong with the SPF record of a domain in our envelopes. Raises `NotAnswered`."""
    found = records(asker, domain)
    fresh = txt_record(domain, _proposal(sender))
    if not found:
        return [_fault(domain, "There is no SPF record.", fresh)]
    if len(found) > 1:
        what = f"There are {len(found)} SPF records, and receivers then trust none: keep one."
        return [_fault(domain, what, fresh)]
    walk = Walk(asker, None)
    try:
        stranger = result(walk, domain, found[0])
        refused = _refused(asker, sender, domain, found[0])
    except SpfPermanent as error:
        what = f"Receivers cannot use the record: {shown(str(error))}."
        return [_fault(domain, what, fresh)]
    if stranger == "pass" or _has_huge_network(found[0]):
        return [_fault(domain, "The record lets anybody send in our name.", fresh)]
    mended = txt_record(domain, _mended(found[0], refused, closed=stranger in _CLOSED))
    faults = [_not_named(domain, address, said, mended) for address, said in refused.items()]
    faults += _warnings(domain, found[0], stranger, mended)
    return faults or [_content(domain, sender, walk.lookups)]


def greeting_findings(asker: Asker, sender: Sender) -> list[Finding]:
    """The SPF record of the name in EHLO: it counts where the envelope has no sender (§2.3)."""
    if sender.ehlo is None:
        return []
    found = records(asker, sender.ehlo)
    if found:
        return [_greeting(asker, sender, sender.ehlo, found)]
    what = "The name in EHLO has no SPF record: bounces from your mail server look unproven."
    proposal = txt_record(sender.ehlo, _proposal(sender))
    return [Finding(_CHECK, sender.ehlo, Level.ADVICE, what, proposal)]


def _greeting(asker: Asker, sender: Sender, ehlo: str, found: list[str]) -> Finding:
    try:
        said = _refused(asker, sender, ehlo, found[0]) if len(found) == 1 else {"": "permerror"}
    except SpfPermanent:
        said = {"": "permerror"}
    if not said:
        return Finding(_CHECK, ehlo, Level.OK, "The record of the name in EHLO names its host.")
    what = "The SPF record of the name in EHLO does not name its own host."
    return Finding(_CHECK, ehlo, Level.WARNING, what, txt_record(ehlo, _proposal(sender)))


def _refused(asker: Asker, sender: Sender, domain: str, record: str) -> dict[Address | str, str]:
    """The sending addresses that the record does not pass, with what it says instead."""
    said: dict[Address | str, str] = {
        address: result(Walk(asker, address), domain, record) for address in sender.addresses
    }
    return {address: each for address, each in said.items() if each != "pass"}


def _proposal(sender: Sender) -> str:
    terms = _networks(sender.addresses) or [f"a:{sender.host}"]
    return " ".join(["v=spf1", *terms, "-all"])


def _networks(addresses: Sequence[Address]) -> list[str]:
    return [f"ip{address.version}:{address}" for address in addresses]


def _mended(record: str, refused: dict[Address | str, str], *, closed: bool) -> str:
    """The same record with the addresses in front, without ptr, and with an end."""
    words = [word for word in record.split(" ")[1:] if word]
    kept = [word for word in words if not _is_mechanism(word, "ptr")]
    if not closed:
        kept = [word for word in kept if not _is_mechanism(word, "all")]
        kept = [_as_include(word) for word in kept] + ["-all"]
    networks = [f"ip{6 if ':' in str(address) else 4}:{address}" for address in refused]
    return " ".join(["v=spf1", *networks, *kept])


def _as_include(word: str) -> str:
    """A redirection would no longer count behind an "all"."""
    name, _, target = word.partition("=")
    return f"include:{target}" if name.lower() == "redirect" else word


def _is_mechanism(word: str, name: str) -> bool:
    (term,) = parse(f"v=spf1 {word}")
    return term.name == name and term.qualifier != "="


def _has_huge_network(record: str) -> bool:
    return any(
        term.network is not None
        and term.qualifier == "+"
        and term.network.prefixlen < _WIDEST[term.network.version]
        for term in parse(record)
    )


def _warnings(domain: str, record: str, stranger: str, mended: str) -> list[Finding]:
    found = []
    if stranger not in _CLOSED:
        what = "The record does not end in -all or ~all: it says nothing of forged mail."
        found.append(Finding(_CHECK, domain, Level.WARNING, what, mended))
    if any(_is_mechanism(word, "ptr") for word in record.split(" ")[1:] if word):
        what = "The record uses ptr, which is slow, unreliable and must not be used."
        found.append(Finding(_CHECK, domain, Level.WARNING, what, mended))
    return found


def _not_named(domain: str, address: Address | str, said: str, mended: str) -> Finding:
    return _fault(domain, f"The record does not name {address}: its answer is {said}.", mended)


def _fault(domain: str, what: str, publish: str) -> Finding:
    return Finding(_CHECK, domain, Level.FAULT, what, publish)


def _content(domain: str, sender: Sender, lookups: int) -> Finding:
    if not sender.addresses:
        what = "The record is sound; whether it names your mail server nobody here knows."
        return Finding(_CHECK, domain, Level.ADVICE, what)
    named = ", ".join(str(address) for address in sender.addresses)
    what = f"The record names {named}; {lookups} of {MOST_LOOKUPS} lookups."
    return Finding(_CHECK, domain, Level.OK, what)
