"""Workers that are killed and frozen at random, and replaced when they are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from chaos.stage import ROOT
from picketline.host.leash import dies_with_us

STOP_SECONDS = 30.0


@dataclass
class _Member:
    name: str
    process: subprocess.Popen[bytes]
    log: TextIO
    thaws_at: float = 0.0


class Crew:
    """So many real worker processes. ``connected`` says which of them the database has seen."""

    def __init__(
        self, size: int, environment: dict[str, str], logs: Path, connected: Callable[[], set[str]]
    ) -> None:
        self.kills = self.restarts = self.pauses = 0
        self.longest_pause = 0.0
        self._environment = environment
        self._logs = logs
        self._connected = connected
        self._begun = 0
        self._seen: set[str] = set()
        logs.mkdir()
        self._members = [self._start() for _ in range(size)]

    def kill(self, pick: float) -> bool:
        """SIGKILL one that works, chosen by a number between 0 and 1; False if there is none."""
        member = self._one(pick, frozen=None)
        if member is None:
            return False
        member.process.kill()
        member.process.wait()
        self.kills += 1
        self.tend()
        return True

    def freeze(self, pick: float, seconds: float) -> bool:
        """SIGSTOP one that works for so long; False if there is none."""
        member = self._one(pick, frozen=False)
        if member is None:
            return False
        member.process.send_signal(signal.SIGSTOP)
        member.thaws_at = time.monotonic() + seconds
        self.pauses += 1
        self.longest_pause = max(self.longest_pause, seconds)
        return True

    def tend(self) -> None:
        """Thaw whose time has come, and replace who is gone."""
        for place, member in enumerate(self._members):
            if member.thaws_at and time.monotonic() > member.thaws_at:
                self._thaw(member)
            if member.process.poll() is not None:
                member.log.close()
                self._members[place] = self._start()
                self.restarts += 1

    @property
    def frozen(self) -> bool:
        """Whether anybody is."""
        return any(member.thaws_at for member in self._members)

    def stop(self) -> bool:
        """Tell all to stop; whether all of them ended well, by themselves and in time."""
        self._seen = self._connected()
        for member in self._members:
            self._thaw(member)
            member.process.terminate()
        return all([self._ended_well(member) for member in self._members])  # noqa: C419 - all of them

    def abort(self) -> None:
        """Kill whoever is left."""
        for member in self._members:
            member.process.kill()
            member.process.wait()
            member.log.close()

    def _one(self, pick: float, *, frozen: bool | None) -> _Member | None:
        connected = self._connected()
        able = [
            member
            for member in self._members
            if member.name in connected and frozen in (None, bool(member.thaws_at))
        ]
        return able[int(pick * len(able))] if able else None

    def _start(self) -> _Member:
        self._begun += 1
        name = f"worker-{self._begun}"
        log = (self._logs / f"{name}.log").open("w", encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "chaos.worker"],
            cwd=ROOT,
            env={**self._environment, "PGAPPNAME": name},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=dies_with_us(signal.SIGKILL),  # noqa: PLW1509 - two system calls that take no lock
        )
        return _Member(name, process, log)

    def _thaw(self, member: _Member) -> None:
        member.thaws_at = 0.0
        if member.process.poll() is None:
            os.kill(member.process.pid, signal.SIGCONT)

    def _ended_well(self, member: _Member) -> bool:
        """Also who was told before it had begun, and so before it had learnt to listen."""
        try:
            ended = member.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return ended == 0 or (ended == -signal.SIGTERM and member.name not in self._seen)
