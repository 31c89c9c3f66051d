"""What needs a person: sentences for whoever looks after an installation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import chain

from picketline.domain.health import Health
from picketline.models import Delivery, Gate, IncomingMessage

State = Delivery.State

LATELY = timedelta(hours=1)
DAY = timedelta(days=1)
UNREAD = timedelta(minutes=10)
FORGOTTEN = timedelta(days=7)


def needs(health: Health) -> list[str]:
    """A sentence for each thing that will not mend itself: a person is needed. Best: none."""
    return list(
        chain(
            _blocked(health),
            _unclear(health),
            _unexamined(health),
            _unlogged(health),
            _stuck(health),
        )
    )


def _blocked(health: Health) -> Iterator[str]:
    for gate in health.shut:
        if gate.paused_by == Gate.PausedBy.POLICY and gate.paused_at is not None:
            yield (
                f"{gate.place} refuses our letters since {_day(gate.paused_at)}; nothing more is"
                " sent there. Talk to them, or publish that they refuse. To let letters go on:"
                f" picketline pacing resume {gate.place}"
            )


def _unclear(health: Health) -> Iterator[str]:
    age = health.age(health.oldest_uncertain)
    if age > DAY:
        number = health.in_state(State.UNCERTAIN)
        yield (
            f"Uncertain for more than a day (mails: {number}, the oldest: {age.days} days). Find"
            " out what became of them, and settle them with picketline outbox."
        )


def _unexamined(health: Health) -> Iterator[str]:
    if number := health.incoming.get(IncomingMessage.State.QUARANTINED, 0):
        yield f"In quarantine (incoming messages: {number}): see picketline incoming."


def _unlogged(health: Health) -> Iterator[str]:
    for relay in health.relays:
        age = health.age(relay.read_at)
        if UNREAD < age < FORGOTTEN:
            yield (
                f"Nobody has read the log of the relay {relay.relay} for"
                f" {age.total_seconds() / 60:.0f} minutes: is a worker running there, and may it?"
            )
        if relay.beyond:
            yield (
                f"The log of the relay {relay.relay} may lack lines, so it cannot settle what is"
                f" uncertain from before (mails: {relay.beyond}). See picketline outbox."
            )


def _stuck(health: Health) -> Iterator[str]:
    age = health.age(health.oldest_claimable)
    silent = health.last_sent is None or health.age(health.last_sent) > LATELY
    if age > LATELY and silent:
        yield (
            f"Nothing is sent, although mail has been due for {age.total_seconds() / 3600:.0f}"
            " hours: is a worker running, and does it reach the mail server?"
        )


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
