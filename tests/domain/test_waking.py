"""Workers are woken by whoever makes mail due, and by nobody else."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from tests import builders, postoffice, writers
from tests.database_proxy import DatabaseProxy

from picketline.domain import campaigns, deliveries, waking
from picketline.domain.deliveries import Verdict
from picketline.domain.waking import Listener
from picketline.host.stopping import Stop
from picketline.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 20.0  # a test that is not woken fails by what wait() says
MOMENT, QUIET = 0.01, 0.5


@pytest.fixture
def stop() -> Iterator[Stop]:
    with Stop() as made:
        yield made


@pytest.fixture
def ears(stop: Stop) -> Iterator[Listener]:
    """A listener that listens, and has heard nothing yet."""
    with Listener() as made:
        assert made.wait(LONG, stop)
        assert not made.wait(MOMENT, stop)
        yield made


def test_mail_that_is_queued_wakes_whoever_waits(ears: Listener, stop: Stop) -> None:
    campaign = builders.campaign()
    while ears.wait(QUIET, stop):
        pass
    writers.submit(campaign)
    assert ears.wait(LONG, stop)
    assert not ears.wait(MOMENT, stop)


def test_mail_that_is_queued_while_somebody_sleeps_wakes_them(ears: Listener, stop: Stop) -> None:
    def queue() -> None:
        with postoffice.witness() as other:
            other.execute(
                "INSERT INTO picketline_delivery SELECT * FROM picketline_delivery LIMIT 0"
            )

    other = threading.Timer(0.05, queue)
    other.start()
    assert ears.wait(LONG, stop)
    other.join()


def test_nobody_wakes_for_what_was_not_committed(ears: Listener, stop: Stop) -> None:
    with transaction.atomic():
        waking.wake()
        transaction.set_rollback(True)
    assert not ears.wait(MOMENT, stop)


def test_everything_said_meanwhile_wakes_once(ears: Listener, stop: Stop) -> None:
    with transaction.atomic():
        for number in range(5):
            waking.wake(str(number))
    assert ears.wait(LONG, stop)
    assert not ears.wait(MOMENT, stop)


def test_a_campaign_that_is_opened_again_and_a_mail_that_a_person_resends_wake(
    ears: Listener, stop: Stop
) -> None:
    campaign = builders.campaign()
    (letter, *_) = postoffice.queued(campaign)
    campaigns.suspend(campaign.slug)
    while ears.wait(QUIET, stop):
        pass
    campaigns.open_campaign(campaign.slug)
    assert ears.wait(LONG, stop)
    uncertain = {"state": Delivery.State.UNCERTAIN, "uncertain_since": letter.due_at}
    Delivery.objects.filter(pk=letter.pk).update(**uncertain)
    assert not ears.wait(MOMENT, stop)
    deliveries.decide(letter.pk, Verdict.RESEND)
    assert ears.wait(LONG, stop)


@pytest.mark.parametrize("by_signal", [True, False], ids=["a signal", "a call"])
def test_being_told_to_stop_ends_a_sleep_at_once(
    by_signal: bool, ears: Listener, stop: Stop
) -> None:
    def tell() -> None:
        if by_signal:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            stop.set()

    stop.follow_signals()
    teller = threading.Timer(0.05, tell)
    teller.start()
    assert not ears.wait(600, stop)
    assert stop.is_set()
    assert not ears.wait(600, stop)
    teller.join()


def test_a_listener_that_was_cut_off_says_so_and_listens_again(
    ears: Listener, stop: Stop, caplog: pytest.LogCaptureFixture
) -> None:
    with postoffice.witness() as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()"
        )
    assert ears.wait(LONG, stop)  # for what may have been said meanwhile
    assert "is cut off" in caplog.text
    assert ears.wait(LONG, stop)
    assert not ears.wait(MOMENT, stop)
    waking.wake()
    assert ears.wait(LONG, stop)


def test_without_a_database_one_asks_again_soon(
    stop: Stop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", str(port))
    monkeypatch.setattr(waking, "POLL_SECONDS", MOMENT)
    with Listener() as ears:
        assert not ears.wait(600, stop)
    assert "no ear for notifications" in caplog.text


class _Pooler(DatabaseProxy):
    """Passes everything on but notifications, like a pooler that lends a session by the query."""

    def _answers(self, worker: socket.socket, database: socket.socket) -> None:
        while octets := database.recv(65536):
            worker.sendall(re.sub(rb"A.{8}picketline_due\0[^\0]*\0", b"", octets, flags=re.DOTALL))


def test_behind_a_pooler_one_asks_every_second_and_says_so_once(
    stop: Stop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    login = connection.settings_dict
    connection.ensure_connection()
    monkeypatch.setattr(waking, "POLL_SECONDS", MOMENT)
    monkeypatch.setattr(waking, "TEST_SECONDS", 0.2)
    with _Pooler(login["HOST"], login["PORT"]) as pooler:
        monkeypatch.setitem(login, "HOST", "127.0.0.1")
        monkeypatch.setitem(login, "PORT", str(pooler.port))
        with Listener() as ears:
            for _ in range(3):
                assert not ears.wait(600, stop)
        monkeypatch.undo()
    assert caplog.text.count("is there a pooler") == 1
