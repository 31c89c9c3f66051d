"""DKIM: the keys that sign, and those that the DNS shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from picketline.mail.domain_check import asking
from picketline.mail.domain_check.asking import Asker
from picketline.mail.domain_check.findings import Finding, Level, shown, txt_record
from picketline.mail.domain_check.tags import NoTagList, read_tags

_CHECK = "DKIM"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The public face of a key that signs: its selector, and the text to publish there."""

    selector: str
    record: str


def findings(asker: Asker, domain: str, keys: Sequence[SigningKey]) -> list[Finding]:
    """What is wrong with the published keys of a signing domain. Raises `NotAnswered`."""
    if not keys:
        what = "No key signs for this domain: make one with picketline dkim new."
        return [Finding(_CHECK, domain, Level.FAULT, what)]
    found = [_key(asker, domain, key) for key in keys]
    if all(read_tags(key.record).get("k") == "ed25519" for key in keys):
        what = "Many receivers know no Ed25519: make an RSA key as well with picketline dkim new."
        found.append(Finding(_CHECK, domain, Level.WARNING, what))
    return found


def _key(asker: Asker, domain: str, key: SigningKey) -> Finding:
    name = f"{key.selector}._domainkey.{domain}"
    publish = txt_record(name, key.record)
    found = asking.texts(asker, name)
    if not found:
        return Finding(_CHECK, name, Level.FAULT, "The key is not published.", publish)
    if len(found) > 1:
        what = f"There are {len(found)} TXT records where one key should stand: keep one."
        return Finding(_CHECK, name, Level.FAULT, what, publish)
    try:
        what = _difference(read_tags(found[0]), read_tags(key.record))
    except NoTagList as error:
        what = f"The record is no key: {shown(str(error))}."
    if what:
        return Finding(_CHECK, name, Level.FAULT, what, publish)
    if "y" in _flags(read_tags(found[0])):
        what = "The record says t=y, for a test: some receivers then ignore the signature."
        return Finding(_CHECK, name, Level.WARNING, what, publish)
    return Finding(_CHECK, name, Level.OK, "The published key is the one that signs.")


def _difference(there: dict[str, str], ours: dict[str, str]) -> str:
    """What makes a published key useless for our signatures; empty if nothing does: §3.6.1."""
    if "v" in there and (there["v"] != "DKIM1" or next(iter(there)) != "v"):
        return "The record must begin with v=DKIM1."
    if not there.get("p"):
        return "The record has an empty p=, which revokes the key."
    if there.get("k", "rsa").lower() != ours.get("k", "rsa"):
        return "The record's k= is for another kind of key."
    if _squeezed(there["p"]) != _squeezed(ours["p"]):
        return "The published key is not the one that signs."
    if "h" in there and "sha256" not in _listed(there["h"]):
        return "The record's h= does not allow sha256."
    if "s" in there and not {"*", "email"} & set(_listed(there["s"])):
        return "The record's s= does not allow mail."
    return ""


def _flags(tags: dict[str, str]) -> list[str]:
    return _listed(tags.get("t", ""))


def _listed(value: str) -> list[str]:
    return [each.strip().lower() for each in value.split(":")]


def _squeezed(value: str) -> str:
    return re.sub(r"\s", "", value)
