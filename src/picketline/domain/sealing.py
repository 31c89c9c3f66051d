"""What a supporter typed, between the form and the mail: packed, sealed twice, and opened again.

Once to the campaign's key, in parts that are erased at different times (``SealedSubmission``), and
once as a whole under the key that the bearer of the writer's link can derive (``Letter.link_ct``).
Both are bound to the supporter's row by its status hash, so that no ciphertext can be moved to
another row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from picketline.domain.keyring import campaign_private_key
from picketline.domain.letters import RenderedLetter, Signature
from picketline.mail.addresses import EmailAddr
from picketline.models import Campaign, SealedSubmission, Supporter
from picketline.seal import boxes, secretbox

ADDRESS, TOKEN, SIGNATURE, TEXTS = "address", "token", "signature", "texts"


class Erased(Exception):
    """That part of the submission has been erased, as promised or as its writer asked."""


@dataclass(frozen=True)
class Content:
    """A submission in the clear."""

    own_words: str
    address: str
    signature: Signature
    letters: tuple[RenderedLetter, ...]


def lock_for_link(content: Content, key: bytes, row: bytes) -> bytes:
    """The whole submission for the bearer of the link whose key this is."""
    return secretbox.lock(key, _dump(_plain(content)), _link_context(row))


def unlock_for_link(blob: bytes, key: bytes, row: bytes) -> Content:
    """The submission again. Raises ``secretbox.CannotOpen`` for a wrong key or a moved blob."""
    raw = json.loads(secretbox.unlock(key, blob, _link_context(row)))
    return Content(
        own_words=raw["own_words"],
        address=raw["address"],
        signature=Signature(**raw["signature"]),
        letters=_letters(raw["letters"]),
    )


def seal_for_worker(
    content: Content, token: str, campaign: Campaign, row: bytes
) -> dict[str, bytes]:
    """The parts of the submission, each sealed to the campaign's public key."""
    parts = {
        ADDRESS: content.address.encode(),
        TOKEN: token.encode(),
        SIGNATURE: _dump(vars(content.signature)),
        TEXTS: _dump([vars(letter) for letter in content.letters]),
    }
    return boxes.seal_many(bytes(campaign.public_key), parts, _row_context(row))


def seal_sender(address: EmailAddr, token: str, campaign: Campaign, row: bytes) -> dict[str, bytes]:
    """What is kept of somebody who wrote from their own mailbox, as columns of their row."""
    parts = {ADDRESS: address.encode(), TOKEN: token.encode()}
    sealed = boxes.seal_many(bytes(campaign.public_key), parts, _row_context(row))
    return {f"{part}_ct": blob for part, blob in sealed.items()}


def seal_signature(signature: Signature, campaign: Campaign, row: bytes) -> bytes:
    """A signature that was given later than the rest, for its column."""
    context = boxes.part_context(_row_context(row), SIGNATURE)
    return boxes.seal(bytes(campaign.public_key), _dump(vars(signature)), context)


def lock_mark(mark: bytes, key: bytes, row: bytes) -> bytes:
    """The mark of an address on the suppression list, for the bearer of the link with this key."""
    return secretbox.lock(key, mark, _mark_context(row))


def unlock_mark(blob: bytes, key: bytes, row: bytes) -> bytes:
    """The mark again. Raises ``secretbox.CannotOpen``."""
    return secretbox.unlock(key, blob, _mark_context(row))


@dataclass(frozen=True)
class OpenedSubmission:
    """Reads the parts of one sealed submission, each once, when it is first asked for.

    Every method raises ``Erased`` where its part is gone and ``boxes.CannotOpen`` where it was
    tampered with.
    """

    sealed: SealedSubmission
    opener: boxes.Opener
    row: bytes
    _parts: dict[str, Any] = field(default_factory=dict, repr=False)

    def address(self) -> EmailAddr:
        """The address as it was typed."""
        return EmailAddr(self._open(self.sealed.address_ct, ADDRESS).decode())

    def token(self) -> str:
        """The confirmation link's token."""
        return self._open(self.sealed.token_ct, TOKEN).decode()

    def signature(self) -> Signature:
        """Who signed."""
        if SIGNATURE not in self._parts:
            raw = json.loads(self._open(self.sealed.signature_ct, SIGNATURE))
            self._parts[SIGNATURE] = Signature(**raw)
        return cast(Signature, self._parts[SIGNATURE])

    def letters(self) -> tuple[RenderedLetter, ...]:
        """The texts, one for each target."""
        if TEXTS not in self._parts:
            self._parts[TEXTS] = _letters(json.loads(self._open(self.sealed.texts_ct, TEXTS)))
        return cast("tuple[RenderedLetter, ...]", self._parts[TEXTS])

    def _open(self, blob: memoryview | bytes | None, part: str) -> bytes:
        if blob is None:
            raise Erased(part)
        context = boxes.part_context(_row_context(self.row), part)
        return self.opener.open(bytes(blob), context)


def opened(supporter: Supporter) -> OpenedSubmission:
    """The reader of a supporter's submission, for processes that hold private keys.

    Raises ``Erased`` where all of it is gone.
    """
    try:
        sealed = supporter.sealed
    except SealedSubmission.DoesNotExist:
        raise Erased("submission") from None
    opener = boxes.Opener(campaign_private_key(supporter.campaign))
    return OpenedSubmission(sealed, opener, bytes(supporter.status_hash))


def _letters(raw: Iterable[dict[str, Any]]) -> tuple[RenderedLetter, ...]:
    return tuple(RenderedLetter(**letter) for letter in raw)


def _plain(content: Content) -> dict[str, object]:
    """What ``dataclasses.asdict`` would give, without its copies: signing is a hot path."""
    return {
        **vars(content),
        "signature": vars(content.signature),
        "letters": [vars(letter) for letter in content.letters],
    }


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _row_context(row: bytes) -> bytes:
    return b"submission|" + row


def _link_context(row: bytes) -> bytes:
    return b"link|" + row


def _mark_context(row: bytes) -> bytes:
    return b"mark|" + row
