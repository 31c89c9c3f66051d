"""Rows brought in line with what is wanted, touching only those that differ."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

K = TypeVar("K", bound=Hashable)
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Outcome(Generic[K, M]):
    """The rows as they now are, by key, and the keys of those that were touched."""

    rows: dict[K, M]
    new: frozenset[K]
    changed: frozenset[K]
    gone: frozenset[K]

    @property
    def touched(self) -> frozenset[K]:
        """Keys of all rows that are not as they were."""
        return self.new | self.changed | self.gone


def reconcile(
    found: QuerySet[M], key: Callable[[M], K], wanted: Mapping[K, M], fields: Sequence[str] = ()
) -> Outcome[K, M]:
    """Insert, update and delete until ``found`` holds the ``wanted`` rows, compared by ``fields``.

    ``wanted`` are unsaved rows. Four queries at most; none that writes where nothing differs.
    """
    present = {key(row): row for row in found}
    new = [row for name, row in wanted.items() if name not in present]
    gone = [row for name, row in present.items() if name not in wanted]
    changed = [
        name
        for name, row in wanted.items()
        if name in present and _copy(row, present[name], fields)
    ]
    if gone:
        found.model._default_manager.filter(pk__in=[row.pk for row in gone]).delete()
    if changed:
        found.bulk_update([present[name] for name in changed], fields)
    if new:
        found.bulk_create(new)
    return Outcome(
        rows={name: present.get(name, row) for name, row in wanted.items()},
        new=frozenset(map(key, new)),
        changed=frozenset(changed),
        gone=frozenset(map(key, gone)),
    )


def supersede(
    found: QuerySet[M],
    key: Callable[[M], K],
    wanted: Mapping[K, M],
    fields: Sequence[str],
    number: str,
) -> Outcome[K, M]:
    """Make the ``wanted`` versions the current ones without rewriting any that exists.

    A version that differs from the latest in ``fields`` is inserted with the next ``number``; a
    key that is no longer wanted is left without a current version, and gets its latest one back
    when it is wanted again unchanged.
    """
    latest = {key(row): row for row in found.order_by(number)}
    kept = {
        name: latest[name]
        for name, row in wanted.items()
        if name in latest and _same(row, latest[name], fields)
    }
    new = {name: row for name, row in wanted.items() if name not in kept}
    past = [row for name, row in latest.items() if name not in kept and _is_current(row)]
    back = [name for name, row in kept.items() if not _is_current(row)]
    _set_current(found, past, current=False)
    _set_current(found, [kept[name] for name in back], current=True)
    for name, row in new.items():
        setattr(row, number, getattr(latest[name], number) + 1 if name in latest else 1)
    if new:
        found.bulk_create(new.values())
    return Outcome(
        rows={name: kept.get(name, row) for name, row in wanted.items()},
        new=frozenset(name for name in new if name not in latest),
        changed=frozenset([*(name for name in new if name in latest), *back]),
        gone=frozenset(key(row) for row in past if key(row) not in wanted),
    )


def _copy(source: Model, to: Model, fields: Sequence[str]) -> bool:
    """Give ``to`` the values of ``source``; whether any was different."""
    if _same(source, to, fields):
        return False
    for name in fields:
        setattr(to, name, getattr(source, name))
    return True


def _same(one: Model, other: Model, fields: Sequence[str]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def _is_current(row: Model) -> bool:
    return bool(getattr(row, "current"))  # noqa: B009 - a field of versioned models only


def _set_current(found: QuerySet[M], rows: Sequence[M], *, current: bool) -> None:
    if rows:
        found.model._default_manager.filter(pk__in=[row.pk for row in rows]).update(current=current)
