"""Pacing in virtual time: letters by the hundred, and the paces of each test."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def paces(settings) -> None:
    """No pace but the one that a test sets."""
    settings.TARGET_PER_MINUTE = settings.DOMAIN_PER_MINUTE = 0
    settings.TARGET_PER_DAY = 0
    settings.STREAM_PER_MINUTE = dict.fromkeys(settings.STREAM_PER_MINUTE, 0)
