"""Shares: who gets the places in a batch, so that nobody who waits is forgotten."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from picketline.domain.streams import Stream

T = TypeVar("T")

# People wait for confirmations and targets for letters. Eight turns, of which each stream has some.
TURNS = (
    Stream.CONFIRMATIONS,
    Stream.LETTERS,
    Stream.CONFIRMATIONS,
    Stream.LETTERS,
    Stream.NOTICES,
    Stream.CONFIRMATIONS,
    Stream.LETTERS,
    Stream.UPDATES,
)


def in_turns(queues: Iterable[Iterable[T]]) -> Iterator[T]:
    """One from each queue, again and again, until all are empty."""
    waiting = [iter(queue) for queue in queues]
    while waiting:
        still = []
        for queue in waiting:
            for item in queue:
                yield item
                still.append(queue)
                break
        waiting = still


def of_streams(limit: int, waiting: Mapping[Stream, float]) -> dict[Stream, int]:
    """How many places each stream gets of ``limit``, none more than it has waiting.

    Three of eight go to confirmations, three to letters, one each to notices and updates. Where
    the turns begin is left to chance, so that a batch of one starves nobody either. What a stream
    does not need goes to the others.
    """
    start = random.randrange(len(TURNS))  # noqa: S311 - spreads turns
    order = [*TURNS[start:], *TURNS[:start]]
    places = dict.fromkeys(Stream, 0)
    left = limit
    while left:
        before = left
        for stream in order:
            if left and places[stream] < waiting.get(stream, 0):
                places[stream] += 1
                left -= 1
        if left == before:
            break
    return places


def shuffled(items: Sequence[T]) -> list[T]:
    """These in random order."""
    return random.sample(items, len(items))
