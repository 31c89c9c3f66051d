"""People who write from their own mailbox, at providers that sign what they send."""

from __future__ import annotations

from collections.abc import Iterable

from tests.dns_server import DnsServer
from tests.domain.incoming import arrivals
from tests.mail.incoming.signing import publish

from picketline.mail.dkim import DkimKey, KeyKind, dns_record, load_key, new_key, sign

PROVIDERS = ("writers.example", "elsewhere.example", "owner.example")
COPIES = "harbour@copies.picketline.example"
TARGETS = "office@owner.example, office@company.example"
_PEM = new_key(KeyKind.RSA)


def key_of(domain: str) -> DkimKey:
    """The key that this provider signs with."""
    return load_key(domain, "s1", _PEM)


def publish_keys(dns: DnsServer, domains: Iterable[str] = PROVIDERS) -> None:
    """What the providers have in DNS."""
    for domain in domains:
        publish(dns, f"s1._domainkey.{domain}", dns_record(key_of(domain)).encode())


def unsigned_letter(body: str = "Dear Owners, take her back.", **fields: str) -> bytes:
    """A letter to the targets with the copy address in CC; ``fields`` as in ``message``."""
    header = {
        "From": "Ann Docker <ann@writers.example>",
        "To": TARGETS,
        "Cc": COPIES,
        "Subject": "The harbour",
        "Message-ID": "<1@writers.example>",
    }
    header |= {name.replace("_", "-"): value for name, value in fields.items()}
    return arrivals.message(body, **header)


def letter(body: str = "Dear Owners, take her back.", *, by: str = "", **fields: str) -> bytes:
    """The same with a signature of its writer's provider, or of the domain ``by``."""
    raw = unsigned_letter(body, **fields)
    writer = fields.get("From", "ann@writers.example").strip(">").rpartition("@")[2]
    return sign(raw, [key_of(by or writer)])
