"""A crew: processes of one kind, each replaced when it dies, all told together to stop."""

from __future__ import annotations

import logging
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from picketline.host.leash import dies_with_us
from picketline.host.stopping import Stop

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
SHORTEST_REST, LONGEST_REST = 1.0, 60.0
SETTLED = 60.0  # who lived that long had no trouble to start


@dataclass
class _Place:
    """One member's place; ``rest`` is how long it stays empty when the member dies early."""

    number: int
    child: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    rest: float = SHORTEST_REST


class Crew:
    """``size`` processes; ``command`` says what the member with a number, from 0, runs.

    Members write where we write, and on Linux get SIGTERM also when this process is killed. They
    must take SIGTERM for "finish what you are at", however often it comes.
    """

    def __init__(self, size: int, command: Callable[[int], Sequence[str]]) -> None:
        self._places = [_Place(number) for number in range(size)]
        self._command = command

    def serve(self, stop: Stop) -> bool:
        """Keep every place filled until told to stop; whether all members then ended well."""
        while not stop.is_set():
            for place in self._places:
                self._look_after(place)
            stop.wait(LOOK_EVERY)
        children = [place.child for place in self._places if place.child is not None]
        self._signal(signal.SIGTERM)
        # Whom SIGTERM ended had not even begun.
        return {child.wait() for child in children} <= {0, -signal.SIGTERM}

    def kill(self) -> None:
        """End all members where they stand."""
        self._signal(signal.SIGKILL)

    def _look_after(self, place: _Place) -> None:
        now = monotonic()
        if place.child is not None and place.child.poll() is not None:
            if now > place.started + SETTLED:
                place.rest = SHORTEST_REST
            log.warning(
                "process %d ended with status %d; another one takes its place in %.0f s",
                place.number,
                place.child.returncode,
                place.rest,
            )
            place.child, place.due = None, now + place.rest
            place.rest = min(LONGEST_REST, place.rest * 2)
        if place.child is None and now >= place.due:
            place.child, place.started = self._started(place.number), now

    def _started(self, number: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - a command of ours, no shell
            self._command(number),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=dies_with_us(signal.SIGTERM),  # noqa: PLW1509 - two system calls that take no lock
        )

    def _signal(self, number: signal.Signals) -> None:
        for place in self._places:
            if place.child is not None:
                with suppress(ProcessLookupError):
                    place.child.send_signal(number)
