"""Metrics: what this process did, and how the post office does, in Prometheus's text format.

The counters are this process's own; the gauges are the database's, the same from every process.
Labels are words of ours: no name of a person, a campaign or a domain is among them.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from picketline.domain.health import Health
from picketline.mail.outcomes import Cause

if TYPE_CHECKING:
    from picketline.domain.deliveries import Result

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
OWN = CollectorRegistry()

_CLAIMED = Counter("picketline_claimed", "Mails claimed by this process.", registry=OWN)
_ATTEMPTS = Counter(
    "picketline_attempts",
    "Attempts of this process that were written down, by result, cause and class of mail.",
    ["kind", "cause", "mail_class"],
    registry=OWN,
)
_SECONDS = Histogram(
    "picketline_phase_seconds",
    "Seconds that a batch spent being claimed, built, sent; settling is a part of sending.",
    ["phase"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
    registry=OWN,
)
ProcessCollector(registry=OWN)
_AGES = (
    ("oldest_due", "since the first mail that waits was due"),
    ("oldest_claimable", "since the first mail was due that only pace or a breaker holds back"),
    ("oldest_uncertain", "since the oldest uncertain mail is so"),
    ("last_sent", "since a mail server last said yes"),
)
_RELAY_AGES = {
    "read_at": "since the relay's log was read",
    "whole_since": "since when the relay's log is whole",
    "last_probe": "since a probe was handed to the relay",
}


def claimed(number: int) -> None:
    """So many mails were claimed."""
    _CLAIMED.inc(number)


def phase(name: str) -> AbstractContextManager[object]:
    """Times a phase of a batch: claim, build, send or settle."""
    return _SECONDS.labels(name).time()


def settled(results: Iterable[Result]) -> None:
    """These attempts were written down."""
    alike = Tally(
        (outcome.kind.value, "" if outcome.cause is Cause.NONE else outcome.cause.value, str(mail))
        for mail, outcome in ((lease.mail_class, outcome) for lease, outcome in results)
    )
    for labels, number in alike.items():
        _ATTEMPTS.labels(*labels).inc(number)


class _Gauges(Collector):
    """A snapshot and what needs a person, as gauges."""

    def __init__(self, health: Health, needs: Sequence[str]) -> None:
        self._health = health
        self._needs = len(needs)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge, in a fixed order."""
        health = self._health
        yield _gauge("mails", "Mails in a state.", ["mail_class", "state"], health.states.items())
        backlog = {(stream,): number for stream, number in health.backlog.items()}
        yield _gauge("backlog", "Mails not yet sent.", ["stream"], backlog.items())
        for name, text in _AGES:
            since = getattr(health, name)
            values = [((), health.age(since).total_seconds())] if since else []
            yield _gauge(f"{name}_seconds", f"Seconds {text}.", [], values)
        shut: Tally[tuple[str, ...]] = Tally(
            (gate.gate.partition(":")[0], gate.paused_by or gate.breaker) for gate in health.shut
        )
        yield _gauge("gates_shut", "Gates paused or broken.", ["kind", "by"], shut.items())
        incoming = {(state,): number for state, number in health.incoming.items()}
        yield _gauge("incoming", "Incoming messages that wait.", ["state"], incoming.items())
        yield from self._relays()
        yield _gauge("needs", "Things that need a person.", [], [((), self._needs)])
        taken = [((), health.taken_at.timestamp())]
        yield _gauge("snapshot_timestamp_seconds", "When the gauges were taken.", [], taken)

    def _relays(self) -> Iterator[GaugeMetricFamily]:
        for name, text in _RELAY_AGES.items():
            values = {
                (each.relay,): self._health.age(since).total_seconds()
                for each in self._health.relays
                if (since := getattr(each, name)) is not None
            }
            yield _gauge(f"relay_{name}_seconds", f"Seconds {text}.", ["relay"], values.items())
        beyond = {(each.relay,): each.beyond for each in self._health.relays}
        yield _gauge("relay_beyond", "Uncertain mails from before that.", ["relay"], beyond.items())


def _gauge(
    name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"picketline_{name}", text, labels=labels)
    for key, value in values:
        family.add_metric(key, value)
    return family


def text(health: Health | None, needs: Sequence[str]) -> bytes:
    """All metrics of this process; without a snapshot its own counters only."""
    whole = generate_latest(OWN)
    if health is None:
        return whole
    registry = CollectorRegistry()
    registry.register(_Gauges(health, needs))
    return whole + generate_latest(registry)
