"""Which faults, and when: the same seed gives the same ones in the same order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "SIGKILL of a worker"
    PAUSE = "SIGSTOP of a worker"
    JUMP = "the database's clock jumps"
    DATABASE = "the database crashes"
    RELAY = "the relay crashes"


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A fault that is due once ``after`` letters are through.

    ``pick`` chooses whom it meets; ``seconds`` is how long it lasts, or how far a clock jumps.
    """

    after: float
    kind: Kind
    pick: float
    seconds: float


def faults(
    letters: int, seed: int, *, lease: int, kill_share: float, crashes: int, relay_crashes: int
) -> list[Fault]:
    """The faults of a run, in their order. Workers are frozen for longer than ``lease``, or not."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    numbers = {
        Kind.KILL: round(letters * kill_share),
        Kind.PAUSE: max(2, letters // 400),
        Kind.JUMP: max(2, letters // 750),
        Kind.DATABASE: crashes,
        Kind.RELAY: relay_crashes,
    }
    found = []
    for kind, number in numbers.items():
        for turn in range(number):
            share = (turn + chance.random()) / number
            after = letters * (0.02 + 0.9 * share)
            found.append(Fault(after, kind, chance.random(), _seconds(kind, chance, lease)))
    return sorted(found)


def _seconds(kind: Kind, chance: random.Random, lease: int) -> float:
    if kind is Kind.PAUSE:
        return lease * chance.uniform(0.2, 2.5)
    if kind is Kind.JUMP:
        return 3600.0 * chance.choice((1, -1))
    return chance.uniform(0, 1.0)
