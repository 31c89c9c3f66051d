"""Office hours: when a target's people are at work, on the clock of where they are."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

log = logging.getLogger(__name__)

SATURDAY = 5


class ZoneUnknown(Exception):
    """No time zone has this name here; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Office:
    """From when until when there is somebody, Monday to Friday, on a wall clock of ``zone``."""

    zone: str
    opens: time
    closes: time


def require_zone(name: str) -> None:
    """Raise ``ZoneUnknown`` unless this machine knows the time zone of this IANA name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ZoneUnknown(
            f"There is no time zone {name} here. Write a name like Asia/Almaty; if that is one, "
            "install the system's package tzdata."
        ) from None


@cache
def zone(name: str) -> tzinfo:
    """The time zone of this name; UTC for none, and for one that only another machine knows.

    Loading a campaign refuses unknown zones; a letter must not wait for ever for a missing table.
    """
    if not name:
        return UTC
    try:
        require_zone(name)
    except ZoneUnknown as unknown:
        log.warning("%s Its targets are paced by UTC.", unknown)
        return UTC
    return ZoneInfo(name)


def local_day(moment: datetime, zone_name: str) -> date:
    """The date there."""
    return moment.astimezone(zone(zone_name)).date()


def next_day(moment: datetime, zone_name: str) -> datetime:
    """When the next date begins there."""
    return _at(local_day(moment, zone_name) + timedelta(days=1), time(0), zone(zone_name))


def open_from(moment: datetime, office: Office) -> datetime:
    """The earliest moment from this one on at which the office is open."""
    there = zone(office.zone)
    local = moment.astimezone(there)
    working = local.weekday() < SATURDAY
    if working and office.opens <= local.time() < office.closes:
        return moment
    day = local.date()
    if not working or local.time() >= office.opens:
        day += timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return max(moment, _at(day, office.opens, there))


def _at(day: date, clock: time, there: tzinfo) -> datetime:
    """That moment; for a time that the clocks skip in spring, when they have skipped it."""
    local = datetime.combine(day, clock, there)
    return local.astimezone(UTC).astimezone(there)
