"""Tidying by hand says what it deleted."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from tests import builders, writers

from picketline.models import Supporter

pytestmark = pytest.mark.django_db


def _tidied() -> dict[str, str]:
    out = StringIO()
    call_command("tidy", stdout=out)
    return dict(line.split(": ") for line in out.getvalue().splitlines())


def test_every_rule_of_retention_has_its_line() -> None:
    writers.submit(builders.campaign())
    said = _tidied()
    assert {"unconfirmed", "addresses", "texts", "server replies", "budgets"} <= set(said)
    assert set(said.values()) == {"0"}


def test_what_was_deleted_is_counted_once() -> None:
    writers.submit(builders.campaign())
    Supporter.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert _tidied()["unconfirmed"] == "1"
    assert _tidied()["unconfirmed"] == "0"
    assert not Supporter.objects.exists()
