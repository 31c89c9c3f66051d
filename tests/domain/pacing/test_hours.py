"""Office hours: on the wall clock of the target, through weekends and changes of the clocks."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.domain.pacing import hours
from picketline.domain.pacing.hours import Office, ZoneUnknown

BERLIN = Office("Europe/Berlin", time(9), time(17))


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-03-27T07:59", "2026-03-27T08:00"),  # Friday, winter time
        ("2026-03-27T08:00", "2026-03-27T08:00"),
        ("2026-03-27T15:59:59.999", "2026-03-27T15:59:59.999"),
        ("2026-03-27T16:00", "2026-03-30T07:00"),  # over the weekend the clocks go forward
        ("2026-03-28T12:00", "2026-03-30T07:00"),
        ("2026-10-23T14:59", "2026-10-23T14:59"),
        ("2026-10-23T15:00", "2026-10-26T08:00"),  # and back in autumn
        ("2026-10-25T12:00", "2026-10-26T08:00"),
    ],
)
def test_the_office_opens_at_its_own_hour_whatever_the_clocks_did(moment: str, opens: str) -> None:
    assert hours.open_from(_utc(moment), BERLIN) == _utc(opens)


def test_an_office_that_opens_in_the_hour_that_is_skipped_opens_after_it() -> None:
    # In Beirut the clocks once went forward on a Thursday, at midnight.
    office = Office("Asia/Beirut", time(0, 30), time(17))
    opens = hours.open_from(_utc("2022-03-26T12:00"), office)
    assert opens == _utc("2022-03-27T21:30")
    gap = Office("America/New_York", time(2, 30), time(17))
    assert hours.open_from(_utc("2026-03-06T23:00"), gap) == _utc("2026-03-09T06:30")


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive ones
    st.sampled_from(["Europe/Berlin", "Asia/Almaty", "America/St_Johns", "Australia/Lord_Howe"]),
    st.integers(0, 22),
)
def test_an_office_is_open_when_it_is_said_to_open_and_not_before(
    moment: datetime, zone: str, opens: int
) -> None:
    now = moment.replace(tzinfo=UTC)
    office = Office(zone, time(opens), time(opens + 1))
    found = hours.open_from(now, office)
    assert now <= found <= now + timedelta(days=4)
    assert hours.open_from(found, office) == found
    if found > now:
        assert hours.open_from(found - timedelta(seconds=1), office) == found


def test_the_day_ends_at_the_midnight_of_the_target() -> None:
    moment = _utc("2026-03-28T23:30")
    assert hours.local_day(moment, "Europe/Berlin") == date(2026, 3, 29)
    assert hours.next_day(moment, "Europe/Berlin") == _utc("2026-03-29T22:00")
    assert hours.next_day(moment, "") == _utc("2026-03-29T00:00")


@pytest.mark.parametrize("name", ["Atlantis/Centre", "../etc/passwd", ""])
def test_a_zone_that_does_not_exist_is_refused_with_advice(name: str) -> None:
    with pytest.raises(ZoneUnknown, match="tzdata"):
        hours.require_zone(name)


def test_letters_do_not_wait_for_a_missing_table_of_time_zones(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hours.zone.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert hours.zone("Atlantis/Centre") is UTC
    assert "Atlantis/Centre" in caplog.text
