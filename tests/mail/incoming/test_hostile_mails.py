"""Every hostile message ends in a report or a refusal, within the CPU and memory promised."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mail.incoming.hostile_contents import MAILS

KINDS = {"bounce", "complaint", "auto-reply", "unsubscribe", "message"}


@pytest.fixture(scope="module")
def measured() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-S", str(Path(__file__).with_name("measured.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(filter(os.path.isabs, sys.path))},
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("name", MAILS)
def test_a_hostile_message_ends_within_ten_seconds_and_256_megabytes(
    measured: subprocess.Popen[bytes], name: str
) -> None:
    raw = MAILS[name]()
    assert measured.stdin is not None
    assert measured.stdout is not None
    measured.stdin.write(b"%d\n" % len(raw) + raw)
    measured.stdin.flush()
    outcome, cpu_seconds, megabytes = json.loads(measured.stdout.readline())
    assert outcome in KINDS or outcome.startswith("not examined: ")
    assert cpu_seconds <= 10
    assert megabytes <= 256


def test_there_are_at_least_forty_hostile_messages() -> None:
    assert len(MAILS) >= 40
