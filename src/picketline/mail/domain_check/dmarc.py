"""DMARC: the policy for the domains in our From, and what it protects (RFC 7489)."""

from __future__ import annotations

import re

from picketline.mail.domain_check import asking
from picketline.mail.domain_check.asking import Asker
from picketline.mail.domain_check.findings import Finding, Level, shown, txt_record
from picketline.mail.domain_check.tags import NoTagList, read_tags, write_tags

_CHECK = "DMARC"
_PROPOSAL = {"v": "DMARC1", "p": "quarantine"}
_POLICIES = ("none", "quarantine", "reject")
_PROTECTING = ("quarantine", "reject")
_REPORT = re.compile(r"mailto:[^\s,!@]+@([A-Za-z0-9.-]+\.[A-Za-z0-9-]+)(?:![0-9]+[kmgt]?)?", re.I)


def findings(asker: Asker, domain: str) -> list[Finding]:
    """What is wrong with the policy for a domain in our From. Raises `NotAnswered`.

    Ours is aligned with SPF and with DKIM even where strictly asked for: From, envelope and
    signature have the very same domain.
    """
    holders = [domain, *_parents(domain)]
    for holder in holders:
        found = _records(asker, holder)
        if len(found) > 1:
            what = f"_dmarc.{holder} has {len(found)} policies, and receivers then use none."
            return [_finding(domain, Level.FAULT, what, _line(holder, _PROPOSAL))]
        if found:
            return _policy(asker, domain, holder, found[0], last=holder == holders[-1])
    what = "There is no DMARC policy: anybody may write in this name, and large providers refuse."
    return [_finding(domain, Level.FAULT, what, _line(domain, _PROPOSAL))]


def _parents(domain: str) -> list[str]:
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels) - 1)]


def _records(asker: Asker, holder: str) -> list[str]:
    found = asking.texts(asker, f"_dmarc.{holder}")
    return [text for text in found if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text)]


def _policy(asker: Asker, domain: str, holder: str, text: str, *, last: bool) -> list[Finding]:
    own = domain == holder
    try:
        tags = read_tags(text)
    except NoTagList as error:
        what = f"The policy at _dmarc.{holder} cannot be read: {shown(str(error))}."
        return [_finding(domain, Level.FAULT, what, _line(holder, _PROPOSAL))]
    found = _strength(domain, holder, tags, "p" if own or "sp" not in tags else "sp")
    found += _details(domain, holder, tags)
    found += _reports(asker, domain, holder, tags)
    if not own and not last:
        what = f"Only _dmarc.{holder} has a policy; older receivers may not look there."
        found.append(_finding(domain, Level.ADVICE, what, _line(domain, _PROPOSAL)))
    strength = shown(tags.get("p" if own else "sp", tags.get("p", "")))
    return found or [_finding(domain, Level.OK, f"_dmarc.{holder} asks for {strength}.")]


def _strength(domain: str, holder: str, tags: dict[str, str], tag: str) -> list[Finding]:
    value = tags.get(tag, "").lower()
    better = _line(holder, {**tags, "v": "DMARC1", tag: "quarantine"})
    if value not in _POLICIES:
        what = f"The policy at _dmarc.{holder} has no usable {tag}=."
        return [_finding(domain, Level.FAULT, what, better)]
    if value not in _PROTECTING:
        what = f"The policy at _dmarc.{holder} is {tag}=none, so forged mail in our name goes on."
        return [_finding(domain, Level.ADVICE, what, better)]
    return []


def _details(domain: str, holder: str, tags: dict[str, str]) -> list[Finding]:
    """Tags whose nonsense makes receivers ignore them, or the whole."""
    wrong = [name for name in ("adkim", "aspf") if tags.get(name, "r").lower() not in ("r", "s")]
    if domain == holder and tags.get("sp", "none").lower() not in _POLICIES:
        wrong.append("sp")
    if not re.fullmatch(r"100|[1-9]?[0-9]", tags.get("pct", "100")):
        wrong.append("pct")
    if not wrong:
        return []
    kept = {name: value for name, value in tags.items() if name not in wrong}
    what = f"The policy at _dmarc.{holder} has a value that means nothing: {', '.join(wrong)}."
    return [_finding(domain, Level.WARNING, what, _line(holder, kept))]


def _reports(asker: Asker, domain: str, holder: str, tags: dict[str, str]) -> list[Finding]:
    if "rua" not in tags:
        return []
    wanted = [_REPORT.fullmatch(uri.strip()) for uri in tags["rua"].split(",")]
    receivers = [found[1].lower() for found in wanted if found]
    if len(receivers) < len(wanted):
        what = f"The rua= of _dmarc.{holder} has something that is no mailto: address."
        kept = {name: value for name, value in tags.items() if name != "rua"}
        good = [found[0] for found in wanted if found]
        kept |= {"rua": ",".join(good)} if good else {}
        return [_finding(domain, Level.WARNING, what, _line(holder, kept))]
    foreign = sorted({each for each in receivers if not _related(each, holder)})[:2]
    return [each for receiver in foreign for each in _consent(asker, domain, holder, receiver)]


def _consent(asker: Asker, domain: str, holder: str, receiver: str) -> list[Finding]:
    """Another organisation must say that it wants our reports: RFC 7489 §7.1."""
    name = f"{holder}._report._dmarc.{receiver}"
    if any(text.startswith("v=DMARC1") for text in asking.texts(asker, name)):
        return []
    what = f"{receiver} does not say that it takes reports about {holder}, so none are sent."
    return [_finding(domain, Level.ADVICE, what, txt_record(name, "v=DMARC1"))]


def _related(one: str, other: str) -> bool:
    return one.split(".")[-2:] == other.split(".")[-2:]


def _line(holder: str, tags: dict[str, str]) -> str:
    ordered = {name: tags[name] for name in ("v", "p") if name in tags}
    return txt_record(f"_dmarc.{holder}", write_tags({**ordered, **tags}))


def _finding(domain: str, level: Level, what: str, publish: str = "") -> Finding:
    return Finding(_CHECK, domain, level, what, publish)
