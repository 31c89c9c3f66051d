"""Lanes: what mail waits, where it wants to pass, and how much of it may be taken now.

A lane is the letters to one version of a target; mail of other classes has a lane for each class.
Lanes are found by jumping from one to the next in the index of what waits, so neither the number of
waiting letters nor what waits behind a closed gate costs anything.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from picketline.domain.pacing import gates, hours
from picketline.domain.pacing.buckets import Bucket
from picketline.domain.pacing.gates import Passage
from picketline.models import Delivery

MailClass = Delivery.MailClass
NOTICES = tuple(each for each in MailClass if each is not MailClass.LETTER)
# A claim looks at so many lanes only, from a place left to chance on: with more of them than that,
# each gets its turn sooner or later, and a claim costs no more.
LANES_SEEN = 200

# Claims take turns, so that two workers never spend the same token. One that freezes in its turn
# is thrown out by the database after a while; then the others go on. Planning and compiling the
# statements anew would take longer than they do.
_ENTER = """
WITH turn AS MATERIALIZED (
    SELECT set_config('idle_in_transaction_session_timeout', '20s', true),
           set_config('plan_cache_mode', 'force_generic_plan', true),
           set_config('jit', 'off', true),
           pg_advisory_xact_lock(hashtext('picketline_claim'))
)
SELECT now(), ARRAY(SELECT DISTINCT time_zone FROM picketline_target) FROM turn
"""

# From a lane left to chance to the next one with a higher number, at last around to where it began.
# Every LIMIT 1 keeps the planner to looking rows up one by one, whatever it knows of the tables.
WAITING = """
WITH RECURSIVE bounds AS MATERIALIZED (
    SELECT (SELECT target_version_id FROM picketline_delivery
            WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
            ORDER BY target_version_id, due_at LIMIT 1) AS lowest,
           (SELECT target_version_id FROM picketline_delivery
            WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
            ORDER BY target_version_id DESC, due_at DESC LIMIT 1) AS highest
), lane AS (
    (SELECT id, due_at, id AS anchor, 1 AS seen FROM (
        (SELECT target_version_id AS id, due_at FROM picketline_delivery
         WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
           AND target_version_id >= (
               SELECT lowest + floor(%(start)s * (highest - lowest + 1))::bigint FROM bounds)
         ORDER BY target_version_id, due_at LIMIT 1)
        UNION ALL
        (SELECT target_version_id, due_at FROM picketline_delivery
         WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
         ORDER BY target_version_id, due_at LIMIT 1)
    ) first LIMIT 1)
    UNION ALL
    SELECT next.id, next.due_at, lane.anchor, lane.seen + 1
    FROM lane CROSS JOIN LATERAL (
        SELECT * FROM (
            (SELECT target_version_id AS id, due_at FROM picketline_delivery
             WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
               AND target_version_id > lane.id
             ORDER BY target_version_id, due_at LIMIT 1)
            UNION ALL
            (SELECT target_version_id, due_at FROM picketline_delivery
             WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
             ORDER BY target_version_id, due_at LIMIT 1)
        ) around LIMIT 1
    ) next
    WHERE lane.seen < %(most)s AND next.id <> lane.anchor
), place AS (
    SELECT lane.id, lane.due_at, known.* FROM lane CROSS JOIN LATERAL (
        SELECT target.id AS target_id, target.campaign_id,
               lower(split_part(version.address, '@', 2) COLLATE "C") COLLATE "default" AS domain,
               target.time_zone, target.office_from, target.office_until,
               coalesce(target.per_minute, %(target_per_minute)s) AS per_minute,
               coalesce(target.per_day, %(target_per_day)s) AS per_day
        FROM picketline_targetversion version
        JOIN picketline_target target ON target.id = version.target_id
        WHERE version.id = lane.id LIMIT 1
    ) known
)
"""

_PASSING = f"""{WAITING}, stopped AS MATERIALIZED (
    SELECT campaign.id FROM picketline_campaign campaign
    LEFT JOIN picketline_gate gate ON gate.name = 'campaign:' || campaign.id
    WHERE campaign.state = 'suspended' OR gate.paused_by <> ''
), passing AS (
    SELECT place.*, clock.local::date AS today, mine.tokens, mine.filled_at, mine.day,
           mine.day_count, coalesce(mine.breaker, 'closed') <> 'closed' AS probing,
           theirs.tokens AS domain_tokens, theirs.filled_at AS domain_filled_at,
           coalesce(theirs.breaker, 'closed') <> 'closed' AS domain_probing
    FROM place
    JOIN unnest(%(zones)s::text[], %(locals)s::timestamp[]) AS clock (zone, local)
      ON clock.zone = place.time_zone
    LEFT JOIN LATERAL (
        SELECT * FROM picketline_gate WHERE name = 'target:' || place.target_id LIMIT 1
    ) mine ON true
    LEFT JOIN LATERAL (
        SELECT * FROM picketline_gate WHERE name = 'domain:' || place.domain LIMIT 1
    ) theirs ON true
    WHERE place.due_at <= %(moment)s
      AND place.campaign_id NOT IN (SELECT id FROM stopped)
      AND (place.office_from IS NULL
           OR (extract(isodow FROM clock.local) < 6 AND clock.local::time >= place.office_from
               AND clock.local::time < place.office_until))
      AND (mine.name IS NULL OR (
          mine.paused_by = '' AND (mine.open_until IS NULL OR mine.open_until <= %(moment)s)
          AND (place.per_day = 0 OR mine.day IS DISTINCT FROM clock.local::date
               OR mine.day_count < place.per_day)
          AND (place.per_minute = 0 OR mine.filled_at IS NULL OR mine.filled_at <= %(moment)s
               OR mine.filled_at - %(moment)s
                  > make_interval(secs => 61 / nullif(place.per_minute, 0)))))
      AND (theirs.name IS NULL OR (
          theirs.paused_by = '' AND (theirs.open_until IS NULL OR theirs.open_until <= %(moment)s)
          AND (%(domain_per_minute)s = 0
               OR theirs.filled_at IS NULL OR theirs.filled_at <= %(moment)s
               OR theirs.filled_at - %(moment)s
                  > make_interval(secs => 61 / nullif(%(domain_per_minute)s, 0)))))
)
SELECT id, target_id, campaign_id, domain, per_minute, per_day, today, tokens, filled_at, day,
       day_count, probing, domain_tokens, domain_filled_at, domain_probing
