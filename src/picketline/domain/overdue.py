"""What waits, and since when it could have gone: found without counting it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from picketline.domain.pacing import gates, hours
from picketline.domain.pacing.hours import Office
from picketline.domain.streams import Stream, stream_of
from picketline.models import Delivery

# From each version of a target that letters wait for to the next one, in the index of what waits.
_LETTERS = """
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
)
SELECT lane.due_at, target.id, target.campaign_id, campaign.state = 'suspended',
       lower(split_part(version.address, '@', 2)), target.time_zone, target.office_from,
       target.office_until
FROM lane
JOIN picketline_targetversion version ON version.id = lane.id
JOIN picketline_target target ON target.id = version.target_id
JOIN picketline_campaign campaign ON campaign.id = target.campaign_id
"""
_NOTICES = """
SELECT name, due_at FROM unnest(%s::text[]) AS class (name) CROSS JOIN LATERAL (
    SELECT due_at FROM picketline_delivery WHERE state IN ('queued', 'deferred')
    AND mail_class <> 'letter' AND mail_class = name ORDER BY due_at LIMIT 1
) first
"""


@dataclass(frozen=True, slots=True)
class Overdue:
    """A mail that is due. ``free_since`` is since when only pace and breakers can hold it back.

    It is None where something else does: a person, a block, a suspended campaign, office hours.
    """

    due_at: datetime
    free_since: datetime | None


def waiting(now: datetime, paused: Collection[str]) -> Iterator[Overdue]:
    """The first mail of each target and of each other class, where it is due.

    ``paused`` names the gates that nothing passes until a person lifts it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LETTERS)
        lanes = cursor.fetchall()
    for due_at, target, campaign, suspended, domain, zone, opens, closes in lanes:
        if due_at > now:
            continue
        passed = {
            gates.stream(Stream.LETTERS),
            gates.target(target),
            gates.campaign(campaign),
            gates.domain(domain),
        }
        free = not suspended and passed.isdisjoint(paused)
        office = Office(zone, opens, closes) if opens is not None else None
        yield Overdue(due_at, _at_work(due_at, now, office) if free else None)
    for mail_class, due_at in _first_notices():
        if due_at <= now:
            free = gates.stream(stream_of(mail_class)) not in paused
            yield Overdue(due_at, due_at if free else None)


def _at_work(due_at: datetime, now: datetime, office: Office | None) -> datetime | None:
    """Since when a letter could go that waits for somebody at the office; None: not now."""
    if office is None:
        return due_at
    if hours.open_from(now, office) > now:
        return None
    there = now.astimezone(hours.zone(office.zone))
    return max(due_at, datetime.combine(there.date(), office.opens, there.tzinfo))


def _first_notices() -> list[tuple[str, datetime]]:
    classes = [each.value for each in Delivery.MailClass if each != Delivery.MailClass.LETTER]
    with connection.cursor() as cursor:
        cursor.execute(_NOTICES, [classes])
        return list(cursor.fetchall())
