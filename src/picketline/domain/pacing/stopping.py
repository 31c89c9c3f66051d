"""Stopping: people pause, resume and cancel letters, and see where they stand.

A place is written as people write it: ``SLUG`` for a campaign's letters, ``SLUG/TARGET`` for those
to one target, ``domain:NAME``, ``relay:NAME`` or ``stream:NAME`` for what is paused by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.postgres.functions import TransactionNow
from django.db import connection, transaction
from django.db.models.functions import Now

from picketline.domain import campaigns
from picketline.domain.pacing import gates
from picketline.models import Gate, Target

# What a worker holds gets a time of settling: it must not come back (picketline.domain.leases).
_CANCEL = """
WITH found AS (
    SELECT id, state IN ('queued', 'deferred') AS unsent FROM picketline_delivery
    WHERE campaign_id = %(campaign)s AND mail_class = 'letter'
      AND (%(target)s::bigint IS NULL OR target_id = %(target)s)
      AND state IN ('queued', 'deferred', 'sending', 'uncertain')
    ORDER BY id FOR NO KEY UPDATE
), cancelled AS (
    UPDATE picketline_delivery delivery
    SET state = 'cancelled', settled_at = now(), outcome = 'stopped'
    FROM found WHERE delivery.id = found.id AND found.unsent
), marked AS (
    UPDATE picketline_delivery delivery SET settled_at = now()
    FROM found WHERE delivery.id = found.id AND NOT found.unsent
)
SELECT count(*) FILTER (WHERE unsent), count(*) FILTER (WHERE NOT unsent) FROM found
"""
_KINDS = ("domain", "relay", "stream")


class NoSuchPlace(Exception):
    """No letters go there; the message is a sentence."""


class NothingToCancel(Exception):
    """Only a campaign's or a target's letters can be cancelled; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """What can be stopped: the name that people gave it, its gate, and whose letters go there."""

    name: str
    gate: str
    campaign_id: int | None = None
    target_id: int | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """How many letters were cancelled; ``held`` more are in workers' hands.

    Those go out in this attempt or never.
    """

    cancelled: int
    held: int


def find(name: str) -> Place:
    """The place of this name. Raises ``NoSuchPlace`` and ``CampaignUnknown``."""
    kind, colon, _ = name.partition(":")
    if colon:
        if kind not in _KINDS or not Gate.objects.filter(name=name.lower()).exists():
            raise NoSuchPlace(f"No mail has gone by {name} so far.")
        return Place(name, name.lower())
    slug, slash, key = name.partition("/")
    campaign = campaigns.find(slug)
    if not slash:
        return Place(name, gates.campaign(campaign.pk), campaign.pk)
    target = Target.objects.filter(campaign=campaign, key=key).first()
    if target is None:
        raise NoSuchPlace(f"The campaign {slug} has no target {key}.")
    return Place(name, gates.target(target.pk), campaign.pk, target.pk)


def pause(place: Place) -> bool:
    """Claim nothing more there until it is resumed; False where it was paused before."""
    with transaction.atomic():
        Gate.objects.bulk_create([Gate(name=place.gate)], ignore_conflicts=True)
        return bool(
            Gate.objects.filter(name=place.gate, paused_by="").update(
                paused_by=Gate.PausedBy.PERSON, paused_at=Now()
            )
        )


def resume(place: Place) -> bool:
    """Let mail pass there again, also where they refused it and a person has looked at that.

    A breaker that is open lets one mail through at once, to see. False where nothing was stopped.
    """
    shut = Gate.objects.filter(name=place.gate)
    with transaction.atomic():
        resumed = shut.exclude(paused_by="").update(paused_by="", paused_at=None)
        resumed += shut.exclude(breaker=Gate.Breaker.CLOSED).update(open_until=TransactionNow())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify('picketline_due', '')")
    return bool(resumed)


def cancel(place: Place) -> Cancelled:
    """End every letter there that has not gone out; whoever wrote them still counts.

    Raises ``NothingToCancel`` for a place that is neither a campaign nor a target.
    """
    if place.campaign_id is None:
        raise NothingToCancel(f"{place.name} is no campaign and no target.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CANCEL, {"campaign": place.campaign_id, "target": place.target_id})
        cancelled, held = cursor.fetchone()
    return Cancelled(cancelled, held)
