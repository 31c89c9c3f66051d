"""Waiting: how long a worker may sleep until there is something that it may claim."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from picketline.domain.pacing import buckets, gates, hours
from picketline.domain.pacing.buckets import Bucket
from picketline.domain.pacing.hours import Office
from picketline.domain.pacing.lanes import NOTICES, WAITING, paces
from picketline.domain.streams import Stream, stream_of
from picketline.models import Gate

ALL_LANES = 1_000_000

_LETTERS = f"""{WAITING}
SELECT due_at, target_id, campaign_id, domain, time_zone, office_from, office_until, per_minute,
       per_day
FROM place WHERE campaign_id NOT IN (
    SELECT id FROM picketline_campaign WHERE state = 'suspended')
"""  # noqa: S608 - one constant in another

_NOTICES = """
SELECT name, (
    SELECT due_at FROM picketline_delivery WHERE state IN ('queued', 'deferred')
    AND mail_class <> 'letter' AND mail_class = name ORDER BY due_at LIMIT 1
) FROM unnest(%(classes)s::text[]) AS class (name)
"""


class _Place(NamedTuple):
    """Where letters wait, and when the first of them is due."""

    due_at: datetime
    target_id: int
    campaign_id: int
    domain: str
    time_zone: str
    office_from: time | None
    office_until: time | None
    per_minute: float
    per_day: int


def next_due(relay: str = "", *, moment: datetime | None = None) -> timedelta | None:
    """How long until something could be claimed through this relay; zero where it can be now.

    None where nothing will be without a change. Whoever queues a mail or lifts a pause wakes the
    workers; a breaker that closes early does not.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now = moment or cursor.fetchone()[0]
    known = {gate.name: gate for gate in Gate.objects.exclude(name__startswith=gates.share("", ""))}
    moments = [due for due in (*_letters(known, now), *_notices(known, now)) if due is not None]
    door = _passable(known.get(gates.relay(relay)), 0, now)
    if door is None or not moments:
        return None
    return max(door, min(moments)) - now


def _letters(known: dict[str, Gate], now: datetime) -> Iterator[datetime | None]:
    """For each lane of letters, when the first of them may go."""
    with connection.cursor() as cursor:
        cursor.execute(_LETTERS, {**paces(), "start": 0.0, "most": ALL_LANES})
        places = [_Place(*row) for row in cursor.fetchall()]
    for place in places:
        yield _of_place(place, known, now)


def _of_place(place: _Place, known: dict[str, Gate], now: datetime) -> datetime | None:
    gate = known.get(gates.target(place.target_id))
    moments = (
        place.due_at,
        _of_stream(Stream.LETTERS, known, now),
        _passable(known.get(gates.campaign(place.campaign_id)), 0, now),
        _passable(known.get(gates.domain(place.domain)), float(settings.DOMAIN_PER_MINUTE), now),
        _passable(gate, place.per_minute, now),
        _day_with_room(gate, place, now),
    )
    latest = _latest(*moments)
    if latest is None or place.office_from is None or place.office_until is None:
        return latest
    office = Office(place.time_zone, place.office_from, place.office_until)
    return hours.open_from(latest, office)


def _day_with_room(gate: Gate | None, place: _Place, now: datetime) -> datetime:
    """Now, or when the day is over whose letters are used up."""
    today = hours.local_day(now, place.time_zone)
    if gate is None or not place.per_day or gate.day != today or gate.day_count < place.per_day:
        return now
    return hours.next_day(now, place.time_zone)


def _notices(known: dict[str, Gate], now: datetime) -> Iterator[datetime | None]:
    """For each class of mail but letters, when the first may go."""
    values: dict[str, Any] = {"classes": [each.value for each in NOTICES]}
    with connection.cursor() as cursor:
        cursor.execute(_NOTICES, values)
        waiting = cursor.fetchall()
    for mail_class, due in waiting:
        yield _latest(due, _of_stream(stream_of(mail_class), known, now))


def _of_stream(stream: Stream, known: dict[str, Gate], now: datetime) -> datetime | None:
    return _passable(known.get(gates.stream(stream)), gates.stream_pace(stream), now)


def _passable(gate: Gate | None, per_minute: float, now: datetime) -> datetime | None:
    """When a mail may pass this gate, this moment or later; None while it is paused."""
    if gate is None:
        return now
    if gate.paused_by:
        return None
    bucket = Bucket(gate.tokens, gate.filled_at)
    missing = 1 - buckets.level(bucket, per_minute, now)
    full = now + buckets.time_for(missing, per_minute) if missing > 0 else now
    return max(full, gate.open_until or now)


def _latest(*moments: datetime | None) -> datetime | None:
    """The last of these; None where one of them never comes."""
    known = [moment for moment in moments if moment is not None]
    return max(known) if len(known) == len(moments) else None
