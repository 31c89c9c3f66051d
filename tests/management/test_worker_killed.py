"""A worker that is killed at any point loses nothing and doubles nothing (T31)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from tests import builders, postoffice, writers
from tests.database_proxy import DatabaseProxy
from tests.mail.scripted_server import Fault
from tests.postoffice import Peer
from tests.workers import worker

from picketline.domain import deliveries
from picketline.models import Attempt, ConfirmationSent, Delivery

pytestmark = pytest.mark.django_db(transaction=True)

MailClass = Delivery.MailClass
State = Delivery.State


def _restart(server: Peer) -> None:
    """What the next worker does once the leases of the dead one are over."""
    postoffice.expire_leases()
    with override_settings(SMTP_URL=f"smtp://127.0.0.1:{server.port}"):
        call_command("worker", once=True)


def _kept(server: Peer) -> list[str]:
    return sorted(str(mail["Message-ID"]) for mail in server.mails())


def _ends() -> list[str]:
    return sorted(Delivery.objects.values_list("state", flat=True))


@contextmanager
def _stage(**script: object) -> Iterator[tuple[Peer, DatabaseProxy]]:
    """A mail server, and a stand before the database."""
    login = connection.settings_dict
    with Peer(**script) as server, DatabaseProxy(login["HOST"], login["PORT"]) as proxy:
        yield server, proxy


def _kill(server: Peer, proxy: DatabaseProxy, reached: Callable[[], object]) -> None:
    with worker(server.port, proxy.port) as process:
        reached()
        process.kill()
        process.wait()


def test_killed_after_the_claim_both_letters_still_go_out_once() -> None:
    letters = postoffice.queued(builders.campaign())
    claimed = threading.Event()
    with _stage(answers={"GREETING": [Fault.SILENCE, b"220 hello\r\n"]}) as (server, proxy):
        server.watching["GREETING"] = claimed.set
        _kill(server, proxy, lambda: claimed.wait(10))
        assert _ends() == [State.SENDING, State.SENDING]
        _restart(server)
    assert _ends() == [State.ACCEPTED, State.ACCEPTED]
    assert _kept(server) == sorted(row.message_id for row in letters)


def test_killed_after_the_offer_both_letters_still_go_out_once() -> None:
    letters = postoffice.queued(builders.campaign())
    with _stage() as (server, proxy):
        server.watching["DATA"] = proxy.hold_requests
        _kill(server, proxy, proxy.wait)
        assert server.text.endswith(b"\r\n")
        assert set(Attempt.objects.values_list("phase", flat=True)) == {"claimed"}
        _restart(server)
    assert _ends() == [State.ACCEPTED, State.ACCEPTED]
    assert _kept(server) == sorted(row.message_id for row in letters)


def test_killed_between_intent_and_dot_the_letter_is_uncertain_and_never_sent_again() -> None:
    postoffice.queued(builders.campaign())
    with _stage() as (server, proxy):
        server.watching["DATA"] = lambda: proxy.hold_answer_to(b"COMMIT")
        _kill(server, proxy, proxy.wait)
        intended = Attempt.objects.get(phase="committing").delivery
        server.watching.clear()
        _restart(server)
        _restart(server)
    intended.refresh_from_db()
    assert (intended.state, intended.outcome) == (State.UNCERTAIN, "uncertain")
    assert _ends() == [State.ACCEPTED, State.UNCERTAIN]
    assert deliveries.states()[MailClass.LETTER, State.UNCERTAIN] == 1  # for everybody to see
    assert intended.message_id not in _kept(server)
    assert len(_kept(server)) == 1


@pytest.mark.parametrize("accepted", [False, True], ids=["no answer yet", "250 on its way"])
def test_killed_between_dot_and_settling_the_letter_is_uncertain_and_never_doubled(
    accepted: bool,
) -> None:
    postoffice.queued(builders.campaign())
    answered = threading.Event()
    dot = b"250 ok\r\n" if accepted else [Fault.SILENCE, b"250 ok\r\n"]
    with _stage(answers={"DOT": dot}) as (server, proxy):
        server.watching["DOT"] = proxy.hold_requests if accepted else answered.set
        _kill(server, proxy, proxy.wait if accepted else lambda: answered.wait(10))
        intended = Attempt.objects.get(phase="committing").delivery
        server.watching.clear()
        _restart(server)
        _restart(server)
    assert _ends() == [State.ACCEPTED, State.UNCERTAIN]
    intended.refresh_from_db()
    assert intended.state == State.UNCERTAIN
    assert _kept(server).count(intended.message_id) == int(accepted)
    assert len(_kept(server)) == 1 + int(accepted)


def test_killed_after_the_dot_a_confirmation_comes_at_most_twice_and_is_charged_once() -> None:
    (row,) = postoffice.queued(builders.campaign(), MailClass.CONFIRMATION)
    with _stage() as (server, proxy):
        server.watching["DOT"] = proxy.hold_requests
        _kill(server, proxy, proxy.wait)
        server.watching.clear()
        _restart(server)
        _restart(server)
    assert _ends() == [State.ACCEPTED]
    assert _kept(server) == [row.message_id] * 2
    assert ConfirmationSent.objects.count() == 1


def test_a_worker_that_is_told_to_stop_finishes_its_letter_and_gives_back_the_rest() -> None:
    postoffice.queued(builders.campaign())
    with Peer() as server, worker(server.port) as process:
        server.watching["DOT"] = lambda: process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert server.lines[-1] == b"QUIT"
    assert _ends() == [State.ACCEPTED, State.QUEUED]
    waiting = Delivery.objects.get(state=State.QUEUED)
    assert (waiting.attempt_count, waiting.lease_until) == (0, None)


def test_two_workers_at_once_send_every_letter_once() -> None:
    campaign = builders.campaign()
    for number in range(8):
        writers.confirmed(campaign, address=f"w{number}@writers.example")
    postoffice.make_due()
    wanted = Delivery.objects.exclude(mail_class=MailClass.CONFIRMATION)
    with (
        Peer() as one,
        Peer() as two,
        worker(one.port, 0, "--once") as first,
        worker(two.port, 0, "--once") as second,
    ):
        for process in (first, second):
            _, errors = process.communicate(timeout=30)
            assert (process.returncode, errors) == (0, "")
    assert sorted(_kept(one) + _kept(two)) == sorted(row.message_id for row in wanted)
