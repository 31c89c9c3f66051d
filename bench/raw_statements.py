"""The SQL of ``bench.raw_sign``."""

from __future__ import annotations

from typing import LiteralString

Statement = LiteralString

CAMPAIGN: Statement = """
SELECT id, default_language, public_key, state, closes_on
FROM picketline_campaign WHERE slug = %s
"""

MODELS: Statement = """
SELECT id, language, role, subject, body
FROM picketline_modelletter WHERE campaign_id = %s AND current
"""

DEMANDS: Statement = """
SELECT (SELECT json_object_agg(language, text) FROM picketline_demandtext
        WHERE demand_id = demand.id)
FROM picketline_demand demand
WHERE campaign_id = %s
  AND (SELECT status FROM picketline_demandstatus
       WHERE demand_id = demand.id ORDER BY "on" DESC LIMIT 1) IS DISTINCT FROM 'withdrawn'
ORDER BY position
"""

TARGETS: Statement = """
SELECT target.id, target.key, version.role, version.language,
       (SELECT json_object_agg(language, salutation) FROM picketline_targettext
        WHERE target_id = target.id)
FROM picketline_target target
JOIN picketline_targetversion version ON version.target_id = target.id AND version.current
WHERE target.campaign_id = %s AND target.retired_at IS NULL
ORDER BY target.position
"""

WRITE: Statement = """
WITH supporter AS (
    INSERT INTO picketline_supporter
        (campaign_id, state, address_index, confirm_hash, status_hash, page_language, country,
         signs_as, replies, created_at)
    VALUES (%(campaign)s, 'unconfirmed', %(address_index)s, %(confirm_hash)s, %(row)s, 'en',
            %(country)s, 'person', %(replies)s, %(now)s)
    RETURNING id
), sealed AS (
    INSERT INTO picketline_sealedsubmission
        (supporter_id, address_ct, token_ct, signature_ct, texts_ct)
    SELECT id, %(address)s, %(token)s, %(signature)s, %(texts)s FROM supporter
), letter AS (
    INSERT INTO picketline_letter (supporter_id, link_ct) SELECT id, %(link)s FROM supporter
), parts AS (
    INSERT INTO picketline_letterpart (letter_id, target_id, model_letter_id)
    SELECT id, part.target, part.model
    FROM supporter, unnest(%(targets)s::bigint[], %(models)s::bigint[]) AS part (target, model)
), consents AS (
    INSERT INTO picketline_consent (supporter_id, kind, wording, given_on)
    SELECT id, kind, '2026-11', %(now)s::date FROM supporter, unnest(%(consents)s::text[]) AS kind
)
INSERT INTO picketline_delivery
    (campaign_id, mail_class, supporter_id, budget_hash, state, message_id, dated, due_at,
     created_at, attempt_count, outcome, enhanced_code, direct, relay_status)
SELECT %(campaign)s, 'confirmation', id, %(budget_hash)s, 'queued', %(message_id)s, %(dated)s,
       %(now)s, %(now)s, 0, '', '', false, ''
FROM supporter
"""
