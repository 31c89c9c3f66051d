"""Waking workers: whoever makes mail due says so, and no worker asks in vain.

Mail that is queued wakes them by itself, by a trigger of its table. PostgreSQL passes the word on
when the transaction is committed, to all workers on all hosts.
"""

from __future__ import annotations

import logging
from secrets import token_hex
from types import TracebackType
from typing import Any, Self

import psycopg
from django.db import connection

from picketline.host.stopping import Stop, wait_for

log = logging.getLogger(__name__)

CHANNEL = "picketline_due"
POLL_SECONDS = 1.0
TEST_SECONDS = 2.0
# A database host that vanishes without a word is noticed within a minute.
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_OURS = ("cursor_factory", "context", "prepare_threshold")


def wake(payload: str = "") -> None:
    """Wake the workers that wait, once the transaction in hand is committed.

    For what lets mail go that was queued before: a pause lifted, a campaign opened again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])


class Listener:
    """One process's ear, on a database connection of its own.

    While that is away, and behind a pooler that passes no notifications on, waits are short
    instead. Use it as a context manager.
    """

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._deaf = False
        self._tested = False

    def wait(self, timeout: float, stop: Stop) -> bool:
        """Sleep until woken, at most ``timeout`` seconds; at once where told to stop.

        True where somebody woke us, or may have while the connection was away.
        """
        if stop.is_set() or timeout <= 0:
            return False
        if self._connection is None and not self._deaf and self._connect():
            return True  # whatever was said before we listened went unheard
        if self._connection is None:
            stop.wait(min(timeout, POLL_SECONDS))
            return False
        try:
            if not self._heard():
                wait_for((stop.fileno(), self._connection.fileno()), timeout)
                return self._heard()
        except psycopg.Error as fault:
            log.warning("the ear for notifications is cut off (%s)", type(fault).__name__)
            self.close()
        return True

    def close(self) -> None:
        """Listen no longer; the next wait begins anew."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> bool:
        """Whether we listen from now on."""
        parameters = {
            name: value
            for name, value in connection.get_connection_params().items()
            if name not in _OURS
        }
        try:
            self._connection = psycopg.connect(**{**_ALIVE, **parameters}, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
            if not self._tested:
                self._test(self._connection)
        except psycopg.Error as fault:
            log.warning("no ear for notifications (%s)", type(fault).__name__)
            self.close()
        return self._connection is not None

    def _test(self, own: psycopg.Connection[Any]) -> None:
        """Hear ourselves. Over the other connection: this one always hears what it says itself."""
        word = token_hex(8)
        wake(word)
        for heard in own.notifies(timeout=TEST_SECONDS):
            if heard.payload == word:
                self._tested = True
                return
        log.warning(
            "notifications do not come through (is there a pooler before the database?):"
            " asking it every second instead"
        )
        self._deaf = True
        self.close()

    def _heard(self) -> bool:
        """Whether anything was said since we last listened; takes it all in."""
        assert self._connection is not None  # noqa: S101 - only for the type checker
        return bool(list(self._connection.notifies(timeout=0)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
