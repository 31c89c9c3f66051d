"""``picketline tidy``: deletes what has been kept long enough."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from picketline.domain import retention


class Command(BaseCommand):
    """Workers do this by the hour; the command is for those who want to see it done."""

    help = "Delete personal data whose time is over, and say how much it was."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line for each rule of retention."""
        for rule, rows in asdict(retention.tidy()).items():
            self.stdout.write(f"{rule.replace('_', ' ')}: {rows}")
