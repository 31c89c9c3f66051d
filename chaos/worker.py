"""``picketline worker`` in a hurry: what it waits for is shorter, what it does is the same.

Waiting for the answer to a dot sets the length of leases, and their length how long a proof takes.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import django
from django.conf import settings
from django.core.management import execute_from_command_line

RELAY_REST = timedelta(seconds=1)
HEARTBEAT = timedelta(seconds=3)


def main() -> None:
    """Become the worker."""
    django.setup()
    from picketline.domain import handover
    from picketline.domain.relay import resolving
    from picketline.mail.routes import Route, parse_route
    from picketline.management.commands import worker

    def hurried(url: str) -> Route:
        route = parse_route(url)
        timeouts = dataclasses.replace(route.timeouts, after_dot=settings.LEASE_SECONDS / 3)
        return dataclasses.replace(route, timeouts=timeouts)

    def short(route: Route) -> timedelta:
        return timedelta(seconds=settings.LEASE_SECONDS)

    setattr(worker, "parse_route", hurried)  # noqa: B010 - it is not the worker's own
    worker._lease = short
    handover.RELAY_REST = RELAY_REST
    resolving.HEARTBEAT = HEARTBEAT
    execute_from_command_line(["picketline", "worker"])


if __name__ == "__main__":
    main()
