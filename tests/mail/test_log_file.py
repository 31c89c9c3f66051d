"""A log is followed across rotations; where something may be missing, it says so."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from picketline.mail.log_file import Position, Reading, read_on


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "maillog"


def _add(log: Path, *lines: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def _start(log: Path) -> Position:
    """The position at the end of what is in the log now."""
    position = read_on(log, None).position
    assert position is not None
    return position


def _rotate(log: Path, suffix: str) -> Path:
    """Rename the log, as something that was written to later than all before it."""
    _rotate.age += 1  # type: ignore[attr-defined]
    os.utime(log, ns=(0, _rotate.age * 10**9))  # type: ignore[attr-defined]
    return log.rename(f"{log}.{suffix}")


_rotate.age = 0  # type: ignore[attr-defined]


def _whole(reading: Reading) -> tuple[str, ...]:
    assert (reading.whole, reading.reason) == (True, "")
    return reading.lines


def test_the_first_reading_proves_nothing_but_has_the_lines(log: Path) -> None:
    _add(log, "one", "two")
    reading = read_on(log, None)
    assert (reading.lines, reading.whole) == (("one", "two"), False)
    assert "first time" in reading.reason


def test_each_line_is_read_once(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    _add(log, "two", "three")
    reading = read_on(log, position)
    assert _whole(reading) == ("two", "three")
    again = read_on(log, reading.position)
    assert (_whole(again), again.position) == ((), reading.position)


def test_an_unfinished_line_is_left_until_it_is_finished(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    with log.open("a") as file:
        file.write("tw")
        file.flush()
        reading = read_on(log, position)
        assert _whole(reading) == ()
        file.write("o\n")
    assert _whole(read_on(log, reading.position)) == ("two",)


def test_a_log_that_began_empty_is_followed(log: Path) -> None:
    log.touch()
    position = _start(log)
    _add(log, "one")
    assert _whole(read_on(log, position)) == ("one",)


def test_a_rotation_between_two_readings_loses_nothing(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    _add(log, "two")
    _rotate(log, "20260801-030000")
    _add(log, "three")
    reading = read_on(log, position)
    assert _whole(reading) == ("two", "three")
    assert reading.position == _start(log)


@pytest.mark.parametrize("suffixes", [("20260801-03", "20260802-03", "20260803-03"), "321"])
def test_several_rotations_between_two_readings_are_read_in_order(
    log: Path, suffixes: tuple[str, ...]
) -> None:
    _add(log, "zero")
    _rotate(log, "20260731-03")
    _add(log, "one")
    position = _start(log)
    for suffix in suffixes:
        _rotate(log, suffix)
        _add(log, f"after {suffix}")
    assert _whole(read_on(log, position)) == tuple(f"after {suffix}" for suffix in suffixes)


def test_a_renamed_log_is_followed_until_its_successor_holds_something(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    old = _rotate(log, "1")
    _add(old, "written after the renaming")
    reading = read_on(log, position)
    assert _whole(reading) == ("written after the renaming",)
    log.touch()
    _add(old, "and even now")
    reading = read_on(log, reading.position)
    assert _whole(reading) == ("and even now",)
    _add(log, "the new one")
    assert _whole(read_on(log, reading.position)) == ("the new one",)


def test_an_empty_rotated_log_is_passed_over(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    _rotate(log, "1")
    log.touch()
    _rotate(log, "2")
    _add(log, "two")
    assert _whole(read_on(log, position)) == ("two",)


def test_a_truncated_log_is_a_gap(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    log.write_text("x\n")
    reading = read_on(log, position)
    assert (reading.lines, reading.whole, reading.reason) == (
        ("x",),
        False,
        "the log was truncated",
    )
    assert read_on(log, reading.position).whole


def test_a_log_that_was_truncated_and_grew_again_is_a_gap(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    os.truncate(log, 0)
    _add(log, "another", "and more")
    reading = read_on(log, position)
    assert (reading.lines, reading.whole) == (("another", "and more"), False)
    assert "replaced" in reading.reason


def test_only_the_last_octets_before_the_position_need_be_the_same(log: Path) -> None:
    _add(log, "x" * 300)
    position = _start(log)
    with log.open("r+") as file:
        file.write("y")
    assert read_on(log, position).whole


def test_a_log_that_is_gone_is_a_gap(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    fresh = log.with_name("fresh")
    _add(fresh, "two")
    fresh.replace(log)
    reading = read_on(log, position)
    assert (reading.lines, reading.whole) == (("two",), False)
    assert "gone" in reading.reason


def test_a_log_that_was_compressed_in_between_is_a_gap(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    _rotate(log, "1")
    _add(log, "two")
    second = _rotate(log, "2")
    with gzip.open(f"{second}.gz", "wb") as packed:
        packed.write(second.read_bytes())
    os.utime(f"{second}.gz", ns=(0, second.stat().st_mtime_ns))
    _add(log, "three")
    assert _whole(read_on(log, position)) == ("two", "three")
    second.unlink()
    reading = read_on(log, position)
    assert (reading.lines, reading.whole) == (("three",), False)
    assert "compressed" in reading.reason


def test_logs_compressed_long_ago_are_nobodys_business(log: Path) -> None:
    packed = log.with_name("maillog.0.gz")
    packed.write_bytes(b"")
    os.utime(packed, ns=(0, 0))
    _add(log, "one")
    position = _start(log)
    _rotate(log, "1")
    _add(log, "two")
    assert _whole(read_on(log, position)) == ("two",)


def test_a_rotated_log_that_ends_in_the_middle_of_a_line_is_a_gap(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    with log.open("a") as file:
        file.write("cut by a full d")
    _rotate(log, "1")
    _add(log, "two")
    reading = read_on(log, position)
    assert (reading.lines, reading.whole) == (("two",), False)
    assert "middle of a line" in reading.reason


def test_a_missing_log_keeps_the_place_where_it_was_left(log: Path) -> None:
    assert read_on(log, None) == Reading(
        (), None, False, "the log cannot be read: No such file or directory"
    )
    _add(log, "one")
    position = _start(log)
    hidden = log.rename(log.with_name("elsewhere"))
    reading = read_on(log, position)
    assert (reading.position, reading.whole) == (position, False)
    hidden.rename(log)
    _add(log, "two")
    assert _whole(read_on(log, reading.position)) == ("two",)


def test_a_folder_in_place_of_the_log_is_no_log(log: Path) -> None:
    log.mkdir()
    assert read_on(log, None).reason == "the log cannot be read: Is a directory"


def test_a_folder_beside_the_log_is_passed_over(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    log.with_name("maillog.d").mkdir()
    _rotate(log, "1")
    _add(log, "two")
    assert _whole(read_on(log, position)) == ("two",)


def test_a_long_log_is_read_in_portions(log: Path) -> None:
    lines = [f"{number:05}{'x' * 995}" for number in range(200)]
    _add(log, "one")
    position: Position | None = _start(log)
    _add(log, *lines[:100])
    _rotate(log, "1")
    _add(log, *lines[100:])
    read: list[str] = []
    portions = 0
    more = True
    while more:
        reading = read_on(log, position, limit_bytes=1)
        read += _whole(reading)
        position, more = reading.position, reading.more
        portions += 1
    assert read == lines
    assert portions == 4


def test_a_line_longer_than_the_limit_comes_whole(log: Path) -> None:
    _add(log, "one")
    position = _start(log)
    _add(log, "x" * 100_000, "two")
    reading = read_on(log, position, limit_bytes=1)
    assert _whole(reading) == ("x" * 100_000,)
    assert _whole(read_on(log, reading.position)) == ("two",)


def test_only_a_line_feed_ends_a_line_and_odd_octets_do_no_harm(log: Path) -> None:
    log.write_bytes("a\u2028b\rc\x0bd\n".encode() + b"\xff\xfe\x00\n")
    assert read_on(log, None).lines == ("a\u2028b\rc\x0bd", "\ufffd\ufffd\x00")
