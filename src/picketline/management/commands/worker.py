"""``picketline worker``: sends what is due until it is told to stop."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, InternalError, OperationalError, connection

from picketline.domain import pacing, relay, signing, waking
from picketline.domain.chores import Chores
from picketline.domain.handover import BATCH, LARGE_BATCH, TOGETHER, Sender
from picketline.domain.keyring import NoPrivateKeysHere, worker_keys
from picketline.domain.streams import Stream, domain_of
from picketline.domain.waking import Listener
from picketline.domain.watching import Watch
from picketline.host.crew import Crew
from picketline.host.small_server import SmallServer
from picketline.host.stopping import Stop
from picketline.mail.smtp import Route, RouteError, parse_route
from picketline.seal.keys import KeyProblem

log = logging.getLogger(__name__)

# Where mail could be claimed, but another worker is at it or the mail server was out of reach.
IDLE_SECONDS = 1.0
# Whoever is woken in vain, because all that is queued has to wait, rests before it listens again.
WOKEN_SECONDS = 0.1
SHORTEST_SLEEP, LONGEST_SLEEP = 0.01, 30.0
DATABASE_REST_SECONDS = 2.0
MOST_PROCESSES = 64
# The last one is what a session gets that the database ended because it was frozen (25P03).
_Away = (OperationalError, InterfaceError, InternalError)


class Command(BaseCommand):
    """Runs the deliveries and the chores. As many as wanted may run, on as many hosts."""

    help = "Send what is due, until SIGTERM or Ctrl-C; finishes the mail it is at."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How many, or only once for scripts and tests."""
        parser.add_argument("--once", action="store_true", help="Send what is due now, then stop.")
        parser.add_argument(
            "--processes",
            type=_number,
            default=1,
            metavar="N",
            help="Run as N processes and replace those that die.",
        )
        parser.add_argument("--member", type=int, help=argparse.SUPPRESS)  # of such a crew

    def handle(self, *args: Any, **options: Any) -> None:
        """Check keys and route first, so that a worker that cannot work says so at once."""
        if settings.PROCESS == "desk":
            raise CommandError("Set PICKETLINE_PROCESS=worker: the desk has no right to send.")
        try:
            worker_keys()
            signing.load()
            route = _introduced(parse_route(settings.SMTP_URL))
        except (KeyProblem, NoPrivateKeysHere, RouteError) as problem:
            raise CommandError(str(problem)) from None
        if options["member"] is None:
            for sentence in relay.check(_lease(route)):
                log.warning("%s", sentence)
        with Stop() as stop:
            if options["once"]:
                _send_once(route, stop)
            elif options["processes"] > 1:
                _lead(options["processes"], stop)
            else:
                _serve(route, stop, options["member"])


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"between 1 and {MOST_PROCESSES}")
    return number


def _lead(size: int, stop: Stop) -> None:
    """Keep that many workers running; a second signal ends them where they stand."""
    crew = Crew(size, _member)
    stop.follow_signals(again=crew.kill)
    if not crew.serve(stop):
        sys.exit(1)


def _member(number: int) -> list[str]:
    return [sys.executable, "-m", "picketline", "worker", "--member", str(number)]


def _send_once(route: Route, stop: Stop) -> None:
    chores = Chores(0, relay.of_this_host(route, _lease(route)))
    with _sender(route, stop) as (sender, batch):
        try:
            chores.run_due()
            while sender.run_once(batch):
                chores.run_due()
            chores.run_due()
        except _Away:
            raise CommandError("The database is out of reach.") from None


def _serve(route: Route, stop: Stop, member: int | None) -> None:
    """Work until told to stop. A member of a crew may be told so twice, by its leader as well."""
    stop.follow_signals(again=None if member is None else stop.set)
    with _monitored(member or 0), Listener() as ears, _sender(route, stop) as (sender, batch):
        chores = Chores(
            settings.COUNTER_SECONDS, relay.of_this_host(route, _lease(route)), stop.is_set
        )
        while not stop.is_set():
            try:
                chores.run_due()
                if not sender.run_once(batch):
                    _rest(ears, chores, stop)
            except _Away as fault:
                log.warning("the database is out of reach (%s)", type(fault).__name__)
                connection.close()
                stop.wait(DATABASE_REST_SECONDS)
        _hand_on()


def _rest(ears: Listener, chores: Chores, stop: Stop) -> None:
    """Sleep until there may be something to do."""
    due = pacing.next_due(settings.RELAY_NAME)
    sleep = LONGEST_SLEEP if due is None else due.total_seconds() or IDLE_SECONDS
    if ears.wait(min(sleep, max(chores.seconds_left(), SHORTEST_SLEEP), LONGEST_SLEEP), stop):
        stop.wait(WOKEN_SECONDS)


def _hand_on() -> None:
    """Wake the others for what we gave back."""
    try:
        waking.wake()
    except _Away:
        connection.close()


@contextmanager
def _sender(route: Route, stop: Stop) -> Iterator[tuple[Sender, int]]:
    """A sender, and how many mails it takes at once; it says goodbye at the end."""
    together = settings.RELAY_LOG is not None
    sender = Sender(
        route,
        _lease(route),
        direct=settings.SMTP_DIRECT,
        stopping=stop.is_set,
        relay=settings.RELAY_NAME,
        intents=TOGETHER if together else 1,
    )
    try:
        yield sender, LARGE_BATCH if together else BATCH
    finally:
        sender.close()


@contextmanager
def _monitored(member: int) -> Iterator[None]:
    """Answer monitoring meanwhile, where that is wanted; each member of a crew at its own port."""
    if settings.METRICS is None:
        yield
        return
    host, _, port = settings.METRICS.rpartition(":")
    with Watch() as watch:
        try:
            server = SmallServer(host, int(port) + member if int(port) else 0, watch.pages)
        except (OSError, OverflowError) as fault:
            raise CommandError(f"PICKETLINE_METRICS: cannot listen there ({fault}).") from None
        with server:
            yield


def _introduced(route: Route) -> Route:
    """The route under our mail's own name, unless the operator chose one: never the machine's."""
    if route.ehlo != "localhost":
        return route
    return dataclasses.replace(route, ehlo=domain_of(Stream.LETTERS))


def _lease(route: Route) -> timedelta:
    """Longer than the wait for an answer to the dot, whatever the setting says.

    Else the reaper could take a mail for a dead worker's while its answer is under way.
    """
    return timedelta(seconds=max(settings.LEASE_SECONDS, 2 * route.timeouts.after_dot + 60))
