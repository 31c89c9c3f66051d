"""``picketline outbox``: how much mail is in which state, and what a person decides of it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from picketline.domain import deliveries, relay
from picketline.domain.deliveries import NotUncertain, Verdict


class Command(BaseCommand):
    """Shows numbers only, never whose mail it is."""

    help = "Show how much mail is in which state, list what is unclear, or settle it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Without arguments it only looks."""
        parser.add_argument(
            "--settle", type=int, metavar="NUMBER", help="An uncertain mail, by its number."
        )
        parser.add_argument(
            "--as",
            dest="verdict",
            choices=[each.value for each in Verdict],
            help="What the mail server's log says of it.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, or settle one mail."""
        if (options["settle"] is None) != (options["verdict"] is None):
            raise CommandError("Say both: --settle NUMBER --as accepted|resend|failed.")
        if options["settle"] is not None:
            try:
                deliveries.decide(options["settle"], Verdict(options["verdict"]))
            except NotUncertain as refusal:
                raise CommandError(str(refusal)) from None
        states = deliveries.states()
        if not states:
            self.stdout.write("There has been no mail so far.")
        for (mail_class, state), number in states.items():
            self.stdout.write(f"{mail_class}: {number} {state}")
        for each in relay.unresolved():
            self.stdout.write(
                f"uncertain: number {each.number}, Message-ID {each.message_id}: {each.why}"
            )
