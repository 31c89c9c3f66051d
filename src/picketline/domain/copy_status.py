"""The page of whoever wrote from their own mailbox: what they agree to, and "it was not me".

Every function takes the token of that page's link and works without a private key.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from picketline.domain import counts, deliveries, links, suppressions
from picketline.domain.letters import Signature
from picketline.domain.sealing import seal_signature, unlock_mark
from picketline.domain.submissions import CONSENT_WORDING
from picketline.models import (
    Campaign,
    Consent,
    Letter,
    PublicName,
    SealedSubmission,
    Supporter,
)
from picketline.seal import secretbox, tokens

OPTIONAL = frozenset({Consent.Kind.UPDATES, Consent.Kind.SHOW_NAME})


@dataclass(frozen=True)
class CopyStatus:
    """What the page shows. ``offered`` is what its bearer may still agree to.

    That ends when the address is erased, since then nothing could be sent any more.
    """

    campaign: Campaign
    supporter: Supporter
    consents: frozenset[Consent.Kind]
    offered: frozenset[Consent.Kind]


def status(token: str) -> CopyStatus:
    """Whose page this is and what they agreed to; changes nothing. Raises ``LinkUnknown``."""
    supporter = _find(token)
    consents = _given_by(supporter)
    if supporter.address_index is None and not consents:
        raise links.LinkUnknown  # the campaign is long over
    offered = OPTIONAL - consents if _mark_of(supporter) is not None else frozenset()
    return CopyStatus(supporter.campaign, supporter, consents, offered)


def agree(token: str, consents: frozenset[Consent.Kind], name: str) -> None:
    """Note what the bearer agrees to; ``name`` is shown if they agree to that.

    What they agreed to before stays as it was, and nothing happens where it is too late. Raises
    ``LinkUnknown``.
    """
    with transaction.atomic():
        supporter = _find(token, lock=True)
        if _mark_of(supporter) is None:
            return
        fresh = sorted((consents & OPTIONAL) - _given_by(supporter))
        today = links.today()
        Consent.objects.bulk_create(
            Consent(supporter=supporter, kind=kind, wording=CONSENT_WORDING, given_on=today)
            for kind in fresh
        )
        if Consent.Kind.SHOW_NAME in fresh:
            _keep_name(supporter, name)


def take_back(token: str, kind: Consent.Kind) -> None:
    """Withdraw one consent; a name that was shown disappears at once. Raises ``LinkUnknown``."""
    with transaction.atomic():
        supporter = _find(token, lock=True)
        supporter.consents.filter(kind=kind).delete()
        if kind == Consent.Kind.SHOW_NAME:
            PublicName.objects.filter(supporter=supporter).delete()
            SealedSubmission.objects.filter(supporter=supporter).update(signature_ct=None)


def disown(token: str) -> None:
    """It was not the bearer who wrote: count it no longer, forget all, and never write again.

    Raises ``LinkUnknown``.
    """
    with transaction.atomic():
        supporter = _find(token, lock=True)
        mark = _mark_of(supporter)
        if mark is not None:
            suppressions.add_hash(_opened(mark, token, supporter))
        deliveries.cancel_unsent(supporter)
        today = links.today()
        state = Supporter.State.WITHDRAWN
        if links.move(supporter, state, address_index=None, erased_on=today):
            counts.add(supporter.campaign_id, counts.CountKind.COPIES, -1)
        links.forget(supporter)


def _find(token: str, *, lock: bool = False) -> Supporter:
    supporter = links.find(token, tokens.STATUS, lock=lock)
    if supporter.way != Supporter.Way.OWN_MAILBOX or supporter.state != Supporter.State.CONFIRMED:
        raise links.LinkUnknown
    return supporter


def _given_by(supporter: Supporter) -> frozenset[Consent.Kind]:
    kinds = supporter.consents.values_list("kind", flat=True)
    return frozenset(Consent.Kind(kind) for kind in kinds)


def _mark_of(supporter: Supporter) -> bytes | None:
    blob = Letter.objects.values_list("link_ct", flat=True).filter(pk=supporter.pk).first()
    return None if blob is None else bytes(blob)


def _opened(mark: bytes, token: str, supporter: Supporter) -> bytes:
    try:
        return unlock_mark(mark, tokens.link_key(token), bytes(supporter.status_hash))
    except secretbox.CannotOpen:
        raise links.LinkUnknown from None


def _keep_name(supporter: Supporter, name: str) -> None:
    """Seal the name for the worker, which shows it with the next batch of names."""
    row = bytes(supporter.status_hash)
    sealed = seal_signature(Signature(name=name, country=""), supporter.campaign, row)
    SealedSubmission.objects.filter(supporter=supporter).update(signature_ct=sealed)
