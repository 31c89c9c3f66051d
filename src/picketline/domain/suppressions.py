"""Suppressions: addresses whose owners want no mail from here, as keyed hashes."""

from __future__ import annotations

from picketline.domain import links
from picketline.domain.keyring import public_keys
from picketline.domain.sealing import Erased, opened
from picketline.mail.addresses import canonical
from picketline.models import Consent, Delivery, Supporter, Suppression
from picketline.seal import index

_TO_WRITERS = frozenset(
    {
        Delivery.MailClass.CONFIRMATION,
        Delivery.MailClass.WRITER_COPY,
        Delivery.MailClass.FORWARDED_REPLY,
        Delivery.MailClass.THANKS,
        Delivery.MailClass.CAMPAIGN_UPDATE,
    }
)


def is_to_writer(mail_class: str) -> bool:
    """Whether mails of this class go to a writer, whom they then can be told to leave alone.

    A letter and an organiser's copy belong to a writer too, but others get them.
    """
    return mail_class in _TO_WRITERS


def add(address: str) -> None:
    """From now on no campaign sends anything of ours to this address. Safe to repeat."""
    add_hash(hash_of(address))


def add_hash(address_hash: bytes) -> None:
    """The same for whoever has ``hash_of(address)`` only."""
    row = Suppression(address_hash=address_hash, created_on=links.today())
    Suppression.objects.bulk_create([row], ignore_conflicts=True)


def has(address: str) -> bool:
    """Whether this address's owner wants no mail from here."""
    return Suppression.objects.filter(address_hash=hash_of(address)).exists()


def hash_of(address: str) -> bytes:
    """The keyed hash by which an address is recognised on the list."""
    return index.keyed_hash(public_keys().suppression, canonical(address))


def leave_alone(supporter: Supporter) -> bool:
    """Write to this supporter no more: their address is suppressed, and they want no updates.

    False where the address is erased already: then nothing can be sent there anyway.
    """
    supporter.consents.filter(kind=Consent.Kind.UPDATES).delete()
    try:
        add(opened(supporter).address())
    except Erased:
        return False
    return True
