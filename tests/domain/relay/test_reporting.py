"""What stays unclear is told, with the reason, to whoever can find out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from tests.domain.relay.fake_postfix import (
    GRACE,
    LEASE,
    NAME,
    FakePostfix,
    a_letter,
)
from tests.mail.scripted_server import Fault
from tests.postoffice import HOUR, route

from picketline.domain import relay
from picketline.domain.relay.log import Reader
from picketline.domain.relay.reporting import Why
from picketline.mail import postqueue
from picketline.mail.postqueue import QueueUnreadable
from picketline.models import Attempt, Delivery, RelayLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def unclear(postfix: FakePostfix, settings: Settings) -> Delivery:
    """A letter whose dot got no answer, where the relay's log is configured."""
    settings.RELAY_LOG, settings.RELAY_NAME = postfix.log, NAME
    letter = a_letter()
    postfix.send(Fault.DROP, stored=False)
    return letter


def _why(letter: Delivery) -> Why:
    (told,) = relay.unresolved()
    assert (told.number, told.message_id) == (letter.pk, letter.message_id)
    return told.why


def test_a_letter_whose_proof_is_under_way_is_said_to_wait(unclear: Delivery) -> None:
    assert _why(unclear) is Why.WAITING


def test_a_log_that_nobody_reads_is_named(unclear: Delivery) -> None:
    RelayLog.objects.update(read_at=timezone.now() - HOUR)
    assert _why(unclear) is Why.UNREAD


def test_a_gap_is_named(unclear: Delivery, postfix: FakePostfix) -> None:
    postfix.log.rename(postfix.folder / "elsewhere")
    postfix.log.touch()
    Reader(NAME, postfix.log).read()
    assert _why(unclear) is Why.GAP


def test_a_restart_of_the_relay_is_named(unclear: Delivery, postfix: FakePostfix) -> None:
    postfix.restart()
    Reader(NAME, postfix.log).read()
    assert _why(unclear) is Why.RESTART


def test_what_was_looked_for_before_a_restart_only_waits(
    unclear: Delivery, postfix: FakePostfix
) -> None:
    unclear.attempts.update(looked_for=True)
    postfix.restart()
    Reader(NAME, postfix.log).read()
    assert _why(unclear) is Why.WAITING


def test_another_hosts_relay_is_named(unclear: Delivery) -> None:
    Attempt.objects.update(relay="elsewhere")
    assert _why(unclear) is Why.ELSEWHERE
    assert relay.unresolved()[0].relay == "elsewhere"


@pytest.mark.parametrize("changes", [{"relay": ""}, {}])
def test_without_a_log_a_person_has_to_find_out(
    unclear: Delivery, settings: Settings, changes: dict[str, str]
) -> None:
    if changes:
        Attempt.objects.update(**changes)
    else:
        settings.RELAY_LOG = None
    assert _why(unclear) is Why.NO_LOG


def test_what_is_settled_is_no_longer_told(unclear: Delivery) -> None:
    Delivery.objects.update(state=Delivery.State.ACCEPTED)
    assert relay.unresolved() == []


@pytest.mark.parametrize(("hours", "notices"), [(23, 0), (25, 1), (47, 1), (49, 0)])
def test_organisers_are_told_of_letters_that_are_unclear_since_a_day(
    unclear: Delivery, hours: int, notices: int
) -> None:
    Delivery.objects.update(uncertain_since=timezone.now() - hours * HOUR)
    assert relay.tell_of_unclear() == notices
    relay.tell_of_unclear()
    told = Delivery.objects.filter(notice=Delivery.Notice.UNCLEAR)
    assert told.count() == notices


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What Postfix says when it is asked."""
    said: dict[str, Any] = {"listing": [], "smtpd_timeout": 60}

    def say(name: str) -> Any:
        def answer(_: Path | None) -> Any:
            if isinstance(said[name], Exception):
                raise said[name]
            return said[name]

        return answer

    for name in said:
        monkeypatch.setattr(postqueue, name, say(name))
    return said


def test_a_host_that_can_settle_by_evidence_has_no_problem(
    unclear: Delivery, asked: dict[str, Any]
) -> None:
    assert relay.check(LEASE) == []


def test_a_relay_that_waits_too_long_for_a_silent_worker_is_a_problem(
    unclear: Delivery, asked: dict[str, Any], settings: Settings
) -> None:
    settings.GRACE_SECONDS = GRACE.total_seconds()
    asked["smtpd_timeout"] = (LEASE + GRACE).total_seconds()
    (problem,) = relay.check(LEASE)
    assert "smtpd_timeout" in problem
    assert relay.check(LEASE + timedelta(seconds=1)) == []


def test_a_queue_that_cannot_be_read_is_a_problem(unclear: Delivery, asked: dict[str, Any]) -> None:
    asked["listing"] = QueueUnreadable("postqueue failed: no")
    assert relay.check(LEASE) == ["Nothing can be proven absent: postqueue failed: no"]


def test_a_log_that_cannot_be_read_is_a_problem(
    unclear: Delivery, asked: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    settings.RELAY_LOG = tmp_path / "nothing"
    assert relay.check(LEASE) == ["The relay's log cannot be read: No such file or directory."]


def test_without_a_log_there_is_nothing_to_check_and_nobody_watches(
    settings: Settings,
) -> None:
    settings.RELAY_LOG = None
    assert relay.check(LEASE) == []
    assert relay.of_this_host(route(1), LEASE) is None


def test_the_settings_make_a_watch(postfix: FakePostfix, settings: Settings) -> None:
    settings.RELAY_LOG, settings.RELAY_NAME = postfix.log, NAME
    settings.GRACE_SECONDS = 7
    watch = relay.of_this_host(route(1), LEASE)
    assert watch is not None
    assert (watch.relay.name, watch.lease, watch.grace) == (NAME, LEASE, timedelta(seconds=7))
    letter = a_letter()
    postfix.send(Fault.DROP)
    watch.run()
    letter.refresh_from_db()
    assert letter.state == Delivery.State.ACCEPTED
