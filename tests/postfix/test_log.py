"""The log of a real Postfix: readable for one user only, and followed across rotations."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chaos import postfix as instance
from chaos.postfix import SET_UP, Postfix
from tests.postfix.dialogue import Dialogue, hand_over, text

from picketline.mail.log_file import Position, read_on

PROBE = "x@probe.picketline.example"
ROTATE = SET_UP.with_name("rotate")


def _rotate(postfix: Postfix) -> None:
    subprocess.run([ROTATE, str(postfix.config)], check=True, capture_output=True)


def _logrotate(postfix: Postfix) -> None:
    postfix.command("logrotate")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _probed(postfix: Postfix, position: Position | None) -> Position:
    """Hand a probe over and read on until it is done, in one piece; where that ended."""
    queue_id = hand_over(postfix.port, PROBE, text("p@picketline.example"))
    seen: list[str] = []

    def told() -> bool:
        nonlocal position
        reading = read_on(postfix.log, position)
        assert reading.whole, reading.reason
        position = reading.position
        seen.extend(line for line in reading.lines if queue_id in line)
        return any(line.endswith(": removed") for line in seen)

    postfix.wait_until(told)
    assert sum("(queue active)" in line for line in seen) == 1
    assert position is not None
    return position


@pytest.mark.parametrize("rotate", [_rotate, _logrotate])
def test_a_rotation_is_followed_without_a_gap(
    postfix: Postfix, rotate: Callable[[Postfix], None]
) -> None:
    position = _probed(postfix, read_on(postfix.log, None).position)
    first = position.inode
    rotate(postfix)
    position = _probed(postfix, position)
    assert position.inode != first
    assert position.inode == postfix.log.stat().st_ino


def test_nobody_else_can_read_the_log_before_or_after_a_rotation(postfix: Postfix) -> None:
    position = read_on(postfix.log, None).position
    assert _mode(postfix.log) == 0o600
    os.chown(postfix.log, 65534, 65534)
    _rotate(postfix)
    _probed(postfix, position)
    logs = sorted(postfix.log.parent.iterdir())
    assert {_mode(log) for log in logs} == {0o600}
    assert (postfix.log.stat().st_uid, postfix.log.stat().st_gid) == (65534, 65534)


def test_a_log_is_deleted_before_its_oldest_line_is_a_week_old(postfix: Postfix) -> None:
    now = postfix.log.stat().st_mtime
    old, young = (postfix.log.with_name(f"maillog.{name}") for name in ("old", "young"))
    for log, days in ((old, 6.1), (young, 5.9)):
        log.touch()
        os.utime(log, (now - days * 86400,) * 2)
    _rotate(postfix)
    assert (old.exists(), young.exists()) == (False, True)
    young.unlink()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A filesystem of its own, of 48 MB."""
    if lack := instance.missing():
        pytest.skip(lack)
    folder = Path(tempfile.mkdtemp(prefix="picketline-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m,mode=711", "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("no filesystem may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_mail_is_refused_long_before_the_log_has_no_room(small_disk: Path) -> None:
    with instance.running(folder=small_disk) as postfix:
        hand_over(postfix.port, PROBE, text("p@picketline.example"))
        (small_disk / "filler").write_bytes(bytes(20 << 20))
        with Dialogue(postfix.port) as dialogue:
            assert dialogue.say("MAIL FROM:<>").startswith("452 4.3.1")
        (small_disk / "filler").unlink()
        hand_over(postfix.port, PROBE, text("p@picketline.example"))


def test_a_log_on_another_disk_than_the_queue_is_refused(
    small_disk: Path, postfix: Postfix
) -> None:
    command = [SET_UP, *postfix.options(), f"--log={small_disk}/maillog"]
    refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "not on the filesystem" in refused.stderr
