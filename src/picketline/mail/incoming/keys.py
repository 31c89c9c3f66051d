"""The public keys of DKIM signatures, out of the DNS (RFC 6376 §3.6.2)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.nameserver import Nameserver

_PER_TRY = 1.5  # seconds
_IN_ALL = 3.0
_LONGEST = 2048  # octets: RSA of 8,192 bits fits; more would only cost time


class KeyUnavailable(Exception):
    """The DNS gave no answer: whether there is a key is not known now."""


def public_key(domain: str, selector: str, nameservers: tuple[str, ...]) -> bytes | None:
    """The key record of a signature, or None where there is none that could be used.

    `nameservers` as "192.0.2.1", "192.0.2.1:5353" or "[2001:db8::1]:53"; () asks those of the
    system. Takes three seconds at most. Raises KeyUnavailable.
    """
    from dns import exception, resolver

    try:
        asked = resolver.Resolver(configure=not nameservers)
        if nameservers:
            asked.nameservers = [_nameserver(each) for each in nameservers]
        asked.timeout = _PER_TRY
        answer = asked.resolve(
            f"{selector}._domainkey.{domain}.", "TXT", lifetime=_IN_ALL, search=False
        )
    except (resolver.NXDOMAIN, resolver.NoAnswer):
        return None
    except (resolver.NoNameservers, resolver.NoResolverConfiguration, exception.Timeout, OSError):
        raise KeyUnavailable from None
    except exception.DNSException:
        return None  # a name that cannot be asked for
    records = [b"".join(record.strings) for record in answer]
    usable = [record for record in records if b"p=" in record and len(record) <= _LONGEST]
    return usable[0] if len(usable) == 1 else None


def _nameserver(address: str) -> "str | Nameserver":
    from dns.nameserver import Do53Nameserver

    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        return address
    return Do53Nameserver(host.strip("[]"), int(port))
