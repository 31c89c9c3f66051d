"""The web server's command line: granian, with the flags that it needs to be trusted.

Without ``--workers-kill-timeout`` SIGTERM during the start hangs; without
``--respawn-failed-workers`` one killed worker ends the server. The many threads only wait for slow
clients (``host.limits`` lets 48 bodies in at once); Django runs in the few lanes of ``host.lanes``.
There is no access log: it would be a list of visitors.
"""

from __future__ import annotations

from collections.abc import Sequence

APPLICATION = "picketline.wsgi:application"


def command(
    python: str,
    options: Sequence[str] = (),
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 2,
    application: str = APPLICATION,
) -> list[str]:
    """The arguments that start the public web server; ``options`` are granian's and win."""
    return [
        *(python, "-m", "granian", "--interface", "wsgi"),
        *("--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", "64", "--backlog", "1024"),
        *("--http", "1", "--http1-header-read-timeout", "10000"),
        *("--workers-kill-timeout", "20", "--respawn-failed-workers"),
        *("--no-access-log", "--log-level", "warning"),
        *options,
        application,
    ]
