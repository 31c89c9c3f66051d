"""Freezing: the moment a letter is fixed and all its mails are queued."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from picketline.domain.campaigns import CampaignClosed
from picketline.domain.streams import Stream, domain_of
from picketline.models import Campaign, Letter, Supporter

_FREEZE = """
INSERT INTO picketline_delivery
    (campaign_id, mail_class, supporter_id, target_id, target_version_id, model_letter_id,
     copy_address_id, state, message_id, dated, due_at, created_at, attempt_count, outcome,
     enhanced_code, direct, relay_status)
SELECT %(campaign)s, wanted.mail_class, %(supporter)s, wanted.target_id, wanted.version_id,
       wanted.model_letter_id, wanted.copy_address_id, 'queued',
       '<' || replace(gen_random_uuid()::text, '-', '') || '@' || wanted.domain || '>',
       CASE wanted.mail_class WHEN 'writer copy' THEN date_trunc('second', %(now)s::timestamptz)
                              ELSE %(dated)s END,
       %(now)s, %(now)s, 0, '', '', false, ''
FROM (
    SELECT 'letter' AS mail_class, part.target_id, version.id AS version_id, part.model_letter_id,
           NULL::bigint AS copy_address_id, %(letters)s AS domain
    FROM picketline_letterpart part
    JOIN picketline_target target ON target.id = part.target_id AND target.retired_at IS NULL
    JOIN picketline_targetversion version ON version.target_id = target.id AND version.current
    WHERE part.letter_id = %(supporter)s
    UNION ALL
    SELECT 'organiser copy', NULL, NULL, NULL, copy.id, %(notices)s
    FROM picketline_copyaddress copy
    WHERE copy.campaign_id = %(campaign)s AND copy.active AND %(each)s
    UNION ALL
    SELECT 'writer copy', NULL, NULL, NULL, NULL, %(notices)s
) wanted
"""


def freeze(supporter: Supporter, now: datetime) -> None:
    """Fix the letter's date and queue all its mails in one statement, however many targets.

    The date is rounded down to the hour, so that it does not tell when somebody confirmed; only
    the writer's own copy is exact.
    Raises ``CampaignClosed`` where every target that the letter was written to has been retired.
    """
    if not supporter.letter.parts.filter(target__retired_at__isnull=True).exists():
        raise CampaignClosed(supporter.campaign.slug)
    dated = now.replace(minute=0, second=0, microsecond=0)
    Letter.objects.filter(pk=supporter.pk).update(frozen_at=dated)
    values: dict[str, int | str | bool | datetime] = {
        "campaign": supporter.campaign_id,
        "supporter": supporter.pk,
        "dated": dated,
        "now": now,
        "letters": domain_of(Stream.LETTERS),
        "notices": domain_of(Stream.NOTICES),
        "each": supporter.campaign.copies == Campaign.Copies.EACH,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FREEZE, values)
