"""Lanes: what mail waits, where it wants to pass, and how much of it may be taken now.

A lane is the letters to one version of a target; mail of other classes has a lane for each class.
Lanes are found by jumping from one to the next in the index of what waits, so neither the number of
waiting letters nor what waits behind a closed gate costs anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection

from picketline.domain.pacing import gates, hours, shares
from picketline.domain.pacing.buckets import Bucket
from picketline.domain.pacing.gates import Passage
from picketline.domain.streams import Stream, stream_of
from picketline.models import Delivery

MailClass = Delivery.MailClass
NOTICES = tuple(each for each in MailClass if each is not MailClass.LETTER)
# Lanes that may turn out to be empty for us, since another worker is about to change their mails.
SPARE = 2

# Claims take turns, so that two workers never spend the same token. One that freezes in its turn
# is thrown out by the database after a while; then the others go on.
_ENTER = """
WITH turn AS MATERIALIZED (
    SELECT set_config('idle_in_transaction_session_timeout', '20s', true),
           pg_advisory_xact_lock(hashtext('picketline_claim'))
)
SELECT now(), ARRAY(SELECT DISTINCT time_zone FROM picketline_target) FROM turn
"""

WAITING = """
WITH RECURSIVE lane AS (
    (SELECT target_version_id AS id, due_at FROM picketline_delivery
     WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
     ORDER BY target_version_id, due_at LIMIT 1)
    UNION ALL
    SELECT next.* FROM lane CROSS JOIN LATERAL (
        SELECT target_version_id, due_at FROM picketline_delivery
        WHERE state IN ('queued', 'deferred') AND mail_class = 'letter'
          AND target_version_id > lane.id
        ORDER BY target_version_id, due_at LIMIT 1
    ) next
), place AS (
    SELECT lane.id, lane.due_at, target.id AS target_id, target.campaign_id, campaign.state,
           lower(split_part(version.address, '@', 2)) AS domain, target.time_zone,
           target.office_from, target.office_until,
           coalesce(target.per_minute, %(target_per_minute)s) AS per_minute,
           coalesce(target.per_day, %(target_per_day)s) AS per_day
    FROM lane
    JOIN picketline_targetversion version ON version.id = lane.id
    JOIN picketline_target target ON target.id = version.target_id
    JOIN picketline_campaign campaign ON campaign.id = target.campaign_id
)
"""

_PASSING = f"""{WAITING}, passing AS (
    SELECT place.*, clock.local::date AS today,
           mine.tokens, mine.filled_at, mine.day, mine.day_count,
           coalesce(mine.breaker, 'closed') <> 'closed' AS probing,
           theirs.tokens AS domain_tokens, theirs.filled_at AS domain_filled_at,
           coalesce(theirs.breaker, 'closed') <> 'closed' AS domain_probing,
           whole.last_served_at AS campaign_served, turn.last_served_at AS share_served,
           row_number() OVER (PARTITION BY place.campaign_id ORDER BY random()) AS rank
    FROM place
    JOIN unnest(%(zones)s::text[], %(locals)s::timestamp[]) AS clock (zone, local)
      ON clock.zone = place.time_zone
    LEFT JOIN picketline_gate mine ON mine.name = 'target:' || place.target_id
    LEFT JOIN picketline_gate theirs ON theirs.name = 'domain:' || place.domain
    LEFT JOIN picketline_gate whole ON whole.name = 'campaign:' || place.campaign_id
    LEFT JOIN picketline_gate turn
      ON turn.name = 'share:' || place.campaign_id || '@' || place.domain
    WHERE place.due_at <= %(moment)s AND place.state <> 'suspended'
      AND (place.office_from IS NULL
           OR (extract(isodow FROM clock.local) < 6 AND clock.local::time >= place.office_from
               AND clock.local::time < place.office_until))
      AND coalesce(whole.paused_by, '') = ''
      AND coalesce(mine.paused_by, '') = '' AND coalesce(theirs.paused_by, '') = ''
      AND (mine.open_until IS NULL OR mine.open_until <= %(moment)s)
      AND (theirs.open_until IS NULL OR theirs.open_until <= %(moment)s)
      AND (place.per_day = 0 OR mine.day IS DISTINCT FROM clock.local::date
           OR mine.day_count < place.per_day)
      AND (place.per_minute = 0 OR mine.filled_at IS NULL OR mine.filled_at <= %(moment)s
           OR mine.filled_at - %(moment)s > make_interval(secs => 61 / place.per_minute))
      AND (%(domain_per_minute)s = 0 OR theirs.filled_at IS NULL OR theirs.filled_at <= %(moment)s
           OR theirs.filled_at - %(moment)s > make_interval(secs => 61 / %(domain_per_minute)s))
)
SELECT id, target_id, campaign_id, domain, per_minute, per_day, today, tokens, filled_at, day,
       day_count, probing, domain_tokens, domain_filled_at, domain_probing, campaign_served,
       share_served
FROM passing ORDER BY rank, campaign_served NULLS FIRST, random() LIMIT %(lanes)s
"""  # noqa: S608 - one constant in another

_NOTICES = """
SELECT name, (SELECT count(*) FROM (
    SELECT FROM picketline_delivery WHERE state IN ('queued', 'deferred')
    AND mail_class <> 'letter' AND mail_class = name AND due_at <= %(moment)s LIMIT %(limit)s
) due) FROM unnest(%(classes)s::text[]) AS class (name)
"""


@dataclass(frozen=True, slots=True)
class Lane:
    """Letters to one version of a target, due now, with the gates that they would pass."""

    id: int
    campaign_id: int
    domain_name: str
    target: Passage
    domain: Passage
    campaign_served: datetime | None
    share_served: datetime | None

    @property
    def passages(self) -> dict[str, Passage]:
        """Every gate that a letter of this lane passes, but for its stream's and the relay's."""
        marks = (
            gates.campaign(self.campaign_id),
            gates.share(self.campaign_id, self.domain_name),
        )
        return {
            self.target.name: self.target,
            self.domain.name: self.domain,
            **{name: Passage(name) for name in marks},
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be claimed at a moment: so many letters of each lane, so many mails of each class.

    ``fixed`` are the gates of the relay and of the streams.
    """

    moment: datetime
    lanes: dict[int, Lane]
    letters: dict[int, int]
    notices: dict[MailClass, int]
    fixed: dict[str, Passage]


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


