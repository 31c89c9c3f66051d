"""Tolls: what claimed mails take from their gates' room, and what they give back unsent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.db import connection

from picketline.domain.pacing import gates, hours
from picketline.domain.pacing.buckets import time_for
from picketline.domain.pacing.planning import Plan
from picketline.domain.streams import stream_of
from picketline.models import Target

if TYPE_CHECKING:
    from picketline.domain.leases import Lease

Claimed = Mapping[int, tuple[datetime, str]]
"""When each delivery was claimed, and for which relay."""

# The bucket gets its tokens back by having been filled earlier; but not once others have drawn from
# it: what it would have gained since, had it been full, is theirs already, and two mails would pass
# at once. A breaker whose probe comes back unsent lets the next one through.
_REFUND = """
WITH refund AS (
    SELECT * FROM unnest(%(names)s::text[], %(times)s::interval[], %(numbers)s::int[],
        %(days)s::date[], %(started)s::timestamptz[]) AS one (name, time, number, day, started)
), locked AS (
    SELECT gate.name FROM refund JOIN picketline_gate gate ON gate.name = refund.name
    ORDER BY gate.name FOR NO KEY UPDATE OF gate
)
UPDATE picketline_gate gate
SET filled_at = CASE WHEN gate.last_served_at = refund.started
                     THEN gate.filled_at - refund.time ELSE gate.filled_at END,
    day_count = gate.day_count
        - CASE WHEN gate.day = refund.day THEN least(refund.number, gate.day_count) ELSE 0 END,
    open_until = CASE WHEN gate.breaker = 'half-open' AND gate.last_served_at = refund.started
                      THEN refund.started ELSE gate.open_until END
FROM refund JOIN locked ON locked.name = refund.name WHERE gate.name = refund.name
"""


class _Refund(NamedTuple):
    name: str
    time: timedelta
    number: int
    day: date | None
    started: datetime


def charge(plan: Plan, leases: Sequence[Lease], relay: str, lease: timedelta) -> None:
    """Take what these mails need from every gate that they pass."""
    alike = Counter(
        (each.mail_class, each.campaign_id, each.target_id, each.domain) for each in leases
    )
    passed: Counter[str] = Counter()
    for mails, number in alike.items():
        for name in _gates_of(*mails, relay):
            passed[name] += number
    gates.charge(passed, plan.gates, plan.moment, lease)


def refund(leases: Sequence[Lease], claimed: Claimed) -> None:
    """Give back what these mails took when they were claimed, since they were not offered."""
    rows = list(_refunds(leases, claimed))
    if not rows:
        return
    values: dict[str, Any] = {
        "names": [row.name for row in rows],
        "times": [row.time for row in rows],
        "numbers": [row.number for row in rows],
        "days": [row.day for row in rows],
        "started": [row.started for row in rows],
    }
    with connection.cursor() as cursor:
        cursor.execute(_REFUND, values)


def _gates_of(
    mail_class: str, campaign_id: int, target_id: int | None, domain: str, relay: str
) -> Iterable[str]:
    """The names of the gates that a mail passes."""
    yield gates.stream(stream_of(mail_class))
    if relay:
        yield gates.relay(relay)
    if target_id is not None and domain:
        yield gates.target(target_id)
        yield gates.campaign(campaign_id)
        yield gates.domain(domain)
        yield gates.share(campaign_id, domain)


def _refunds(leases: Sequence[Lease], claimed: Claimed) -> Iterable[_Refund]:
    """One row for each gate: the mails of a batch were claimed together."""
    numbers: Counter[str] = Counter()
    started: dict[str, datetime] = {}
    for lease in leases:
        since, relay = claimed[lease.delivery_id]
        for name in _gates_of(
            lease.mail_class, lease.campaign_id, lease.target_id, lease.domain, relay
        ):
            numbers[name] += 1
            started[name] = max(since, started.get(name, since))
    paces, zones = _paces(leases)
    for name, number in numbers.items():
        zone = zones.get(name)
        day = None if zone is None else hours.local_day(started[name], zone)
        yield _Refund(name, time_for(number, paces.get(name, 0)), number, day, started[name])


def _paces(leases: Sequence[Lease]) -> tuple[dict[str, float], dict[str, str]]:
    """The pace of each gate that has one, and the time zone of each target's."""
    paces = {gates.stream(each): gates.stream_pace(each) for each in settings.STREAM_PER_MINUTE}
    paces |= {gates.domain(each.domain): settings.DOMAIN_PER_MINUTE for each in leases}
    zones = {}
    wanted = {each.target_id for each in leases if each.target_id is not None}
    targets = Target.objects.filter(pk__in=wanted) if wanted else Target.objects.none()
    for number, per_minute, zone in targets.values_list("pk", "per_minute", "time_zone"):
        name = gates.target(number)
        paces[name] = settings.TARGET_PER_MINUTE if per_minute is None else per_minute
        zones[name] = zone
    return paces, zones