FROM passing ORDER BY row_number() OVER (PARTITION BY campaign_id ORDER BY random())
LIMIT %(lanes)s
"""  # noqa: S608 - one constant in another

_NOTICES = """
SELECT name, (SELECT count(*) FROM (
    SELECT FROM picketline_delivery WHERE state IN ('queued', 'deferred')
    AND mail_class <> 'letter' AND mail_class = name AND due_at <= %(moment)s LIMIT %(limit)s
) due) FROM unnest(%(classes)s::text[]) AS class (name)
"""


class Lane(NamedTuple):
    """Letters to one version of a target, due now, and the gates that they would pass."""

    id: int
    campaign_id: int
    domain_name: str
    target: Passage
    domain: Passage


def paces() -> dict[str, Any]:
    """The installation's paces, as the statements here take them."""
    return {
        "target_per_minute": float(settings.TARGET_PER_MINUTE),
        "target_per_day": int(settings.TARGET_PER_DAY),
        "domain_per_minute": float(settings.DOMAIN_PER_MINUTE),
    }


def enter(moment: datetime | None) -> tuple[datetime, dict[str, datetime]]:
    """Wait for this claim's turn, which lasts until the transaction ends.

    Returns the moment, the database's unless one is given, and what clocks show then in the time
    zones of targets.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENTER)
        now, zones = cursor.fetchone()
    now = moment or now
    return now, {
        name: now.astimezone(hours.zone(name)).replace(tzinfo=None) for name in {"", *zones}
    }


def passing(moment: datetime, clocks: Mapping[str, datetime], number: int) -> list[Lane]:
    """Up to ``number`` lanes whose gates have room, those of each campaign in random order."""
    values: dict[str, Any] = {
        **paces(),
        "start": random.random(),  # noqa: S311 - spreads turns
        "most": LANES_SEEN,
        "moment": moment,
        "zones": list(clocks),
        "locals": list(clocks.values()),
        "lanes": number,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PASSING, values)
        rows = cursor.fetchall()
    known: dict[str, Passage] = {}
    return [_lane(row, known) for row in rows]


def _lane(row: Sequence[Any], known: dict[str, Passage]) -> Lane:
    """A row as a lane; ``known`` has the gates of targets and domains that were seen before."""
    number, target_id, campaign_id, domain_name, per_minute, per_day, today = row[:7]
    name = gates.target(target_id)
    if name not in known:
        tokens, filled_at, day, day_count, probing = row[7:12]
        known[name] = Passage(
            name,
            per_minute,
            per_day,
            today,
            Bucket(tokens, filled_at),
            day_count if day == today else 0,
            probing,
        )
    target, name = known[name], gates.domain(domain_name)
    if name not in known:
        tokens, filled_at, probing = row[12:]
        pace = float(settings.DOMAIN_PER_MINUTE)
        known[name] = Passage(name, pace, bucket=Bucket(tokens, filled_at), probing=probing)
    return Lane(number, campaign_id, domain_name, target, known[name])


def notices(moment: datetime, limit: int) -> dict[MailClass, int]:
    """How many mails of each class but letters are due, counted up to ``limit``."""
    classes = [each.value for each in NOTICES]
    values: dict[str, Any] = {"moment": moment, "limit": limit, "classes": classes}
    with connection.cursor() as cursor:
        cursor.execute(_NOTICES, values)
        return {MailClass(name): number for name, number in cursor.fetchall() if number}
