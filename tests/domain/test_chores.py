"""Chores come again in their own time, and none of them keeps letters from going out."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import OperationalError, connection
from tests import builders, postoffice, writers
from tests.domain.relay.fake_postfix import FakePostfix

from picketline.domain import chores, counts, leases, names
from picketline.domain.chores import Chores
from picketline.models import (
    Consent,
    Delivery,
    PublicName,
    RelayLog,
    SealedSubmission,
    Supporter,
)

pytestmark = pytest.mark.django_db

State = Delivery.State
OFTEN = ["reap", "finish_withdrawals", "sort_due"]
ALL = [*OFTEN, "sum_up", "publish", "queue", "tell_of_unclear", "tidy"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, the list's one item."""
    now = [1_000.0]
    monkeypatch.setattr(chores, "boot_seconds", lambda: now[0])
    return now


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chores that were done, in order; none does anything."""
    done: list[str] = []
    for module, function in [
        ("leases", "reap"),
        ("letter_status", "finish_withdrawals"),
        ("incoming.sorting", "sort_due"),
        ("counts", "sum_up"),
        ("names", "publish"),
        ("digests", "queue"),
        ("relay", "tell_of_unclear"),
        ("retention", "tidy"),
    ]:
        monkeypatch.setattr(
            f"picketline.domain.{module}.{function}", lambda *_, name=function: done.append(name)
        )
    return done


def test_every_chore_is_done_at_the_start_and_again_in_its_own_time(
    clock: list[float], calls: list[str]
) -> None:
    work = Chores(counter_seconds=30)
    work.run_due()
    assert calls == ALL
    calls.clear()
    work.run_due()
    assert calls == []
    clock[0] += 5
    work.run_due()
    assert calls == OFTEN
    clock[0] += 25
    work.run_due()
    assert calls == [*OFTEN, *OFTEN, "sum_up"]
    clock[0] += 3_600
    work.run_due()
    assert calls[2 * len(OFTEN) + 1 :] == ALL


def test_a_relays_log_is_read_where_there_is_one(
    clock: list[float], calls: list[str], tmp_path: Path
) -> None:
    postfix = FakePostfix(tmp_path)
    work = Chores(counter_seconds=30, resolver=postfix.resolver())
    postfix.write("of no interest")
    work.run_due()
    assert RelayLog.objects.get().offset == postfix.log.stat().st_size
    postfix.write("of no interest")
    clock[0] += chores.RESOLVE_EVERY
    work.run_due()
    assert RelayLog.objects.get().offset == postfix.log.stat().st_size


def test_one_round_does_what_its_name_says() -> None:
    campaign = builders.campaign()
    supporter, _ = writers.confirmed(campaign)
    postoffice.make_due()
    leases.claim(10, postoffice.HOUR)
    postoffice.expire_leases()
    Chores(counter_seconds=30).run_due()
    assert not Delivery.objects.filter(state=State.SENDING).exists()
    assert counts.totals(campaign)[counts.CountKind.SUPPORTERS] == 1
    assert Supporter.objects.filter(pk=supporter.pk).exists()


def test_a_damaged_row_stops_neither_the_other_chores_nor_the_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    campaign = builders.campaign()
    consents = frozenset({Consent.Kind.SEND, Consent.Kind.SHOW_NAME})
    writers.confirmed(campaign, consents=consents)
    Supporter.objects.update(confirmed_on="2020-01-01")
    SealedSubmission.objects.update(signature_ct=b"not what was sealed")
    postoffice.make_due()
    leases.claim(10, postoffice.HOUR)
    postoffice.expire_leases()
    Chores(counter_seconds=30).run_due()
    assert not Delivery.objects.filter(state=State.SENDING).exists()
    assert not PublicName.objects.exists()
    assert "cannot be opened" in caplog.text
    assert "Jo Docker" not in caplog.text


def test_a_chore_that_fails_is_named_in_the_log_without_its_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise ValueError("Jo Docker")

    monkeypatch.setattr(names, "publish", fails)
    Chores(counter_seconds=30).run_due()
    assert "the chore names failed" in caplog.text
    assert "Jo Docker" not in caplog.text


def test_a_chore_that_the_database_refuses_is_logged_with_the_kind_of_fault(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'Jo Docker' FROM no_such_table")

    monkeypatch.setattr(names, "publish", refused)
    Chores(counter_seconds=30).run_due()
    assert "the chore names failed: ProgrammingError 42P01" in caplog.text
    assert "Jo Docker" not in caplog.text


def test_a_database_that_is_away_is_the_workers_business(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(leases, "reap", away)
    with pytest.raises(OperationalError):
        Chores(counter_seconds=30).run_due()
