"""Shares: nobody who waits is forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from picketline.domain.pacing import shares
from picketline.domain.streams import Stream

WAITING = st.dictionaries(st.sampled_from(list(Stream)), st.integers(0, 300))


def test_queues_take_turns_until_all_are_empty() -> None:
    assert "".join(shares.in_turns(["aaaa", "b", "", "cc"])) == "abcaca" + "a"


@given(st.integers(0, 250), WAITING)
def test_no_place_stays_empty_while_somebody_waits(limit: int, waiting: dict[Stream, int]) -> None:
    places = shares.of_streams(limit, waiting)
    assert sum(places.values()) == min(limit, sum(waiting.values()))
    assert all(number <= waiting.get(stream, 0) for stream, number in places.items())


@given(WAITING)
def test_every_stream_that_waits_gets_some_of_a_batch_of_eight(waiting: dict[Stream, int]) -> None:
    places = shares.of_streams(8, waiting)
    assert all(places[stream] for stream, number in waiting.items() if number)


def test_confirmations_and_letters_get_most_where_all_wait() -> None:
    places = shares.of_streams(80, dict.fromkeys(Stream, 1000))
    assert [places[each] for each in Stream] == [30, 30, 10, 10]


def test_in_batches_of_one_no_stream_starves() -> None:
    served = {
        stream
        for _ in range(500)
        for stream, number in shares.of_streams(1, dict.fromkeys(Stream, 9)).items()
        if number
    }
    assert served == set(Stream)
