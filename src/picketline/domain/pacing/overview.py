"""Overview: every gate as it stands, and how many letters wait before it, for people to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from picketline.domain.pacing import buckets, gates, hours
from picketline.domain.pacing.buckets import Bucket
from picketline.domain.streams import Stream
from picketline.models import Campaign, Gate, Target

_WAITING = """
SELECT campaign_id, target_id, count(*) FROM picketline_delivery
WHERE state IN ('queued', 'deferred') AND mail_class = 'letter' GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A gate for people to read: named as they name it, with what they may want to know.

    ``tokens`` is how many mails may pass at once now, None without a limit. ``open_until`` is when
    the breaker lets the next mail through to see, where it is not closed.
    """

    name: str
    waiting: int
    tokens: float | None
    today: int
    breaker: str
    open_until: datetime | None
    paused_by: str
    paused_at: datetime | None


def overview() -> list[Standing]:
    """Campaigns and their targets that letters wait for or that are stopped, then all other gates.

    Counts every waiting letter: not for use in a loop.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
        cursor.execute(_WAITING)
        waiting = {(campaign, target): number for campaign, target, number in cursor.fetchall()}
    known = {gate.name: gate for gate in Gate.objects.exclude(name__startswith=gates.share("", ""))}
    return [*_of_letters(known, waiting, now), *_of_others(known, now)]


def places(names: Iterable[str]) -> dict[str, str]:
    """What people call the gates of campaigns and targets among these: SLUG, SLUG/TARGET."""
    wanted: dict[str, list[int]] = {kind: [] for kind in ("campaign", "target")}
    for name in names:
        kind, _, number = name.partition(":")
        if kind in wanted:
            wanted[kind].append(int(number))
    campaigns = Campaign.objects.filter(pk__in=wanted["campaign"]).values_list("pk", "slug")
    targets = Target.objects.filter(pk__in=wanted["target"])
    return {
        **{gates.campaign(number): slug for number, slug in campaigns},
        **{
            gates.target(number): f"{slug}/{key}"
            for number, slug, key in targets.values_list("pk", "campaign__slug", "key")
        },
    }


def _of_letters(
    known: Mapping[str, Gate], waiting: Mapping[tuple[int, int], int], now: datetime
) -> Iterator[Standing]:
    targets: dict[int, list[Target]] = {}
    for target in Target.objects.order_by("position", "pk"):
        if waiting.get((target.campaign_id, target.pk)) or gates.target(target.pk) in known:
            targets.setdefault(target.campaign_id, []).append(target)
    for campaign in Campaign.objects.order_by("slug"):
        number = sum(count for (owner, _), count in waiting.items() if owner == campaign.pk)
        name = gates.campaign(campaign.pk)
        if number or name in known:
            yield _standing(campaign.slug, known.get(name), 0, now, waiting=number)
        for target in targets.get(campaign.pk, []):
            gate = known.get(gates.target(target.pk))
            pace = target.per_minute
            yield _standing(
                f"{campaign.slug}/{target.key}",
                gate,
                settings.TARGET_PER_MINUTE if pace is None else pace,
                now,
                waiting=waiting.get((campaign.pk, target.pk), 0),
                zone=target.time_zone,
            )


def _of_others(known: Mapping[str, Gate], now: datetime) -> Iterator[Standing]:
    paces = {gates.stream(each): gates.stream_pace(each) for each in Stream}
    for name, gate in sorted(known.items()):
        if name.startswith(gates.domain("")):
            yield _standing(name, gate, settings.DOMAIN_PER_MINUTE, now)
        elif name.startswith((gates.stream(""), gates.relay(""))):
            yield _standing(name, gate, paces.get(name, 0), now)


def _standing(
    name: str,
    row: Gate | None,
    per_minute: float,
    now: datetime,
    *,
    waiting: int = 0,
    zone: str = "",
) -> Standing:
    gate = row or Gate(name=name)
    level = buckets.level(Bucket(gate.tokens, gate.filled_at), per_minute, now)
    return Standing(
        name,
        waiting,
        max(level, 0.0) if per_minute else None,
        gate.day_count if gate.day == hours.local_day(now, zone) else 0,
        gate.breaker,
        gate.open_until,
        gate.paused_by,
        gate.paused_at,
    )
