"""``picketline incoming``: what came in, by kind, and what waits in quarantine."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from picketline.domain.incoming import contents, receiving, sorting
from picketline.models import IncomingMessage
from picketline.seal.boxes import CannotOpen

SHOWN = 4000


class Command(BaseCommand):
    """Without arguments it shows numbers only, never who wrote what."""

    help = "Count what came in, list the quarantine, show a message or have it examined again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Both name a message by its number."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--show", type=int, metavar="NUMBER", help="What can be read of it.")
        what.add_argument("--requeue", type=int, metavar="NUMBER", help="Examine it once more.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, show or requeue."""
        if options["show"] is not None:
            self._show(options["show"])
            return
        if options["requeue"] is not None and not sorting.requeue(options["requeue"]):
            raise CommandError(f"No message {options['requeue']} is in quarantine.")
        rows = IncomingMessage.objects.values_list("state", "kind", "reason")
        for state, kind, reason, number in rows.annotate(Count("pk")).order_by(
            "state", "kind", "reason"
        ):
            self.stdout.write(f"{kind or state}: {number}" + (f" ({reason})" if reason else ""))
        if not rows.exists():
            self.stdout.write("Nothing has come in so far.")
        held = IncomingMessage.objects.filter(state=IncomingMessage.State.QUARANTINED)
        for message in held.defer("raw_ct", "content_ct").order_by("pk"):
            self.stdout.write(
                f"quarantine: number {message.pk}, {message.received_at:%Y-%m-%d}, {message.reason}"
            )

    def _show(self, number: int) -> None:
        message = IncomingMessage.objects.filter(pk=number).first()
        if message is None:
            raise CommandError(f"There is no incoming message {number}.")
        try:
            content = contents.opened(message)
            if content is not None:
                self._write_content(content)
            elif message.raw_ct is not None:
                self._write_raw(receiving.opened(message))
            else:
                raise CommandError(f"Nothing is kept of message {number} but its kind.")
        except CannotOpen as fault:
            raise CommandError(f"Message {number} cannot be opened: {fault}.") from None

    def _write_content(self, content: contents.Content) -> None:
        self.stdout.write(f"From: {content.from_name} <{content.from_address}>")
        self.stdout.write(f"Subject: {content.subject}\n\n{content.text}")
        if content.truncated:
            self.stdout.write("[there was more]")
        for each in content.attachments:
            self.stdout.write(f"[attachment, not kept: {each.name}, {each.size} bytes]")

    def _write_raw(self, received: receiving.Received) -> None:
        """The beginning of it, with every sign escaped that could tell a terminal something."""
        self.stdout.write(f"to {received.recipient!a}, from {received.envelope_sender!a}")
        for line in received.raw[:SHOWN].splitlines():
            self.stdout.write(ascii(line.decode("latin-1"))[1:-1])
