"""``picketline pacing``: where letters stand, and how people stop them and let them go on."""

from __future__ import annotations

import argparse
from datetime import datetime

from django.core.management.base import BaseCommand, CommandError, CommandParser

from picketline.domain.campaigns import CampaignUnknown
from picketline.domain.pacing import stopping
from picketline.domain.pacing.overview import Standing, overview
from picketline.domain.pacing.stopping import NoSuchPlace, NothingToCancel

_REFUSALS = (CampaignUnknown, NoSuchPlace, NothingToCancel)
_BY = {"person": "paused", "policy": "paused because they refuse our letters,"}


class Command(BaseCommand):
    """Shows numbers only, never whose letters they are."""

    help = "Show how fast letters go out and what is stopped; pause, resume or cancel letters."

    def add_arguments(self, parser: CommandParser) -> None:
        """Without a verb it only looks."""
        verbs = parser.add_subparsers(dest="verb")
        for name, text in (
            ("pause", "Hold the letters of a campaign or to one target."),
            ("resume", "Let letters, a domain, a relay or a stream go on."),
            ("cancel", "End every letter of a campaign or to one target that has not gone out."),
        ):
            verb = verbs.add_parser(name, help=text)
            verb.add_argument("place", metavar="SLUG[/TARGET] or KIND:NAME")
            if name == "cancel":
                verb.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *_args: object, **options: object) -> None:
        """Look, or do it and say what was done."""
        chosen = argparse.Namespace(**options)
        try:
            lines = _run(chosen) if chosen.verb else _looked()
        except _REFUSALS as refusal:
            raise CommandError(str(refusal)) from None
        for line in lines:
            self.stdout.write(line)


def _looked() -> list[str]:
    return [_told(row) for row in overview()] or ["No letter waits, and nothing is stopped."]


def _run(chosen: argparse.Namespace) -> list[str]:
    place = stopping.find(chosen.place)
    match chosen.verb:
        case "pause":
            stopping.pause(place)
            return [f"{place.name} is paused. What workers hold goes out; nothing more does."]
        case "resume":
            if stopping.resume(place):
                return [f"{place.name} goes on."]
            return [f"{place.name} was not stopped."]
    if not (chosen.yes or _agreed(place.name)):
        return ["Nothing was cancelled."]
    done = stopping.cancel(place)
    held = f" With a worker, to go out now or never: {done.held}." if done.held else ""
    return [f"{place.name}: cancelled letters: {done.cancelled}.{held}"]


def _agreed(name: str) -> bool:
    try:
        answer = input(
            f"Cancel every letter of {name} that has not gone out? This is final. [y/N] "
        )
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def _told(row: Standing) -> str:
    facts = [
        f"{row.waiting} waiting" if row.waiting else "",
        f"{row.today} today" if row.today else "",
        "" if row.tokens is None else f"{int(row.tokens)} may pass now",
        _breaker(row),
        f"{_BY[row.paused_by]} since {_time(row.paused_at)}" if row.paused_by else "",
    ]
    return f"{row.name}: {', '.join(filter(None, facts)) or 'open'}"


def _breaker(row: Standing) -> str:
    match row.breaker:
        case "open":
            return f"out of order, tried again at {_time(row.open_until)}"
        case "half-open":
            return "out of order, one mail is on its way to see"
    return ""


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "now"
