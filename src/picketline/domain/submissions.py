"""Submissions: what the form sends in becomes an unconfirmed supporter and one mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from django.db import connection
from django.utils import timezone

from picketline.domain.campaigns import CampaignClosed
from picketline.domain.keyring import public_keys
from picketline.domain.letters import RenderedLetter, Signature
from picketline.domain.sealing import Content, lock_for_link, seal_for_worker
from picketline.domain.streams import Stream, domain_of
from picketline.mail.addresses import EmailAddr, canonical
from picketline.mail.compose import new_message_id
from picketline.models import Campaign, Consent, Supporter
from picketline.seal import index, tokens

CONSENT_WORDING = "2026-11"

# One round trip: the request is answered twice as fast as with a statement for each table.
_WRITE = """
WITH supporter AS (
    INSERT INTO picketline_supporter
        (campaign_id, state, address_index, confirm_hash, status_hash, page_language, country,
         signs_as, members, replies, created_at)
    VALUES (%(campaign)s, 'unconfirmed', %(address_index)s, %(confirm_hash)s, %(status_hash)s,
            %(page_language)s, %(country)s, %(signs_as)s, %(members)s, %(replies)s, %(now)s)
    RETURNING id
), sealed AS (
    INSERT INTO picketline_sealedsubmission
        (supporter_id, address_ct, token_ct, signature_ct, texts_ct)
    SELECT id, %(address_ct)s, %(token_ct)s, %(signature_ct)s, %(texts_ct)s FROM supporter
), letter AS (
    INSERT INTO picketline_letter (supporter_id, link_ct)
    SELECT id, %(link_ct)s FROM supporter
), parts AS (
    INSERT INTO picketline_letterpart (letter_id, target_id, model_letter_id)
    SELECT supporter.id, part.target, part.model_letter
    FROM supporter, unnest(%(targets)s::bigint[], %(model_letters)s::bigint[])
        AS part (target, model_letter)
), consented AS (
    INSERT INTO picketline_consent (supporter_id, kind, wording, given_on)
    SELECT supporter.id, kind, %(wording)s, (%(now)s AT TIME ZONE 'UTC')::date
    FROM supporter, unnest(%(consents)s::text[]) AS kind
)
INSERT INTO picketline_delivery
    (campaign_id, mail_class, supporter_id, budget_hash, state, message_id, dated, due_at,
     created_at, attempt_count, outcome, enhanced_code, direct, relay_status)
SELECT %(campaign)s, 'confirmation', supporter.id, %(budget_hash)s, 'queued', %(message_id)s,
       date_trunc('second', %(now)s), %(now)s, %(now)s, 0, '', '', false, ''
FROM supporter
"""


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
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            {
                **_supporter(campaign, submission),
                **{f"{part}_ct": blob for part, blob in sealed.items()},
                "confirm_hash": tokens.token_hash(token, tokens.CONFIRM),
                "status_hash": row,
                "link_ct": link_ct,
                "targets": [letter.target_id for letter in shown],
                "model_letters": [letter.model_letter_id for letter in shown],
                "consents": sorted(submission.consents),
                "wording": CONSENT_WORDING,
                "message_id": new_message_id(domain_of(Stream.CONFIRMATIONS)),
                "now": now,
            },
        )


def _supporter(campaign: Campaign, submission: Submission) -> dict[str, str | int | bytes | None]:
    """What the rows say about the supporter in the clear: nothing that tells who it is."""
    signature = submission.signature
    members = (signature.members or None) if signature.organisation else None
    address = canonical(submission.address)
    keys = public_keys()
    return {
        "campaign": campaign.pk,
        "address_index": index.blind_index(keys.index, str(campaign.pk), address),
        "budget_hash": index.keyed_hash(keys.budget, address),
        "page_language": submission.page_language,
        "country": signature.country,
        "signs_as": Supporter.SignsAs.ORGANISATION if members else Supporter.SignsAs.PERSON,
        "members": members,
        "replies": submission.replies,
    }
