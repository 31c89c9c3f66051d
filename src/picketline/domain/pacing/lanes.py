"""Lanes: what mail waits, where it wants to pass, and how much of it may be taken now.

A lane is the letters to one version of a target; mail of other classes has a lane for each class.
Lanes are found by jumping from one to the next in the index of what waits, so neither the number of
waiting letters nor what waits behind a closed gate costs anything.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle, islice
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from picketline.domain.pacing import gates, hours, shares
from picketline.domain.pacing.buckets import Bucket
from picketline.domain.pacing.gates import Passage
from picketline.domain.streams import Stream, stream_of
from picketline.models import Delivery

MailClass = Delivery.MailClass
NOTICES = tuple(each for each in MailClass if each is not MailClass.LETTER)
# A claim looks at so many lanes only, from a place left to chance on: with more of them than that,
# each gets its turn sooner or later, and a claim costs no more.
LANES_SEEN = 400
# Lanes in hand for each mail wanted: what is due in one may be taken, and domains fill up.
SPARE = 2

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
WITH RECURSIVE lane AS (
    (SELECT id, due_at, id AS anchor, 1 AS seen FROM (
        (SELECT target_version_id AS id, due_at FROM picketline_delivery
         WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
           AND target_version_id >= (
               SELECT floor(%(start)s * max(id))::bigint FROM picketline_targetversion)
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


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be claimed at a moment: so many letters of each lane, so many mails of each class.

    ``gates`` are all that any of these mails passes.
    """

    moment: datetime
    lanes: dict[int, Lane]
    letters: dict[int, int]
    notices: dict[MailClass, int]
    gates: dict[str, Passage]


def plan(limit: int, relay: str, moment: datetime | None = None) -> Plan:
    """What a worker may take now, at most ``limit`` mails. Call it in the claim's transaction."""
    now, clocks = _enter(moment)
    lanes = _passing(now, clocks, limit * SPARE)
    known = _gates(relay, lanes, now)
    if relay:
        limit = min(limit, known[gates.relay(relay)].room(now))
    letters = _letters(lanes, known, now, limit)
    notices = _notices(now, limit)
    waiting = dict.fromkeys(Stream, 0)
    waiting[Stream.LETTERS] = len(letters)
    for mail_class, number in notices.items():
        waiting[stream_of(mail_class)] += number
    for stream in Stream:
        waiting[stream] = min(waiting[stream], known[gates.stream(stream)].room(now))
    places = shares.of_streams(limit, waiting)
    chosen = letters[: places[Stream.LETTERS]]
    return Plan(
        now,
        {lane.id: lane for lane in chosen},
        Counter(lane.id for lane in chosen),
        _of_classes(notices, places),
        known,
    )


def paces() -> dict[str, Any]:
    """The installation's paces, as the statements here take them."""
    return {
        "target_per_minute": float(settings.TARGET_PER_MINUTE),
        "target_per_day": int(settings.TARGET_PER_DAY),
        "domain_per_minute": float(settings.DOMAIN_PER_MINUTE),
    }


def _enter(moment: datetime | None) -> tuple[datetime, dict[str, datetime]]:
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


def _passing(moment: datetime, clocks: Mapping[str, datetime], number: int) -> list[Lane]:
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


def _gates(relay: str, lanes: Sequence[Lane], moment: datetime) -> dict[str, Passage]:
    """Every gate that a mail could pass now: of the relay, the streams and these lanes."""
    found = {gates.stream(each): gates.stream_pace(each) for each in Stream}
    found |= {gates.campaign(lane.campaign_id): 0 for lane in lanes}
    if relay:
        found[gates.relay(relay)] = 0
    for name, campaigns in _campaigns_by_domain(lanes).items():
        if len(campaigns) > 1:
            found |= {gates.share(each, name): 0 for each in campaigns}
    known = gates.fetch(found, moment)
    for lane in lanes:
        known[lane.target.name], known[lane.domain.name] = lane.target, lane.domain
    return known


def _campaigns_by_domain(lanes: Sequence[Lane]) -> dict[str, set[int]]:
    campaigns: dict[str, set[int]] = {}
    for lane in lanes:
        campaigns.setdefault(lane.domain_name, set()).add(lane.campaign_id)
    return campaigns


def _letters(
    lanes: Sequence[Lane], known: Mapping[str, Passage], moment: datetime, limit: int
) -> list[Lane]:
    """A lane for each letter that may go, campaigns taking turns, whoever waits longest first."""
    by_domain: dict[str, list[Lane]] = {}
    for lane in lanes:
        by_domain.setdefault(lane.domain_name, []).append(lane)
    by_campaign: dict[int, list[Lane]] = {}
    through = shares.in_turns(
        islice(_in_domain(there, known, moment, limit), there[0].domain.room(moment))
        for there in by_domain.values()
    )
    for lane in islice(through, limit * SPARE):
        by_campaign.setdefault(lane.campaign_id, []).append(lane)
    order = sorted(by_campaign, key=lambda each: _served(known, gates.campaign(each)))
    queues = [shares.shuffled(by_campaign[each]) for each in order]
    return list(islice(shares.in_turns(queues), limit))


def _in_domain(
    lanes: Sequence[Lane], known: Mapping[str, Passage], moment: datetime, limit: int
) -> Iterator[Lane]:
    by_campaign: dict[int, dict[str, list[Lane]]] = {}
    for lane in shares.shuffled(lanes):
        targets = by_campaign.setdefault(lane.campaign_id, {})
        targets.setdefault(lane.target.name, []).append(lane)
    name = lanes[0].domain_name
    order = sorted(by_campaign, key=lambda each: _served(known, gates.share(each, name)))
    return shares.in_turns(
        shares.in_turns(_of_target(same, moment, limit) for same in by_campaign[each].values())
        for each in order
    )


def _of_target(lanes: Sequence[Lane], moment: datetime, limit: int) -> Iterator[Lane]:
    """Turns of the lanes of one target, as far as its gate has room."""
    room = min(lanes[0].target.room(moment), limit)
    return islice(cycle(lanes), room)


def _served(known: Mapping[str, Passage], name: str) -> float:
    passage = known.get(name)
    if passage is None or passage.last_served_at is None:
        return -math.inf
    return passage.last_served_at.timestamp()


def _notices(moment: datetime, limit: int) -> dict[MailClass, int]:
    """How many mails of each class but letters are due, counted up to ``limit``."""
    classes = [each.value for each in NOTICES]
    values: dict[str, Any] = {"moment": moment, "limit": limit, "classes": classes}
    with connection.cursor() as cursor:
        cursor.execute(_NOTICES, values)
        return {MailClass(name): number for name, number in cursor.fetchall() if number}


def _of_classes(due: Mapping[MailClass, int], places: Mapping[Stream, int]) -> dict[MailClass, int]:
    """The places of each stream, spread over its classes in turns."""
    chosen: list[MailClass] = []
    for stream, number in places.items():
        queues = [[each] * count for each, count in due.items() if stream_of(each) is stream]
        chosen += islice(shares.in_turns(shares.shuffled(queues)), number)
    return Counter(chosen)
