"""A PostgreSQL server as a process: recognised, watched, shut down.

`postmaster.pid` is believed only when the process of that number is alive and is a postgres that
serves this very cluster: numbers are used again.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from picketline.host.faults import StopFailed, usable

PROC = Path("/proc")
FAST_LIMIT = 30.0  # seconds for a fast shutdown, which writes a checkpoint
QUIT_LIMIT = 10.0  # seconds for an immediate one; the next start then recovers


def running_pid(cluster: Path) -> int | None:
    """The number of the live server of this cluster, None when there is none.

    `cluster` is the absolute path that the server was started with.
    """
    lines = pid_file_lines(cluster)
    pid = int(lines[0]) if lines and lines[0].isdigit() else 0
    return pid if pid > 1 and serves(pid, cluster) else None


def is_ready(cluster: Path, pid: int) -> bool:
    """Whether the server with this number says that it accepts connections."""
    lines = pid_file_lines(cluster)
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7] == "ready"


def pid_file_lines(cluster: Path) -> list[str]:
    """The lines of postmaster.pid: number, folder, start, port, sockets, host, memory, status."""
    with usable(cluster):
        try:
            text = (cluster / "postmaster.pid").read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return []
    return [line.strip() for line in text.splitlines()]


def serves(pid: int, cluster: Path) -> bool:
    """Whether this process is a postgres whose data directory is `cluster`."""
    words = command_of(pid)
    program = Path(words[0]).name if words else ""
    if program != "postgres" or str(cluster) not in words:
        return False
    # There is no /proc on macOS, and a container may forbid even root to look: the command must do.
    with suppress(OSError):
        folder = (PROC / str(pid) / "cwd").readlink()
        binary = (PROC / str(pid) / "exe").readlink()
        return folder == cluster.resolve() and binary.name.startswith("postgres")
    return True


def command_of(pid: int) -> list[str]:
    """The words of a process' command; none when there is no such process."""
    if PROC.is_dir():
        with suppress(OSError):
            return (PROC / str(pid) / "cmdline").read_text("utf-8", "replace").split("\0")
        return []
    asked = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
    program, _, folder = said.strip().partition(" -D ")
    return [program, folder.partition(" -c ")[0]] if folder else []


def clear_away(cluster: Path) -> None:
    """Shut down a server that outlived its launcher, and remove what a dead one left.

    Raises StopFailed.
    """
    orphan = running_pid(cluster)
    if orphan is not None:
        shut_down(orphan, lambda: not serves(orphan, cluster))
    with usable(cluster):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def shut_down(pid: int, is_over: Callable[[], bool]) -> None:
    """End a server cleanly; immediately when it does not end in time. Raises StopFailed."""
    for request, limit in ((signal.SIGINT, FAST_LIMIT), (signal.SIGQUIT, QUIT_LIMIT)):
        if is_over():
            return
        with suppress(ProcessLookupError):
            os.kill(pid, request)
        if comes_true(is_over, limit):
            return
    raise StopFailed(f"The database server, process {pid}, does not stop. See its log.")


def comes_true(fact: Callable[[], bool], limit: float) -> bool:
    """Ask fifty times a second, for `limit` seconds at most."""
    end = time.monotonic() + limit
    while not fact():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
