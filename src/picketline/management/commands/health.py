"""``picketline health``: how the post office does, and what needs a person."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError

from picketline.domain import health
from picketline.domain.health import Health
from picketline.domain.needs import needs
from picketline.domain.watching import as_json


class Command(BaseCommand):
    """Numbers and names of ours only, never a person's. Exit code 1 where a person is needed."""

    help = "Show how the post office does; exit code 1 where something needs a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For people, or for programs."""
        parser.add_argument("--json", action="store_true", help="For programs.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look once."""
        try:
            found = health.snapshot()
        except (OperationalError, InterfaceError):
            raise CommandError("The database is out of reach.") from None
        sentences = needs(found)
        if options["json"]:
            self.stdout.write(as_json(found, sentences))
        else:
            for line in (*_lines(found), *sentences):
                self.stdout.write(line)
        if sentences:
            sys.exit(1)


def _lines(found: Health) -> list[str]:
    lines = [
        f"{mail_class}: {number} {state}"
        for (mail_class, state), number in sorted(found.states.items())
    ]
    lines += [f"waiting in {stream}: {number}" for stream, number in found.backlog.items()]
    times = {
        "the oldest that is due has been so for": found.oldest_due,
        "the oldest that nobody holds back": found.oldest_claimable,
        "the oldest uncertain": found.oldest_uncertain,
        "the last was sent": found.last_sent,
    }
    lines += [f"{text}: {_age(found, since)}" for text, since in times.items() if since]
    lines += [f"incoming: {number} {state}" for state, number in found.incoming.items()]
    for gate in found.shut:
        state = f"paused by {gate.paused_by}" if gate.paused_by else f"breaker {gate.breaker}"
        lines.append(f"{gate.place}: {state}")
    for relay in found.relays:
        whole = _age(found, relay.whole_since) if relay.whole_since else "never"
        lines.append(f"log of {relay.relay}: read {_age(found, relay.read_at)}, whole: {whole}")
    return lines


def _age(found: Health, since: datetime | None) -> str:
    """An age in days, hours, minutes and seconds."""
    return str(timedelta(seconds=int(found.age(since).total_seconds())))
