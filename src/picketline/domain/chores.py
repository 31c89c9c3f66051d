"""Chores: what a worker does beside sending, each at its own pace. All may run in many workers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError

from picketline.domain import counts, digests, leases, letter_status, names, relay, retention
from picketline.domain.incoming import sorting
from picketline.domain.relay import Resolver
from picketline.mail.smtp import boot_seconds

log = logging.getLogger(__name__)

REAP_EVERY = 5.0
SORT_EVERY = 5.0
RESOLVE_EVERY = 2.0
HOURLY = 3_600.0


@dataclass
class Chores:
    """The list of chores and when each is due, in seconds on a clock that nobody sets.

    ``resolver`` watches over the relay's log, where there is one. ``stopping`` is asked between
    chores.
    """

    counter_seconds: float
    resolver: Resolver | None = None
    stopping: Callable[[], bool] = bool
    _due: dict[str, float] = field(default_factory=dict, init=False)

    def run_due(self) -> None:
        """Do every chore whose time has come, until told to stop. All are due at the start.

        A chore that fails is logged and comes again at its next time; it stops neither the others
        nor the letters. Raises ``OperationalError`` or ``InterfaceError`` without a database.
        """
        for name, (every, chore) in self._all().items():
            now = boot_seconds()
            if now >= self._due.get(name, now) and not self.stopping():
                self._due[name] = now + every
                _attend_to(name, chore)

    def seconds_left(self) -> float:
        """How long until the next chore is due."""
        return max(min(self._due.values(), default=0) - boot_seconds(), 0)

    def _sort(self) -> None:
        """One message at a time: letters go on between two that take long to examine."""
        if sorting.sort_due(1):
            self._due["sort"] = boot_seconds()

    def _all(self) -> dict[str, tuple[float, Callable[[], object]]]:
        resolving = {"resolve": (RESOLVE_EVERY, self.resolver.run)} if self.resolver else {}
        return {
            "reap": (REAP_EVERY, leases.reap),
            **resolving,
            "withdraw": (REAP_EVERY, letter_status.finish_withdrawals),
            "sort": (SORT_EVERY, self._sort),
            "count": (self.counter_seconds, counts.sum_up),
            "names": (HOURLY, names.publish),
            "digests": (HOURLY, digests.queue),
            "unclear": (HOURLY, relay.tell_of_unclear),
            "tidy": (HOURLY, retention.tidy),
        }


def _attend_to(name: str, chore: Callable[[], object]) -> None:
    try:
        chore()
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:  # noqa: BLE001 - one damaged row must not keep letters from going out
        code = getattr(fault.__cause__, "sqlstate", None)  # names a kind of fault and no data
        what = f"{type(fault).__name__} {code}" if code else type(fault).__name__
        log.error("the chore %s failed: %s", name, what)  # noqa: TRY400 - a traceback could quote personal data
