"""Children that do not outlive whoever started them, even where it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def dies_with_us(number: signal.Signals) -> Callable[[], None] | None:
    """What a Linux child runs before its program (``preexec_fn``): asks for a signal when we die.

    It comes after the child has become its user, which would undo it. None on other systems.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def follow() -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return follow
