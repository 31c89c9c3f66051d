"""Submissions: what the form sends in becomes an unconfirmed supporter and one mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from picketline.domain.campaigns import CampaignClosed
from picketline.domain.keyring import public_keys
from picketline.domain.letters import RenderedLetter, Signature
from picketline.domain.sealing import Content, lock_for_link, seal_for_worker
from picketline.mail.addresses import EmailAddr, canonical
from picketline.mail.compose import new_message_id
from picketline.models import (
    Campaign,
    Consent,
    Delivery,
    Letter,
    LetterPart,
    SealedSubmission,
    Supporter,
)
from picketline.seal import index, tokens

CONSENT_WORDING = "2026-11"


@dataclass(frozen=True)
class Submission:
    """A checked form. ``address`` is as typed; ``page_language`` is the one we write mails in."""

    own_words: str
    signature: Signature
    address: EmailAddr
    page_language: str
    replies: Supporter.Replies
    consents: frozenset[Consent.Kind]


def submit(campaign: Campaign, submission: Submission, shown: Sequence[RenderedLetter]) -> None:
    """Keep the letters as ``shown`` and queue the mail that asks the writer to confirm.

    Does the same work for every address, known, repeated or blocked: budgets and suppression are
    the worker's business, so that neither answer nor duration tells who took part.
    Raises ``CampaignClosed``.
    """
    now = timezone.now()
    if not campaign.accepts_letters(now.astimezone(UTC).date()):
        raise CampaignClosed(campaign.slug)
    token = tokens.new_token()
    status_token = tokens.derive(token, tokens.STATUS)
    row = tokens.token_hash(status_token, tokens.STATUS)
    content = Content(
        own_words=submission.own_words,
        address=submission.address,
        signature=submission.signature,
        letters=tuple(shown),
    )
    sealed = seal_for_worker(content, token, campaign, row)
    link_ct = lock_for_link(content, tokens.link_key(status_token), row)
    with transaction.atomic():
        supporter = _supporter(campaign, submission, token, row, now)
        SealedSubmission.objects.bulk_create(
            [SealedSubmission(supporter=supporter, **{f"{k}_ct": v for k, v in sealed.items()})]
        )
        _letter(supporter, link_ct, shown)
        _consents(supporter, submission.consents, now)
        _ask_to_confirm(supporter, submission.address, now)


def _letter(supporter: Supporter, link_ct: bytes, shown: Sequence[RenderedLetter]) -> None:
    Letter.objects.bulk_create([Letter(supporter=supporter, link_ct=link_ct)])
    LetterPart.objects.bulk_create(
        LetterPart(
            letter_id=supporter.pk,
            target_id=letter.target_id,
            model_letter_id=letter.model_letter_id,
        )
        for letter in shown
    )


def _consents(supporter: Supporter, kinds: frozenset[Consent.Kind], now: datetime) -> None:
    Consent.objects.bulk_create(
        Consent(supporter=supporter, kind=kind, wording=CONSENT_WORDING, given_on=now.date())
        for kind in sorted(kinds)
    )


def _supporter(
    campaign: Campaign, submission: Submission, token: str, row: bytes, now: datetime
) -> Supporter:
    signature = submission.signature
    members = (signature.members or None) if signature.organisation else None
    return Supporter.objects.create(
        campaign=campaign,
        address_index=index.blind_index(
            public_keys().index, str(campaign.pk), canonical(submission.address)
        ),
        confirm_hash=tokens.token_hash(token, tokens.CONFIRM),
        status_hash=row,
        page_language=submission.page_language,
        country=signature.country,
        signs_as=Supporter.SignsAs.ORGANISATION if members else Supporter.SignsAs.PERSON,
        members=members,
        replies=submission.replies,
        created_at=now,
    )


def _ask_to_confirm(supporter: Supporter, address: EmailAddr, now: datetime) -> None:
    Delivery.objects.bulk_create(
        [
            Delivery(
                campaign_id=supporter.campaign_id,
                mail_class=Delivery.MailClass.CONFIRMATION,
                supporter=supporter,
                budget_hash=index.keyed_hash(public_keys().budget, canonical(address)),
                message_id=new_message_id(f"notices.{settings.MAIL_DOMAIN}"),
                dated=now.replace(microsecond=0),
                due_at=now,
                created_at=now,
            )
        ]
    )
