"""Receiving: a message is sealed and committed before anybody says that we have it.

Whoever receives needs the public keys only: it cannot open what it took in. A message that was
committed but not acknowledged comes again; the sorting drops the second one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone

from picketline.domain.incoming import doors
from picketline.domain.keyring import public_keys, worker_keys
from picketline.mail.incoming.limits import MAX_MESSAGE
from picketline.models import IncomingMessage
from picketline.seal import boxes


class NoSuchAddress(Exception):
    """There is no such address of ours, or none any more."""


class TooLarge(Exception):
    """The message has more than ``MAX_MESSAGE`` bytes; it could not be examined."""


@dataclass(frozen=True)
class Received:
    """A message as it came, with its envelope. None of it stands in the clear in the database."""

    envelope_sender: str
    recipient: str
    raw: bytes = field(repr=False)


def receive(recipient: str, envelope_sender: str, raw: bytes) -> None:
    """Take a message in; on return it is committed.

    Call it once for each recipient, outside of any transaction. Raises ``NoSuchAddress``,
    ``TooLarge``, ``KeyProblem`` and whatever the database raises: in the last two cases the
    message is to be offered again.
    """
    found = doors.find(recipient, envelope_sender)
    if found is None:
        raise NoSuchAddress
    if len(raw) > MAX_MESSAGE:
        raise TooLarge
    now = timezone.now()
    delivery = found.delivery
    with transaction.atomic(durable=True):
        IncomingMessage.objects.create(
            door=found.door,
            received_at=now,
            examine_at=now,
            raw_ct=_seal(Received(envelope_sender, recipient, raw), found.door),
            campaign=found.campaign,
            delivery=delivery,
            target_id=delivery.target_id if delivery else None,
            supporter_id=delivery.supporter_id if delivery else None,
        )


def opened(message: IncomingMessage) -> Received:
    """The message as it came. Raises ``boxes.CannotOpen``, and ``ValueError`` once it is erased."""
    if message.raw_ct is None:
        raise ValueError("the raw message has been erased")
    private = worker_keys().installation_private
    plain = boxes.open_box(private, bytes(message.raw_ct), _context(message.door))
    head, _, raw = plain.partition(b"\n")
    sender, recipient = json.loads(head)
    return Received(sender, recipient, raw)


def _seal(received: Received, door: str) -> bytes:
    head = json.dumps([received.envelope_sender, received.recipient]).encode()
    public = public_keys().installation_public
    return boxes.seal(public, head + b"\n" + received.raw, _context(door))


def _context(door: str) -> bytes:
    return b"incoming|raw|" + str(door).encode()
