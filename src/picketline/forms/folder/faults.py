"""What is wrong with a folder: all of it at once, each with its file and line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, order=True)
class Fault:
    """One thing to put right. ``line`` counts from 1; 0 means the file as a whole."""

    path: str
    line: int
    sentence: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.sentence}"


class FolderRefused(Exception):
    """The folder cannot be used; ``faults`` says why, in the order of files and lines."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True)
class Faults:
    """The faults of one file, as they are found."""

    path: Path
    found: list[Fault] = field(default_factory=list)

    def add(self, line: int, sentence: str) -> None:
        """Note a fault and go on reading."""
        self.found.append(Fault(str(self.path), line, sentence))
