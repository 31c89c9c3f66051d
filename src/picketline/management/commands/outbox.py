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
            "--settle",
            type=int,
            nargs="+",
            default=[],
            metavar="NUMBER",
            help="Uncertain mails, by their numbers.",
        )
        parser.add_argument(
            "--as",
            dest="verdict",
            choices=[each.value for each in Verdict],
            help="What the mail server's log says of it.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, or settle mails first; one that cannot be settled keeps no other from it."""
        if bool(options["settle"]) != (options["verdict"] is not None):
            raise CommandError("Say both: --settle NUMBER --as accepted|resend|failed.")
        refusals = []
        for number in options["settle"]:
            try:
                deliveries.decide(number, Verdict(options["verdict"]))
            except NotUncertain as refusal:
                refusals.append(str(refusal))
        self._show()
        if refusals:
            raise CommandError(" ".join(refusals))

    def _show(self) -> None:
        states = deliveries.states()
        if not states:
            self.stdout.write("There has been no mail so far.")
        for (mail_class, state), number in states.items():
            self.stdout.write(f"{mail_class}: {number} {state}")
        for each in relay.unresolved():
            self.stdout.write(
                f"uncertain: number {each.number}, Message-ID {each.message_id}: {each.why}"
            )
