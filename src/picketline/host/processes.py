"""Child processes that belong together: started in order, stopped together, never left behind.

with Company(logs) as company:
    company.start("web", command, environment)
    company.wait_for("web", lambda: answers(port))
    company.serve()          # until SIGTERM, Ctrl-C, or one of them ends by itself
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from picketline.host.leash import dies_with_us

STOP_SECONDS = 25.0
PAUSE = 0.05


class ChildEnded(Exception):
    """A process of the company ended by itself; the message quotes the end of its log."""


class NotReady(Exception):
    """A process did not become ready in time; the message quotes the end of its log."""


class Company:
    """Named children of this process, each with a log file of its own in ``logs``.

    Who does not listen to SIGTERM for ``patience`` seconds is killed.
    """

    def __init__(self, logs: Path, patience: float = STOP_SECONDS) -> None:
        self._logs = logs
        self._patience = patience
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._stop = threading.Event()
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Start a child in a session of its own and return its process id.

        Ctrl-C at a terminal does not reach it: the company stops its members in order. On Linux it
        gets SIGTERM also when this process is killed.
        """
        log = os.open(self._log(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            child = subprocess.Popen(  # noqa: S603 - commands of ours, no shell
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_us(signal.SIGTERM),  # noqa: PLW1509 - two system calls that take no lock
            )
        finally:
            os.close(log)
        self._children[name] = child
        return child.pid

    def wait_for(self, name: str, ready: Callable[[], bool], seconds: float = 60.0) -> None:
        """Return once ``ready`` says so. Raises ``ChildEnded`` or ``NotReady``."""
        limit = time.monotonic() + seconds
        while not ready():
            self._refuse_ended()
            if time.monotonic() > limit:
                raise NotReady(f"{name} is not ready after {seconds:.0f} s. {self._end_of(name)}")
            self._stop.wait(PAUSE)

    def serve(self, check: Callable[[], None] = lambda: None) -> None:
        """Wait until SIGTERM or SIGINT; ``check`` is called twice a second and may raise.

        Raises ``ChildEnded`` when a member ends by itself.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        while not self._stop.wait(0.5):
            self._refuse_ended()
            check()

    def stop(self) -> None:
        """Stop the members one after another, the last one first, with all that they started.

        Whoever serves another was started before it, and so is still there while that one ends.
        """
        while self._children:
            _, child = self._children.popitem()
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                child.wait(self._patience)
            # Its session's number is not given away while anybody in it lives.
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def _refuse_ended(self) -> None:
        for name, child in self._children.items():
            if child.poll() is not None:
                raise ChildEnded(
                    f"{name} ended by itself with status {child.returncode}. {self._end_of(name)}"
                )

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _end_of(self, name: str) -> str:
        lines = self._log(name).read_text("utf-8", "replace").strip().splitlines()
        return f"The end of {self._log(name)}:\n" + "\n".join(lines[-12:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def free_port(preferred: int) -> int:
    """``preferred`` on the loopback address, or another free port where it is taken."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NotReady("No port is free on the loopback address.")


def listens(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