def plan(limit: int, relay: str, moment: datetime | None = None) -> Plan:
    """What a worker may take now, at most ``limit`` mails. Call it in the claim's transaction."""
    now, clocks = enter(moment)
    fixed = _fixed(relay, now)
    if relay:
        limit = int(min(limit, fixed[gates.relay(relay)].room(now)))
    if limit < 1:
        return Plan(now, {}, {}, {}, fixed)
    waiting = {lane.id: lane for lane in _passing(now, clocks, limit * SPARE)}
    letters = list(islice(_letters(list(waiting.values()), now, limit), limit))
    notices = _notices(now, limit)
    due: dict[Stream, float] = dict.fromkeys(Stream, 0)
    due[Stream.LETTERS] = len(letters)
    for mail_class, number in notices.items():
        due[stream_of(mail_class)] += number
    places = shares.of_streams(
        limit,
        {each: min(due[each], fixed[gates.stream(each)].room(now)) for each in Stream},
    )
    return Plan(
        now,
        waiting,
        _numbers(letters[: places[Stream.LETTERS]]),
        _of_classes(notices, places),
        fixed,
    )


def _fixed(relay: str, moment: datetime) -> dict[str, Passage]:
    """The gates that are there whatever waits: the relay's and the streams'."""
    paces = {gates.stream(each): gates.stream_pace(each) for each in Stream}
    if relay:
        paces[gates.relay(relay)] = 0
    found = gates.fetch(paces, moment)
    return {name: gates.paced(found[name], pace) for name, pace in paces.items()}


def paces() -> dict[str, Any]:
    """The installation's paces, as the statements here take them."""
    return {
        "target_per_minute": float(settings.TARGET_PER_MINUTE),
        "target_per_day": int(settings.TARGET_PER_DAY),
        "domain_per_minute": float(settings.DOMAIN_PER_MINUTE),
    }


def _passing(moment: datetime, clocks: Mapping[str, datetime], number: int) -> Iterator[Lane]:
    values: dict[str, Any] = {
        **paces(),
        "moment": moment,
        "zones": list(clocks),
        "locals": list(clocks.values()),
        "lanes": number,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PASSING, values)
        for row in cursor.fetchall():
            yield _lane(row)


def _lane(row: Sequence[Any]) -> Lane:
    number, target_id, campaign_id, domain, per_minute, per_day, today = row[:7]
    tokens, filled_at, day, day_count, probing = row[7:12]
    domain_tokens, domain_filled_at, domain_probing, campaign_served, share_served = row[12:]
    return Lane(
        number,
        campaign_id,
        domain,
        Passage(
            gates.target(target_id),
            per_minute,
            per_day,
            today,
            Bucket(tokens, filled_at),
            day,
            day_count or 0,
            probing,
        ),
        Passage(
            gates.domain(domain),
            float(settings.DOMAIN_PER_MINUTE),
            bucket=Bucket(domain_tokens, domain_filled_at),
            probing=domain_probing,
        ),
        campaign_served,
        share_served,
    )


def _letters(lanes: Sequence[Lane], moment: datetime, limit: int) -> Iterator[Lane]:
    """A lane for each letter that may go, campaigns taking turns, whoever waits longest first."""
    by_domain: dict[str, list[Lane]] = {}
    for lane in lanes:
        by_domain.setdefault(lane.domain_name, []).append(lane)
    by_campaign: dict[int, list[Lane]] = {}
    for there in by_domain.values():
        room = min(there[0].domain.room(moment), limit)
        for lane in islice(_in_domain(there, moment, limit), int(room)):
            by_campaign.setdefault(lane.campaign_id, []).append(lane)
    queues = sorted(by_campaign.values(), key=lambda queue: _since(queue[0].campaign_served))
    return shares.in_turns(shares.shuffled(queue) for queue in queues)


def _in_domain(lanes: Sequence[Lane], moment: datetime, limit: int) -> Iterator[Lane]:
    by_campaign: dict[int, dict[str, list[Lane]]] = {}
    for lane in shares.shuffled(lanes):
        targets = by_campaign.setdefault(lane.campaign_id, {})
        targets.setdefault(lane.target.name, []).append(lane)
    order = sorted(
        by_campaign.values(),
        key=lambda targets: _since(next(iter(targets.values()))[0].share_served),
    )
    return shares.in_turns(
        shares.in_turns(_of_target(same, moment, limit) for same in targets.values())
        for targets in order
    )


def _of_target(lanes: Sequence[Lane], moment: datetime, limit: int) -> Iterator[Lane]:
    """Turns of the lanes of one target, as far as its gate has room."""
    room = int(min(lanes[0].target.room(moment), limit))
    return islice(shares.in_turns([lane] * room for lane in lanes), room)


def _since(served: datetime | None) -> float:
    return -math.inf if served is None else served.timestamp()


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
    return _numbers(chosen)


def _numbers(chosen: Sequence[Any]) -> dict[Any, int]:
    numbers: dict[Any, int] = {}
    for each in chosen:
        key = each.id if isinstance(each, Lane) else each
        numbers[key] = numbers.get(key, 0) + 1
    return numbers
