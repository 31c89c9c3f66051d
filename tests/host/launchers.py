"""What the tests ask of a launcher that runs in a process of its own."""

import select
import subprocess
from collections.abc import Callable

Launcher = Callable[..., "subprocess.Popen[str]"]


def said_pid(launcher: "subprocess.Popen[str]") -> int:
    """The number of the launcher's server, once it is ready."""
    assert launcher.stdout is not None
    return int(launcher.stdout.readline())


def is_gone(process: int, seconds: float) -> bool:
    """Whether the process behind this pidfd ends within that time."""
    watch = select.poll()
    watch.register(process, select.POLLIN)
    return bool(watch.poll(seconds * 1000))
