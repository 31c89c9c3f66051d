"""Being told to stop: a word that ends every wait at once.

with Stop() as stop:
    stop.follow_signals()
    while not stop.is_set():
        work()
        stop.wait(1)
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Set once and for all, by a signal or a call.

    Its ``fileno`` becomes readable then and stays so: any number of waits may look at it.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._told = False
        self._handlers: dict[signal.Signals, Any] = {}
        self._wakeup = -1

    def is_set(self) -> bool:
        """Whether it is time to end."""
        return self._told

    def set(self) -> None:
        """Say that it is time to end."""
        self._told = True
        with suppress(BlockingIOError):  # full: it is readable already
            os.write(self._writer, b"\0")

    def fileno(self) -> int:
        """A file descriptor that is readable once this is set."""
        return self._reader

    def wait(self, seconds: float) -> bool:
        """Sleep for so long, or until told to stop; whether that is so."""
        wait_for((self._reader,), seconds)
        return self._told

    def follow_signals(self, again: Callable[[], object] | None = None) -> None:
        """Be set by SIGTERM and SIGINT. Call it in the main thread.

        A second signal calls ``again``; without that it ends the process where it stands.
        """

        def told(number: int, _frame: FrameType | None) -> None:
            if self._told and again is not None:
                again()
                return
            if again is None:
                for each in SIGNALS:
                    signal.signal(each, signal.SIG_DFL)
            self.set()

        self._handlers = {number: signal.signal(number, told) for number in SIGNALS}
        # A signal may come to another thread, which would not end the main thread's wait.
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handlers:
            signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)


def wait_for(descriptors: tuple[int, ...], seconds: float) -> set[int]:
    """Sleep until one of these can be read, at most so long; which of them can be."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(max(seconds, 0) * 1000)}
