"""A run: faults by plan while letters go out, then quiet until every letter is settled."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from chaos.crew import Crew
from chaos.plan import Fault, Kind
from chaos.stage import ROOT, Stage
from chaos.witness import Witness

LOOK_EVERY = 0.02
KILL_WITHIN = 0.5
# Nothing moves for so long: what waits for a time is helped by the clock.
STILL_SECONDS = 3.0
# So long after anything moved, and a watch's patience, no proof is under way any more.
QUIET_SECONDS = 8.0
LONGEST_SECONDS = 1200.0
HOUR = timedelta(hours=1)


class NeverSettled(Exception):
    """Letters were still waiting after all this time; the message says how many, and where."""


@dataclass
class Trial:
    """Brings a list of faults over some workers; ``met`` counts those that happened."""

    stage: Stage
    crew: Crew
    witness: Witness
    faults: list[Fault]
    met: Counter[Kind] = field(default_factory=Counter)
    _due: list[tuple[float, Callable[[], bool]]] = field(default_factory=list)
    _moved: tuple[dict[str, int], float] = field(default=({}, 0.0), init=False)

    def run(self) -> None:
        """Return when nothing but a person can settle what is left. Raises ``NeverSettled``."""
        limit = time.monotonic() + LONGEST_SECONDS
        while True:
            states = self._look()
            if self.faults or self._due:
                self._strike(states)
            elif self._is_settled(states):
                return
            self._help_along(states)
            if time.monotonic() > limit:
                raise NeverSettled(str(states))
            time.sleep(LOOK_EVERY)

    def finish(self) -> list[str]:
        """End the workers, let the relay empty its queue; what the operator is told is unclear."""
        well = self.crew.stop()
        self.stage.relay.command("flush")
        self.stage.relay.wait_until(lambda: not self.stage.relay.queue())
        if not well:
            raise NeverSettled("a worker did not end when it was told to")
        told = subprocess.run(
            [sys.executable, "-m", "picketline", "outbox"],
            cwd=ROOT,
            env=self.stage.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return re.findall(r"^uncertain: .*(<[^ >]+>)", told.stdout, re.MULTILINE)

    def _look(self) -> dict[str, int]:
        self.crew.tend()
        states = self.witness.states()
        if states != self._moved[0]:
            self._moved = states, time.monotonic()
        return states

    def _strike(self, states: dict[str, int]) -> None:
        """What is due; who finds nobody to meet, such as a worker at work, waits for one."""
        now = time.monotonic()
        for each in [each for each in self._due if each[0] <= now]:
            if each[1]():
                self._due.remove(each)
        through = states.get("accepted", 0) + states.get("uncertain", 0)
        while self.faults and self.faults[0].after <= through and self._meet(self.faults[0]):
            self.met[self.faults.pop(0).kind] += 1

    def _meet(self, fault: Fault) -> bool:
        match fault.kind:
            case Kind.KILL:
                # Letters come through by the batch; in the middle of the next one it hurts most.
                moment = time.monotonic() + KILL_WITHIN * fault.seconds
                self._due.append((moment, lambda: self.crew.kill(fault.pick)))
                return True
            case Kind.PAUSE:
                return self.crew.freeze(fault.pick, fault.seconds)
            case Kind.JUMP:
                return self._jump(timedelta(seconds=fault.seconds), fault.pick)
            case Kind.DATABASE:
                self.witness.disconnect()
                self.stage.database.crash()
                return True
            case Kind.RELAY:
                self.stage.relay.abort()
                self._due.append((time.monotonic() + fault.seconds, self._start_relay))
                return True

    def _jump(self, ahead: timedelta, pick: float) -> bool:
        """Set the clock; one that was set back is set right a little later."""
        if not self.witness.shift_clock(ahead):
            return False
        if ahead < timedelta(0):
            right = time.monotonic() + 3 * pick
            self._due.append((right, lambda: self.witness.shift_clock(-ahead)))
        return True

    def _start_relay(self) -> bool:
        self.stage.relay.start()
        return True

    def _help_along(self, states: dict[str, int]) -> None:
        """Where all that is left waits for its time, let an hour pass."""
        waiting = sum(states.get(each, 0) for each in ("queued", "deferred", "sending"))
        still = time.monotonic() - self._moved[1] > STILL_SECONDS
        if waiting and still and not self._due and self.witness.shift_clock(HOUR):
            self.met[Kind.JUMP] += 1
            self._moved = states, time.monotonic()

    def _is_settled(self, states: dict[str, int]) -> bool:
        unclear = states.get("uncertain", 0)
        if sum(states.values()) - unclear != self._ended(states):
            return False
        quiet = time.monotonic() - self._moved[1] > self.stage.patience + QUIET_SECONDS
        return not unclear or (quiet and not self.witness.open_cases())

    def _ended(self, states: dict[str, int]) -> int:
        return sum(states.get(each, 0) for each in ("accepted", "failed", "bounced", "cancelled"))
