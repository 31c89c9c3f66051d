"""Watching: a look at the post office now and then, for whoever asks a worker how things stand."""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from django.db import Error, connection

from picketline.domain import health, metrics
from picketline.domain.health import Counts, Health
from picketline.domain.needs import needs
from picketline.host.small_server import Answer
from picketline.host.stopping import Stop
from picketline.mail.smtp import boot_seconds

log = logging.getLogger(__name__)

LOOK_EVERY = 10.0
STALE_SECONDS = 60.0
# Looking may take so much of the time, however large the tables are; what is settled, which takes
# a fifth of a second for a million mails, much less.
SHARE, SETTLED_SHARE = 0.02, 0.002


def as_json(found: Health | None, sentences: list[str]) -> str:
    """A snapshot and what needs a person, for programs."""
    told: dict[str, Any] = {"needs": sentences}
    if found is not None:
        told |= dataclasses.asdict(found) | {"backlog": found.backlog}
        told["states"] = [
            {"mail_class": mail_class, "state": state, "mails": number}
            for (mail_class, state), number in sorted(found.states.items())
        ]
    return json.dumps(told, default=datetime.isoformat, indent=2)


class Watch:
    """Looks every ten seconds, in a thread with a database connection of its own, in a ``with``.

    ``pages`` answer from the last look, so that neither a worker nor whoever asks waits for it.
    """

    def __init__(self) -> None:
        self._stop = Stop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._last: tuple[float, Health, list[str]] | None = None
        self._settled: Counts = {}
        self._count_again = 0.0
        self._first = threading.Event()

    @property
    def pages(self) -> Mapping[str, Any]:
        """What ``SmallServer`` serves."""
        return {"/metrics": self.metrics, "/health": self.health}

    def metrics(self) -> Answer:
        """The counters of this process, and the gauges of the last look."""
        found, sentences = self._seen()
        return Answer(metrics.text(found, sentences), metrics.CONTENT_TYPE)

    def health(self) -> Answer:
        """The last look as JSON; 503 where something needs a person."""
        found, sentences = self._seen()
        if found is None:
            sentences = ["The database has not answered for a minute."]
        body = as_json(found, sentences).encode() + b"\n"
        return Answer(body, "application/json", 503 if sentences else 200)

    def _seen(self) -> tuple[Health | None, list[str]]:
        """The last look, unless that is long ago. The first one is waited for."""
        self._first.wait(LOOK_EVERY)
        if self._last is None or boot_seconds() > self._last[0]:
            return None, []
        return self._last[1:]

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                started = boot_seconds()
                self._look(started)
                self._first.set()
                taken = boot_seconds() - started
                self._stop.wait(max(LOOK_EVERY, taken / SHARE))
        finally:
            connection.close()

    def _look(self, started: float) -> None:
        try:
            if started >= self._count_again:
                self._settled = health.settled()
                taken = boot_seconds() - started
                self._count_again = started + max(LOOK_EVERY, taken / SETTLED_SHARE)
            found = health.snapshot(self._settled)
        except Error as fault:
            log.warning("no look at the post office (%s)", type(fault).__name__)
            connection.close()
        else:
            taken = boot_seconds() - started
            good_until = started + max(STALE_SECONDS, 3 * taken / SHARE)
            self._last = good_until, found, needs(found)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._stop.__exit__(kind, error, trace)
