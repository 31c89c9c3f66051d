"""``picketline recount``: proves the public numbers from their journal."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from picketline.domain import counts


class Command(BaseCommand):
    """Read-only; its exit code is for monitoring."""

    help = "Compare every public number with the sum of its journal; fail where they differ."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the numbers that differ."""
        counts.sum_up()
        wrong = counts.recount()
        for campaign, kind, shown, journalled in wrong:
            self.stderr.write(
                f"campaign {campaign}, {kind}: {shown} shown, {journalled} in journal"
            )
        if wrong:
            raise CommandError(f"{len(wrong)} public numbers differ from their journal.")
        self.stdout.write("Every public number is the sum of its journal.")
