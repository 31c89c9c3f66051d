"""Public numbers: entries in a journal, and one job that sums them up.

Requests only add entries. Summing up in batches keeps the sign path free of a contended row, and
keeps a watcher of the page from seeing who signed at which second.
"""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from picketline.models import Campaign, CampaignCount, CountEntry
from picketline.models.counts import CountKind

__all__ = ["CountKind", "add", "recount", "sum_up", "totals"]

_SUM_UP = """
WITH fresh AS (
    UPDATE picketline_countentry SET summed = true WHERE id IN (
        SELECT id FROM picketline_countentry WHERE NOT summed FOR UPDATE SKIP LOCKED
    ) RETURNING campaign_id, kind, delta
), sums AS (
    SELECT campaign_id, kind, sum(delta) AS delta FROM fresh GROUP BY campaign_id, kind
    ORDER BY campaign_id, kind
)
INSERT INTO picketline_campaigncount (campaign_id, kind, total)
SELECT campaign_id, kind, delta FROM sums
ON CONFLICT (campaign_id, kind) DO UPDATE
SET total = picketline_campaigncount.total + excluded.total
"""

_RECOUNT = """
SELECT campaign_id, kind, coalesce(counted.total, 0), coalesce(journal.total, 0)
FROM picketline_campaigncount counted
FULL JOIN (
    SELECT campaign_id, kind, sum(delta) AS total FROM picketline_countentry
    WHERE summed GROUP BY campaign_id, kind
) journal USING (campaign_id, kind)
WHERE coalesce(counted.total, 0) <> coalesce(journal.total, 0)
"""


def add(campaign_id: int, kind: CountKind, delta: int) -> None:
    """Note a change, in the caller's transaction."""
    CountEntry.objects.bulk_create(
        [
            CountEntry(
                campaign_id=campaign_id, kind=kind, delta=delta, created_on=timezone.now().date()
            )
        ]
    )


def sum_up() -> None:
    """Bring every public number up to date with the journal. Safe to run at any time, anywhere.

    Two at once share the entries out and write the totals in the same order, so neither waits for
    what the other needs.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SUM_UP)


def totals(campaign: Campaign) -> dict[CountKind, int]:
    """The campaign's public numbers as last summed up; zero where nothing was counted."""
    found = dict.fromkeys(CountKind, 0)
    for row in CampaignCount.objects.filter(campaign=campaign):
        found[CountKind(row.kind)] = row.total
    return found


def recount() -> list[tuple[int, str, int, int]]:
    """Numbers that differ from their journal, as (campaign id, kind, shown, journalled).

    Empty on a healthy installation: totals are sums of journal entries and of nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT)
        return [(int(a), str(b), int(c), int(d)) for a, b, c, d in cursor.fetchall()]
