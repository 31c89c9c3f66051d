"""Health: how the post office does at a moment, for people and for monitoring.

No number here is about a person. What is waiting or unclear is counted through small indexes; what
is settled, nearly all there is, by going through the whole table: ``settled`` apart, so that
whoever looks often can look at that more rarely.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Min

from picketline.domain import overdue
from picketline.domain.pacing import overview
from picketline.domain.streams import Stream, stream_of
from picketline.models import Attempt, Delivery, Gate, IncomingMessage

State = Delivery.State
Incoming = IncomingMessage.State
Counts = Mapping[tuple[str, str], int]
"""How many mails there are of each (class, state)."""

# Among so many last attempts somebody had to say yes, or nothing is sent.
LAST_ATTEMPTS = 2000

_LIVE = """
SELECT mail_class, state, count(*) FROM picketline_delivery
WHERE state IN ('queued', 'deferred') AND mail_class = 'letter' GROUP BY 1, 2
UNION ALL
SELECT mail_class, state, count(*) FROM picketline_delivery
WHERE state IN ('queued', 'deferred') AND mail_class <> 'letter' GROUP BY 1, 2
UNION ALL
SELECT mail_class, state, count(*) FROM picketline_delivery WHERE state = 'sending' GROUP BY 1, 2
UNION ALL
SELECT mail_class, state, count(*) FROM picketline_delivery WHERE state = 'uncertain' GROUP BY 1, 2
"""
_SETTLED = """
SELECT mail_class, state, count(*) FROM picketline_delivery
WHERE state IN ('accepted', 'failed', 'bounced', 'cancelled') GROUP BY 1, 2
"""
_RELAYS = """
SELECT log.relay, log.read_at,
       (SELECT whole_from FROM picketline_relayhealth health
        WHERE health.relay = log.relay ORDER BY id DESC LIMIT 1),
       (SELECT handed_at FROM picketline_relayprobe probe
        WHERE probe.relay = log.relay ORDER BY handed_at DESC LIMIT 1),
       (SELECT count(*) FROM picketline_delivery delivery
        JOIN picketline_attempt attempt ON attempt.delivery_id = delivery.id
             AND attempt.lease_token = delivery.lease_token
        WHERE delivery.state = 'uncertain' AND attempt.relay = log.relay
          AND delivery.lease_token <= (SELECT max(id) FROM picketline_relayhealth health
                                       WHERE health.relay = log.relay))
FROM picketline_relaylog log ORDER BY log.relay
"""


@dataclass(frozen=True, slots=True)
class ShutGate:
    """A gate that is not wide open: ``breaker`` is a breaker's state, ``paused_by`` a pauser.

    ``place`` is its name as people give it to ``picketline pacing``.
    """

    gate: str
    place: str
    breaker: str
    open_until: datetime | None
    paused_by: str
    paused_at: datetime | None


@dataclass(frozen=True, slots=True)
class RelayEye:
    """What is known of a relay's log. ``beyond`` mails are uncertain from before it was whole."""

    relay: str
    read_at: datetime
    whole_since: datetime | None
    last_probe: datetime | None
    beyond: int


@dataclass(frozen=True, slots=True)
class Health:
    """The post office at ``taken_at``, by the database's clock. Ages are measured from there.

    ``backlog`` counts mails not yet sent, by stream. ``oldest_due`` is since when the first of them
    could have gone; ``oldest_claimable`` the same of those that only pace and breakers may hold
    back, not a person, a block or office hours. ``last_sent`` is when somebody last said yes.
    """

    taken_at: datetime
    states: Counts
    oldest_due: datetime | None
    oldest_claimable: datetime | None
    last_sent: datetime | None
    oldest_uncertain: datetime | None
    shut: tuple[ShutGate, ...]
    incoming: Mapping[str, int]
    relays: tuple[RelayEye, ...]

    @property
    def backlog(self) -> dict[str, int]:
        """How many mails wait in each stream."""
        waiting = dict.fromkeys(map(str, Stream), 0)
        for (mail_class, state), number in self.states.items():
            if state in Delivery.UNSENT_STATES:
                waiting[stream_of(mail_class)] += number
        return waiting

    def in_state(self, state: State) -> int:
        """How many mails are in this state."""
        return sum(number for (_, each), number in self.states.items() if each == state)

    def age(self, since: datetime | None) -> timedelta:
        """How long ago that was; no time at all where there is no such thing."""
        return max(self.taken_at - since, timedelta()) if since else timedelta()


def settled() -> Counts:
    """How many mails of each class ended how. Goes through the whole table."""
    return _counted(_SETTLED)


def snapshot(settled_counts: Counts | None = None) -> Health:
    """How things stand; ``settled_counts`` may be those of a while ago."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    ended = settled() if settled_counts is None else settled_counts
    shut = tuple(_shut_gates())
    due = list(overdue.waiting(now, {gate.gate for gate in shut if gate.paused_by}))
    return Health(
        taken_at=now,
        states={**ended, **_counted(_LIVE)},
        oldest_due=min((each.due_at for each in due), default=None),
        oldest_claimable=min((each.free_since for each in due if each.free_since), default=None),
        last_sent=_last_sent(),
        oldest_uncertain=_oldest_uncertain(),
        shut=shut,
        incoming=_incoming(),
        relays=tuple(_relays()),
    )


def _counted(statement: str) -> dict[tuple[str, str], int]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {(mail_class, state): number for mail_class, state, number in cursor.fetchall()}


def _shut_gates() -> Iterator[ShutGate]:
    shut = list(Gate.objects.exclude(breaker=Gate.Breaker.CLOSED, paused_by="").order_by("name"))
    places = overview.places(gate.name for gate in shut)
    for gate in shut:
        yield ShutGate(
            gate.name,
            places.get(gate.name, gate.name),
            gate.breaker,
            gate.open_until,
            gate.paused_by,
            gate.paused_at,
        )


def _last_sent() -> datetime | None:
    latest = Attempt.objects.order_by("-pk").values_list("outcome", "ended_at")[:LAST_ATTEMPTS]
    return max(
        (ended for outcome, ended in latest if outcome == "accepted" and ended), default=None
    )


def _oldest_uncertain() -> datetime | None:
    oldest = Delivery.objects.filter(state=State.UNCERTAIN).aggregate(at=Min("uncertain_since"))
    return oldest["at"]  # type: ignore[no-any-return]


def _incoming() -> dict[str, int]:
    """How many incoming messages wait to be looked at, by the worker or by a person."""
    waiting = dict.fromkeys(map(str, (Incoming.RECEIVED, Incoming.QUARANTINED)), 0)
    rows = IncomingMessage.objects.filter(state__in=waiting).values_list("state")
    return {**waiting, **dict(rows.annotate(Count("pk")).order_by())}


def _relays() -> Iterator[RelayEye]:
    with connection.cursor() as cursor:
        cursor.execute(_RELAYS)
        for row in cursor.fetchall():
            yield RelayEye(*row)
