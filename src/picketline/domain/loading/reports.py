"""What a load changed, for the person who asked for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model

from picketline.domain.loading.rows import Outcome

M = TypeVar("M", bound=Model)

# A thing whose row is new or gone is not also called changed for the sake of its parts.
_WEIGHT = {"same": 0, "changed": 1, "new": 2, "removed": 2}


@dataclass(frozen=True)
class LoadReport:
    """What a load did, as names such as ``target fund`` or ``letter ru (owner)``.

    ``removed`` are those that left the folder; targets, letters and used copy addresses among
    them are kept for their history.
    """

    slug: str
    new: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same: int

    @property
    def touched(self) -> bool:
        """Whether any row was written."""
        return bool(self.new or self.changed or self.removed)


class Ledger:
    """Where the steps of a load note what they did."""

    def __init__(self) -> None:
        self._verdicts: dict[str, str] = {}

    def note(self, name: str, verdict: str) -> None:
        """Say what became of a thing: same, changed, new or removed."""
        if _WEIGHT[verdict] >= _WEIGHT[self._verdicts.get(name, "same")]:
            self._verdicts[name] = verdict

    def take(self, noun: str, outcome: Outcome[str, M]) -> None:
        """Note all rows of a noun, by their keys."""
        for key in outcome.rows:
            self.note(f"{noun} {key}", "same")
        for verdict, keys in (
            ("new", outcome.new),
            ("changed", outcome.changed),
            ("removed", outcome.gone),
        ):
            for key in sorted(keys):
                self.note(f"{noun} {key}", verdict)

    def take_parts(self, noun: str, keys: Mapping[int, str], owners: Iterable[int]) -> None:
        """Note things as changed because of rows that belong to them, given their ids."""
        for owner in owners:
            self.note(f"{noun} {keys[owner]}", "changed")

    def report(self, slug: str) -> LoadReport:
        """Sum up."""
        named = {
            verdict: tuple(name for name, found in self._verdicts.items() if found == verdict)
            for verdict in _WEIGHT
        }
        return LoadReport(
            slug, named["new"], named["changed"], named["removed"], len(named["same"])
        )
