"""The disk of the relay is full: its queue, and with it its log (D12). Needs root and Postfix."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from chaos import postfix as instance
from chaos.postfix import Postfix
from tests import postoffice
from tests.domain.relay.fake_postfix import GRACE, LEASE, NAME, Clock, passes
from tests.faults import stand
from tests.faults.stand import TOGETHER, State
from tests.postfix.cutting import Cut, CuttingLine

from picketline.domain.relay import Relay, Resolver
from picketline.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE = 1 << 20


class Disk:
    """A small file system that can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, leave: int = 0) -> None:
        """Leave only so many bytes free."""
        state = os.statvfs(self.folder)
        with (self.folder / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - leave)

    def clear(self) -> None:
        """Make room again."""
        (self.folder / "filler").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Twenty megabytes of memory."""
    if lack := instance.missing():
        pytest.skip(lack)
    folder = Path(os.path.realpath(tmp_path)) / "disk"
    folder.mkdir()
    for each in [folder, *folder.parents][:5]:
        each.chmod(each.stat().st_mode | 0o111)  # Postfix's own user has to pass
    mount = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def cramped(disk: Disk) -> Iterator[Postfix]:
    """A Postfix that lives there; it refuses mail with less than a megabyte and a half to spare."""
    home = disk.folder / "postfix"
    home.mkdir()
    with instance.running(settings={"message_size_limit": "1000000"}, folder=home) as postfix:
        yield postfix


def _send(port: int) -> None:
    postoffice.make_due()
    hands = stand.worker(port, TOGETHER)
    hands.run_once()
    hands.close()


def _arrived(postfix: Postfix) -> Counter[str]:
    postfix.wait_until(lambda: not postfix.queue())
    texts = [message_from_bytes(each.content) for each in postfix.sink.messages]
    return Counter(str(text["Message-ID"]) for text in texts)


def test_a_full_queue_delays_letters_and_loses_none(disk: Disk, cramped: Postfix) -> None:
    stand.letters(3)
    disk.fill(leave=MEGABYTE)
    _send(cramped.port)
    assert {state for state, _ in stand.ends()} <= {State.DEFERRED, State.QUEUED}
    assert State.DEFERRED in {state for state, _ in stand.ends()}
    disk.clear()
    _send(cramped.port)
    assert stand.ends() == [(State.ACCEPTED, "accepted")] * 3
    arrived = _arrived(cramped)
    stand.once_each(arrived)
    assert arrived.total() == 3


def test_a_log_that_was_full_makes_nobody_send_again(
    disk: Disk, cramped: Postfix, clock: Clock
) -> None:
    """Once a line could not be written, Postfix's log stays silent, also when there is room."""
    stand.letters(1)
    relay = Relay(NAME, cramped.log, cramped.config, postoffice.route(cramped.port))
    watch = Resolver(relay, LEASE, GRACE)
    watch.run()
    disk.fill()
    _send(cramped.port)  # refused, of which no line tells
    disk.clear()
    with CuttingLine(cramped.port, Cut.AFTER) as line:
        _send(line.port)
    assert {state for state, _ in stand.ends()} == {State.UNCERTAIN}
    passes(watch, clock)
    _send(cramped.port)
    arrived = _arrived(cramped)
    stand.once_each(arrived)
    assert arrived == Counter(Delivery.objects.values_list("message_id", flat=True))
    assert {state for state, _ in stand.ends()} <= {State.UNCERTAIN, State.ACCEPTED}
