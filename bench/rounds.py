"""Rounds: contenders measured in turn, and what is told of them.

A ratio is taken within each round, where both sides met the same weather on the machine; the
median over the rounds is the figure, the extremes say how much to trust it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

Contender = Callable[[], float]
"""Does one round of work and returns how many things it did per second."""


@dataclass(frozen=True)
class Size:
    """How much to measure: the number of rounds, and the share of the usual work in each."""

    rounds: int = 5
    share: float = 1.0

    def of(self, usual: int) -> int:
        """That share of the usual number, at least one."""
        return max(1, round(usual * self.share))


@dataclass(frozen=True)
class Spread:
    """The rounds of one figure."""

    median: float
    min: float
    max: float
    rounds: list[float]

    @staticmethod
    def of(values: list[float]) -> Spread:
        """The spread of these values, which must not be none."""
        return Spread(median(values), min(values), max(values), values)


@dataclass(frozen=True)
class Report:
    """What one benchmark found. ``rates`` has things per second for each contender.

    ``ratio`` is ``ours`` divided by ``limit``. ``details`` say what was measured, and with what.
    """

    name: str
    unit: str
    ours: str
    limit: str
    rates: dict[str, Spread]
    ratio: Spread
    aim: float | None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the median ratio is as high as it was meant to be; None without an aim."""
        return None if self.aim is None else self.ratio.median >= self.aim

    def as_json(self) -> dict[str, Any]:
        """Everything, with the machine it was found on."""
        machine = {
            "cpus": os.cpu_count(),
            "load_average": os.getloadavg(),
            "python": platform.python_version(),
            "system": platform.platform(),
        }
        return {**asdict(self), "reached": self.reached, "machine": machine}

    def lines(self) -> list[str]:
        """The same for people."""
        width = max(map(len, self.rates))
        table = [
            f"  {name:<{width}}  {_figure(spread)} {self.unit}/s"
            for name, spread in self.rates.items()
        ]
        ratio = self.ratio
        told = f"  ratio {ratio.median:.3g}  (min {ratio.min:.3g}, max {ratio.max:.3g})"
        if self.aim is not None:
            told += f"   aim: ≥ {self.aim}, {'reached' if self.reached else 'missed'}"
        details = [f"  {key}: {value}" for key, value in self.details.items()]
        return [f"{self.name}: {self.ours} / {self.limit}", *table, told, *details]


def compare(
    contenders: Mapping[str, Contender], rounds: int
) -> tuple[dict[str, Spread], list[dict[str, float]]]:
    """Each contender once in every round, in turns forwards and backwards; rates and raw rounds."""
    names = list(contenders)
    found: list[dict[str, float]] = []
    for number in range(rounds):
        order = names if number % 2 == 0 else names[::-1]
        found.append({name: contenders[name]() for name in order})
    rates = {name: Spread.of([each[name] for each in found]) for name in names}
    return rates, found


def report(
    name: str,
    unit: str,
    contenders: Mapping[str, Contender],
    size: Size,
    *,
    aim: float | None,
    details: Mapping[str, Any],
) -> Report:
    """Measure, and tell. The first contender is ours, the second is the limit."""
    ours, limit = list(contenders)[:2]
    rates, found = compare(contenders, size.rounds)
    ratio = Spread.of([each[ours] / each[limit] for each in found])
    return Report(name, unit, ours, limit, rates, ratio, aim, dict(details))


def _figure(spread: Spread) -> str:
    return f"{spread.median:>9,.0f}  (min {spread.min:,.0f}, max {spread.max:,.0f})"
