"""Values taken out of a mapping, each checked; whatever is wrong is noted and reading goes on."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

from picketline.domain.folders import When
from picketline.forms.folder import scalars
from picketline.forms.folder.faults import Faults
from picketline.forms.folder.yaml_in import Mapping, Scalar, Sequence, Value

T = TypeVar("T")

MAX_TEXT = 5_000

_NO_DATE = datetime.date.min


class Fields:
    """The fields of one mapping, which is called ``path`` in what is said about it.

    Each method takes a field out. One that is missing or wrong is noted as a fault and comes back
    empty: what is built of it is thrown away, since a folder with faults is refused.
    """

    def __init__(self, mapping: Mapping, faults: Faults, path: str = "", line: int = 0) -> None:
        self._faults = faults
        self._entries = mapping.entries
        self._lines = mapping.lines
        self._line = line or mapping.line
        self._path = f"{path}." if path else ""
        self._taken: set[str] = set()

    def text(self, name: str, limit: int = MAX_TEXT, *, optional: bool = False) -> str:
        """One line of text, at most ``limit`` characters long."""
        return self.value(name, lambda value: scalars.line(value, limit), optional=optional) or ""

    def texts(self, name: str, limit: int, *, optional: bool = False) -> tuple[str, ...]:
        """A list of such lines."""
        return self.values(name, lambda value: scalars.line(value, limit), optional=optional)

    def when(self, name: str) -> When:
        """A date as exactly as it is known: ``2011-05-24``, ``2011-05`` or ``2011``."""
        return self.value(name, scalars.when) or When(_NO_DATE)

    def day(self, name: str) -> datetime.date | None:
        """A whole date, or None where the field is not there."""
        return self.value(name, scalars.day, optional=True)

    def word(self, name: str, read: Callable[[Scalar], str]) -> str:
        """What ``read`` makes of the field, see ``value``; empty where it is missing or wrong."""
        return self.value(name, read) or ""

    def value(self, name: str, read: Callable[[Scalar], T], *, optional: bool = False) -> T | None:
        """What ``read`` makes of the field; it says by a ``ValueError`` what is wrong with it."""
        found = self._take(name, optional=optional)
        return None if found is None else self._read(name, found, read)

    def values(
        self,
        name: str,
        read: Callable[[Scalar], str],
        *,
        optional: bool = False,
        filled: bool = False,
    ) -> tuple[str, ...]:
        """A list, each item as ``read`` makes it and none twice; not empty where ``filled``."""
        found: list[str] = []
        for item in self._sequence(name, optional=optional, filled=filled):
            value = self._read(name, item, read)
            if value is not None and value in found:
                self._fault(item.line, name, f"has “{value}” twice.")
            elif value is not None:
                found.append(value)
        return tuple(found)

    def keys(self, name: str, known: Collection[str], *, optional: bool = False) -> tuple[str, ...]:
        """A list of some ``known`` keys, given back in the order of those."""
        found = self.values(name, scalars.one_of(known), optional=optional, filled=not optional)
        return tuple(key for key in known if key in found)

    def group(self, name: str, *, optional: bool = False) -> Fields | None:
        """The fields of the mapping ``name``."""
        found = self._take(name, optional=optional)
        return None if found is None else self._inner(name, found, self._lines[name])

    def members(self, name: str) -> Iterator[tuple[str, Fields]]:
        """The mappings in the mapping ``name``, by their keys; none where it is not there."""
        outer = self.group(name) if name in self._entries else None
        if outer is None:
            return
        for key in outer._entries:
            try:
                scalars.slug(Scalar(0, key, "text"))
            except ValueError as error:
                outer.wrong(key, f"is no key: it {error}")
            inner = outer.group(key)
            if inner is not None:
                yield key, inner

    def agreeing(self, name: str, known: Collection[str]) -> Fields | None:
        """The fields of the mapping ``name``, which are exactly the ``known`` ones.

        Notes which are missing and which are too many. Left out where there are none.
        """
        if not known and name not in self._entries:
            return None
        outer = self.group(name)
        if outer is not None:
            for key in outer._entries.keys() - set(known):
                outer._taken.add(key)
                outer.wrong(key, "is not in campaign.yaml.")
        return outer

    def records(self, name: str) -> Iterator[Fields]:
        """The mappings in the list ``name``, which is not empty."""
        for item in self._sequence(name, filled=True):
            inner = self._inner(name, item, item.line)
            if inner is not None:
                yield inner

    def wrong(self, name: str, sentence: str) -> None:
        """Note what is wrong with a field."""
        self._fault(self._lines.get(name, self._line), name, sentence)

    def done(self) -> None:
        """Note every field that nobody took."""
        for name, line in self._lines.items():
            if name not in self._taken:
                self._fault(line, name, "is not a field that belongs here.")

    def _take(self, name: str, *, optional: bool) -> Value | None:
        self._taken.add(name)
        if name not in self._entries and not optional:
            self._fault(self._line, name, "is missing.")
        return self._entries.get(name)

    def _sequence(
        self, name: str, *, optional: bool = False, filled: bool = False
    ) -> tuple[Value, ...]:
        found = self._take(name, optional=optional)
        if found is None:
            return ()
        if not isinstance(found, Sequence):
            self._fault(found.line, name, "must be a list.")
            return ()
        if filled and not found.items:
            self._fault(found.line, name, "must not be empty.")
        return found.items

    def _read(self, name: str, found: Value, read: Callable[[Scalar], T]) -> T | None:
        if not isinstance(found, Scalar):
            self._fault(found.line, name, "must be one value, not a list or a mapping.")
            return None
        try:
            return read(found)
        except ValueError as error:
            self._fault(found.line, name, str(error))
            return None

    def _inner(self, name: str, found: Value, line: int) -> Fields | None:
        if isinstance(found, Mapping):
            return Fields(found, self._faults, f"{self._path}{name}", line)
        self._fault(found.line, name, "must be a mapping: lines of the form “key: value”.")
        return None

    def _fault(self, line: int, name: str, sentence: str) -> None:
        self._faults.add(line, f"{self._path}{name} {sentence}")
