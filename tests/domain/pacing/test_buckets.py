"""Token buckets: the pace holds in every stretch of time, however mail comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.domain.pacing.buckets import Bucket, burst, level, spent, time_for

START = datetime(2026, 3, 2, tzinfo=UTC)
PACES = st.one_of(st.floats(0.01, 10), st.floats(10, 6000))
WAITS = st.lists(st.tuples(st.floats(0, 200), st.integers(1, 50)), min_size=1, max_size=60)


def _served(per_minute: float, waits: list[tuple[float, int]]) -> list[datetime]:
    """The moments at which mails passed, where everybody takes as many as they want and may."""
    bucket, now, served = Bucket(), START, []
    for seconds, wanted in waits:
        now += timedelta(seconds=seconds)
        number = min(wanted, int(level(bucket, per_minute, now)))
        if number:
            bucket = spent(bucket, per_minute, now, number)
            served += [now] * number
    return served


@given(PACES, WAITS)
def test_in_no_stretch_of_time_more_mails_pass_than_the_burst_and_the_pace_allow(
    per_minute: float, waits: list[tuple[float, int]]
) -> None:
    served = _served(per_minute, waits)
    for first, since in enumerate(served):
        for last in range(first, len(served)):
            minutes = (served[last] - since) / timedelta(minutes=1)
            assert last - first + 1 <= burst(per_minute) + per_minute * minutes + 1e-6


@given(PACES, st.integers(1, 30))
def test_whoever_waits_for_a_token_gets_it_no_later_than_the_pace_says(
    per_minute: float, number: int
) -> None:
    bucket, now = Bucket(), START
    for _ in range(number):
        if level(bucket, per_minute, now) < 1:
            assert bucket.filled_at is not None
            assert bucket.filled_at - now <= time_for(1, per_minute) + timedelta(microseconds=2)
            now = bucket.filled_at
        bucket = spent(bucket, per_minute, now, 1)


@pytest.mark.parametrize(("per_minute", "mails"), [(0.5, 1), (6, 1), (12, 2), (600, 100)])
def test_after_a_rest_what_ten_seconds_give_passes_at_once(per_minute: float, mails: int) -> None:
    assert burst(per_minute) == mails
    assert level(Bucket(5.0, START), per_minute, START + timedelta(days=9)) == mails


def test_a_clock_that_was_set_back_by_a_year_stops_nothing() -> None:
    bucket = spent(Bucket(), 6, START + timedelta(days=365), 1)
    assert level(bucket, 6, START) == 1
    assert level(spent(bucket, 6, START, 1), 6, START) < 1


def test_without_a_pace_everything_passes() -> None:
    assert level(spent(Bucket(), 0, START, 1000), 0, START) == float("inf")
    assert time_for(3, 0) == timedelta(0)
