"""Secret links: finding the supporter behind a token, and what its bearer may read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta

from django.utils import timezone

from picketline.domain.sealing import Content, lock_for_link, unlock_for_link
from picketline.models import (
    Consent,
    Letter,
    LetterPart,
    PublicName,
    SealedSubmission,
    Supporter,
)
from picketline.seal import secretbox, tokens

CONFIRM_WITHIN = timedelta(days=7)
"""How long after its submission a confirmation link works."""


class LinkUnknown(Exception):
    """No such link, or none any more: wrong, truncated, expired and cancelled look alike."""


def find(token: str, purpose: str, *, lock: bool = False) -> Supporter:
    """The supporter of a well-formed, known token for this purpose. Raises ``LinkUnknown``.

    With ``lock``, inside a transaction, the row stays ours until its end.
    """
    if not tokens.well_formed(token):
        raise LinkUnknown
    rows = Supporter.objects.select_related("campaign")
    if lock:
        rows = rows.select_for_update(of=("self",))
    supporter = rows.filter(**{f"{purpose}_hash": tokens.token_hash(token, purpose)}).first()
    if supporter is None:
        raise LinkUnknown
    return supporter


def content(supporter: Supporter, status_token: str) -> Content | None:
    """The submission in the clear for the bearer of the status link; None once it is erased."""
    blob = Letter.objects.values_list("link_ct", flat=True).filter(pk=supporter.pk).first()
    if blob is None:
        return None
    key = tokens.link_key(status_token)
    try:
        return unlock_for_link(bytes(blob), key, bytes(supporter.status_hash))
    except secretbox.CannotOpen:
        raise LinkUnknown from None


def let_go_of_address(supporter: Supporter, status_token: str) -> None:
    """Take the address out of the link's copy, which needs it only until the confirmation.

    So the sealed one is the last, and its deletion keeps the promise about addresses.
    """
    known = content(supporter, status_token)
    if known is None:
        return
    row = bytes(supporter.status_hash)
    blob = lock_for_link(replace(known, address=""), tokens.link_key(status_token), row)
    Letter.objects.filter(pk=supporter.pk).update(link_ct=blob)


def move(supporter: Supporter, state: Supporter.State, **changes: object) -> bool:
    """Compare-and-set of the supporter's state; False where somebody else was faster."""
    moved = Supporter.objects.filter(pk=supporter.pk, state=supporter.state).update(
        state=state, **changes
    )
    return bool(moved)


def forget(*supporters: Supporter) -> None:
    """Delete everything that says who the supporters are; as many queries for all as for one."""
    SealedSubmission.objects.filter(supporter__in=supporters).delete()
    Letter.objects.filter(supporter__in=supporters).update(link_ct=None)
    LetterPart.objects.filter(letter__in=[each.pk for each in supporters]).delete()
    Consent.objects.filter(supporter__in=supporters).delete()
    PublicName.objects.filter(supporter__in=supporters).delete()


def today() -> date:
    """The day it is in UTC."""
    return timezone.now().astimezone(UTC).date()
