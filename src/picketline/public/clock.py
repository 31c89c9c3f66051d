"""Which day it is for campaigns: the UTC day."""

from __future__ import annotations

from datetime import UTC, date

from django.utils import timezone


def today() -> date:
    """The day that closing dates are measured by."""
    return timezone.now().astimezone(UTC).date()
