"""Gates: their names, their paces, and what is written down when mail passes them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from picketline.domain.pacing import buckets
from picketline.domain.pacing.buckets import Bucket
from picketline.models import Gate

CLOSED = Gate.Breaker.CLOSED
_COLUMNS = (
    "name",
    "tokens",
    "filled_at",
    "breaker",
    "open_until",
    "paused_by",
    "last_served_at",
)

_CHARGE = """
INSERT INTO picketline_gate (name, tokens, filled_at, day, day_count, breaker, failures, openings,
                             open_until, paused_by, last_served_at)
SELECT name, tokens, filled_at, day, number, 'closed', 0, 0, NULL, '', %(moment)s
FROM unnest(%(names)s::text[], %(tokens)s::float8[], %(filled)s::timestamptz[], %(days)s::date[],
            %(numbers)s::int[]) AS passed (name, tokens, filled_at, day, number)
ORDER BY name COLLATE "C"
ON CONFLICT (name) DO UPDATE SET
    tokens = excluded.tokens, filled_at = excluded.filled_at, day = excluded.day,
    day_count = excluded.day_count
        + CASE WHEN picketline_gate.day = excluded.day THEN picketline_gate.day_count ELSE 0 END,
    breaker = CASE picketline_gate.breaker WHEN 'closed' THEN 'closed' ELSE 'half-open' END,
    open_until = CASE picketline_gate.breaker WHEN 'closed' THEN NULL
                      ELSE %(moment)s + make_interval(secs => %(lease)s) END,
    last_served_at = excluded.last_served_at
"""


class Passage(NamedTuple):
    """A gate as it stands, with the pace and the day that hold for it; a new one lets all pass."""

    name: str
    per_minute: float = 0
    per_day: int = 0
    today: date | None = None
    bucket: Bucket = Bucket()
    count_today: int = 0
    probing: bool = False
    shut: bool = False
    last_served_at: datetime | None = None

    def room(self, moment: datetime) -> int:
        """How many mails may pass now."""
        if self.shut:
            return 0
        room = buckets.level(self.bucket, self.per_minute, moment)
        if self.per_day:
            room = min(room, self.per_day - self.count_today)
        if self.probing:
            room = min(room, 1)
        return max(int(min(room, sys.maxsize)), 0)

    @property
    def remembers(self) -> bool:
        """Whether anything must be written down when mail passes."""
        paced = self.name.startswith(("target:", "domain:"))
        return not paced or bool(self.per_minute or self.per_day or self.probing)


def target(number: int | str) -> str:
    """The name of a target's gate."""
    return f"target:{number}"


def campaign(number: int) -> str:
    """The name of a campaign's gate."""
    return f"campaign:{number}"


def domain(name: str) -> str:
    """The name of the gate of a domain of targets' addresses, in small letters."""
    return f"domain:{name}"


def stream(name: str) -> str:
    """The name of a stream's gate."""
    return f"stream:{name}"


def relay(name: str) -> str:
    """The name of a relay's gate."""
    return f"relay:{name}"


def share(campaign_id: int | str, domain_name: str) -> str:
    """The name under which it is kept when a campaign last had its turn in a domain."""
    return f"share:{campaign_id}@{domain_name}"


def stream_pace(name: str) -> float:
    """Mails a minute in this stream; 0: no limit."""
    return float(settings.STREAM_PER_MINUTE[name])


def fetch(paces: Mapping[str, float], moment: datetime) -> dict[str, Passage]:
    """These gates as they stand, with these paces; those that nothing ever passed are new ones."""
    found = {name: Passage(name, pace) for name, pace in paces.items()}
    rows = Gate.objects.filter(name__in=list(paces)).values_list(*_COLUMNS)
    for name, tokens, filled_at, breaker, open_until, paused_by, last_served_at in rows:
        found[name] = Passage(
            name,
            paces[name],
            bucket=Bucket(tokens, filled_at),
            probing=breaker != CLOSED,
            shut=bool(paused_by) or (open_until is not None and open_until > moment),
            last_served_at=last_served_at,
        )
    return found


def charge(
    passed: Mapping[str, int], known: Mapping[str, Passage], moment: datetime, lease: timedelta
) -> None:
    """Write down how many mails passed each gate. One behind a breaker that is not closed probes.

    The breaker then waits for ``lease`` to hear of it, and lets another one through after that.
    """
    through = [known[name] for name in passed if name in known and known[name].remembers]
    after = [
        buckets.spent(each.bucket, each.per_minute, moment, passed[each.name]) for each in through
    ]
    values: dict[str, Any] = {
        "moment": moment,
        "lease": lease.total_seconds(),
        "names": [each.name for each in through],
        "tokens": [bucket.tokens for bucket in after],
        "filled": [bucket.filled_at for bucket in after],
        "days": [each.today for each in through],
        "numbers": [passed[each.name] for each in through],
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHARGE, values)
