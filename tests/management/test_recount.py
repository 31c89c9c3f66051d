"""Recounting proves the public numbers, or fails with those that are wrong."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from tests import builders, writers

from picketline.domain import counts
from picketline.models import CampaignCount

pytestmark = pytest.mark.django_db


def test_numbers_that_are_the_sums_of_their_journal_pass() -> None:
    campaign = builders.campaign()
    writers.confirmed(campaign, signature=writers.UNION)
    out = StringIO()
    call_command("recount", stdout=out)
    assert out.getvalue() == "Every public number is the sum of its journal.\n"
    assert counts.totals(campaign)[counts.CountKind.MEMBERS] == 1200


def test_a_number_that_was_tampered_with_is_named() -> None:
    campaign = builders.campaign()
    writers.confirmed(campaign)
    counts.sum_up()
    CampaignCount.objects.update(total=1_000)
    errors = StringIO()
    with pytest.raises(CommandError, match="1 public numbers differ"):
        call_command("recount", stderr=errors)
    expected = f"campaign {campaign.pk}, supporters: 1000 shown, 1 in journal\n"
    assert errors.getvalue() == expected
