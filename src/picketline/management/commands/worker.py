"""``picketline worker``: sends what is due until it is told to stop."""

from __future__ import annotations

import dataclasses
import logging
import signal
import threading
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection

from picketline.domain.chores import Chores
from picketline.domain.handover import Sender
from picketline.domain.keyring import NoPrivateKeysHere, worker_keys
from picketline.mail.smtp import Route, RouteError, parse_route
from picketline.seal.keys import KeyProblem

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
DATABASE_REST_SECONDS = 2.0


class Command(BaseCommand):
    """Runs the deliveries and the chores. As many as wanted may run, on as many hosts."""

    help = "Send what is due, until SIGTERM or Ctrl-C; finishes the mail it is at."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One switch, for scripts and tests."""
        parser.add_argument("--once", action="store_true", help="Send what is due now, then stop.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check keys and route first, so that a worker that cannot work says so at once."""
        try:
            worker_keys()
            route = _introduced(parse_route(settings.SMTP_URL))
        except (KeyProblem, NoPrivateKeysHere, RouteError) as problem:
            raise CommandError(str(problem)) from None
        stop = threading.Event()
        if not options["once"]:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
        sender = Sender(
            route,
            _lease(route),
            direct=settings.SMTP_DIRECT,
            stopping=stop.is_set,
        )
        try:
            self._work(sender, stop, once=options["once"])
        finally:
            sender.close()

    def _work(self, sender: Sender, stop: threading.Event, *, once: bool) -> None:
        chores = Chores(0 if once else settings.COUNTER_SECONDS)
        while not stop.is_set():
            try:
                chores.run_due()
                sent = sender.run_once()
            except (OperationalError, InterfaceError) as fault:
                if once:
                    raise CommandError("The database is out of reach.") from None
                log.warning("the database is out of reach (%s)", type(fault).__name__)
                connection.close()
                stop.wait(DATABASE_REST_SECONDS)
                continue
            if sent:
                continue
            if once:
                chores.run_due()
                return
            stop.wait(IDLE_SECONDS)


def _introduced(route: Route) -> Route:
    """The route under our mail's own name, unless the operator chose one: never the machine's."""
    if route.ehlo != "localhost":
        return route
    return dataclasses.replace(route, ehlo=f"letters.{settings.MAIL_DOMAIN}")


def _lease(route: Route) -> timedelta:
    """Longer than the wait for an answer to the dot, whatever the setting says.

    Else the reaper could take a mail for a dead worker's while its answer is under way.
    """
    return timedelta(seconds=max(settings.LEASE_SECONDS, 2 * route.timeouts.after_dot + 60))
