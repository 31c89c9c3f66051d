"""E-mail addresses: what we accept, and what we treat as the same mailbox.

Stricter than RFC 5321 on purpose: no quoted local parts, no SMTPUTF8, no address literals, so that
an accepted address is plain ASCII, survives every relay and cannot be read as an option or a list.
"""

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NewType

from email_validator import EmailNotValidError, validate_email

EmailAddr = NewType("EmailAddr", str)
"""An address that `parse_address` accepted: ASCII, local part as typed, domain in A-labels."""

MAX_LENGTH = 254  # RFC 5321 4.5.3.1.3, without the angle brackets
MAX_LOCAL_LENGTH = 64  # RFC 5321 4.5.3.1.1


class AddressReason(Enum):
    """Why an address is refused; a form has one sentence for each."""

    EMPTY = "empty"
    TOO_LONG = "too long"
    NOT_AN_ADDRESS = "not an address"
    SEVERAL = "several addresses, or a name beside the address"
    LOCAL_NOT_ASCII = "letters before the @ that most mail servers cannot carry"
    LOCAL_PART = "characters before the @ that we do not accept"
    DOMAIN = "no domain name that mail can be sent to"
    ROLE = "an address that nobody writes from"
    OWN_DOMAIN = "an address of this site itself"


class AddressRefused(Exception):
    """The address cannot be used; `reason` says why."""

    def __init__(self, reason: AddressReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


# Addresses of machines and duties: a confirmation from there is no person's consent, and mail
# between machines can loop. Compared without dots, hyphens, underscores and tags.
_ROLES = frozenset(
    [
        "postmaster",
        "hostmaster",
        "abuse",
        "noreply",
        "donotreply",
        "mailerdaemon",
        "maildaemon",
        "daemon",
        "bounce",
        "bounces",
        "root",
        "nobody",
        "null",
        "devnull",
        "listserv",
        "majordomo",
        "mailman",
        "unsubscribe",
        "noc",
        "security",
        "spam",
    ]
)
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"  # RFC 5322 3.2.3
_LOCAL = re.compile(rf"(?!-){_ATEXT}(?:\.{_ATEXT})*")
_GMAIL = frozenset({"gmail.com", "googlemail.com"})


def parse_address(value: str, *, own_domains: Iterable[str] = ()) -> EmailAddr:
    """Check an address from outside. Spaces around it are forgiven.

    The local part stays as typed; the domain becomes lower-case A-labels (IDNA 2008), so a
    Cyrillic look-alike shows itself as `xn--…`. `own_domains`, in A-labels, are those whose mail
    comes to us: addresses there or below are refused, which rules out loops. Reserved names for
    examples (`.example`, `.test`) are accepted. Nothing is looked up. Raises AddressRefused.
    """
    address = value.strip(" \t\u00a0")
    local, domain = _halves(address)
    _check_local(local)
    domain = _a_labels(domain)
    if len(local) + 1 + len(domain) > MAX_LENGTH:
        raise AddressRefused(AddressReason.TOO_LONG)
    if any(at_or_below(domain, own.lower().rstrip(".")) for own in own_domains):
        raise AddressRefused(AddressReason.OWN_DOMAIN)
    return EmailAddr(f"{local}@{domain}")


def canonical(address: str) -> str:
    """One spelling per mailbox, to find repeated signatures; never an address to send to.

    Takes what `parse_address` accepted. Lower case, without `+tag`; the dots of a Gmail address
    mean nothing and googlemail.com is gmail.com. `canonical(canonical(a)) == canonical(a)`.
    """
    local, _, domain = address.lower().rpartition("@")
    local = _untagged(local)
    if domain in _GMAIL:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def _halves(address: str) -> tuple[str, str]:
    if not address:
        raise AddressRefused(AddressReason.EMPTY)
    if len(address) > 2 * MAX_LENGTH:
        raise AddressRefused(AddressReason.TOO_LONG)
    if address.count("@") > 1 or any(sign in address for sign in ",;<>"):
        raise AddressRefused(AddressReason.SEVERAL)
    local, at, domain = address.partition("@")
    if not (local and at and domain):
        raise AddressRefused(AddressReason.NOT_AN_ADDRESS)
    return local, domain


def _check_local(local: str) -> None:
    if not local.isascii():
        raise AddressRefused(AddressReason.LOCAL_NOT_ASCII)
    # Atoms allow "=?", but it begins an encoded word: mail.headers sends to no such address.
    if "=?" in local or not _LOCAL.fullmatch(local):
        raise AddressRefused(AddressReason.LOCAL_PART)
    if len(local) > MAX_LOCAL_LENGTH:
        raise AddressRefused(AddressReason.TOO_LONG)
    if re.sub(r"[._-]", "", _untagged(local.lower())) in _ROLES:
        raise AddressRefused(AddressReason.ROLE)


@lru_cache(maxsize=1024)  # most people are at a few providers
def _a_labels(domain: str) -> str:
    # test_environment lifts the library's ban on .test and nothing else; .local, .onion and their
    # like stay refused. The bare name "test", which it lifts too, is refused here.
    try:
        found = validate_email(f"x@{domain}", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise AddressRefused(AddressReason.DOMAIN) from None
    ascii_domain = found.ascii_domain.lower()
    if "." not in ascii_domain:
        raise AddressRefused(AddressReason.DOMAIN)
    return ascii_domain


def at_or_below(domain: str, parent: str) -> bool:
    """Whether a domain is this one or below it; both in small letters and A-labels."""
    return domain == parent or domain.endswith("." + parent)


def _untagged(local: str) -> str:
    name, _, _ = local.partition("+")
    return name or local
