"""Real worker processes, under the worker's database role; they are gone at the end of a test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from tests import postoffice

SOURCES = Path(__file__).parents[1] / "src"


def environment(smtp_port: int, database_port: int = 0, **settings_of_it: str) -> dict[str, str]:
    """What such a process needs to know. Nothing waits for its turn, as in the other tests."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCES),
        "DATABASE_URL": postoffice.database_url(port=database_port),
        "PICKETLINE_PROCESS": "worker",
        "PICKETLINE_DATA": str(settings.DATA),
        "PICKETLINE_KEYS": str(settings.KEYS),
        "PICKETLINE_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "PICKETLINE_DOMAIN_PER_MINUTE": "0",
        "PICKETLINE_TARGET_PER_MINUTE": "0",
        "PICKETLINE_TARGET_PER_DAY": "0",
        **settings_of_it,
    }


@contextmanager
def worker(
    smtp_port: int, database_port: int = 0, *options: str, **settings_of_it: str
) -> Iterator[subprocess.Popen[str]]:
    """``picketline worker`` with these options, sending to a port on loopback."""
    process = subprocess.Popen(
        [sys.executable, "-m", "picketline", "worker", *options],
        env=environment(smtp_port, database_port, **settings_of_it),
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def children(pid: int) -> list[int]:
    """The numbers of the processes that this one started; Linux knows them."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def follows_sigterm(pid: int) -> bool:
    """Whether a process has a handler of its own for SIGTERM."""
    (caught,) = [
        line.split()[1]
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("SigCgt:")
    ]
    return bool(int(caught, 16) >> 14 & 1)
