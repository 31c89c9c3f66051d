"""The worker command: it says what it lacks, and goes on when database or mail server return."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import override_settings
from tests import builders, postoffice, writers
from tests.postoffice import Peer

from picketline.domain import chores, counts, leases
from picketline.host.processes import free_port
from picketline.management.commands import worker
from picketline.models import Attempt, Delivery

State = Delivery.State
MailClass = Delivery.MailClass
transactional = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _undisturbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker in this process: no rests, and the test runner's signals afterwards."""
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(worker, "DATABASE_REST_SECONDS", 0.01)
    monkeypatch.setattr(chores, "REAP_EVERY", 0)
    guard = threading.Timer(20, _stop)  # a stuck test fails instead of hanging
    guard.start()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    guard.cancel()
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def _sending_to(server: Peer, options: str = "") -> Iterator[None]:
    with override_settings(SMTP_URL=f"smtp://127.0.0.1:{server.port}{options}"):
        yield


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("options", "name"),
    [("", "letters.picketline.example"), ("?ehlo=mx.dockers.example", "mx.dockers.example")],
)
@transactional
def test_the_mail_server_never_hears_the_machines_name(
    options: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "machine-7")
    monkeypatch.setattr(socket, "getfqdn", lambda *_: "machine-7.dockers.example")
    postoffice.queued(builders.campaign())
    with Peer() as server, _sending_to(server, options):
        call_command("worker", once=True)
    assert server.lines[0] == b"EHLO " + name.encode()
    assert b"machine-7" not in server.clear


@transactional
def test_once_sends_everything_that_is_due_and_brings_the_numbers_up_to_date() -> None:
    campaign = builders.campaign()
    for number in range(8):
        writers.confirmed(campaign, address=f"w{number}@writers.example")
    with Peer() as server, _sending_to(server):
        call_command("worker", once=True)
    assert len(server.messages) == 8 * 4  # two targets, two copies; nobody is asked to confirm
    totals = counts.totals(campaign)
    assert totals[counts.CountKind.LETTERS] == 16
    assert totals[counts.CountKind.SUPPORTERS] == 8


@transactional
def test_once_ends_although_the_mail_server_is_down() -> None:
    postoffice.queued(builders.campaign())
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with override_settings(SMTP_URL=f"smtp://127.0.0.1:{port}"):
        call_command("worker", once=True)
    assert set(Delivery.objects.values_list("state", "attempt_count")) == {(State.QUEUED, 0)}


@pytest.mark.usefixtures("_undisturbed")
@transactional
def test_a_worker_goes_on_until_it_is_told_to_stop() -> None:
    campaign = builders.campaign()
    first, second = postoffice.queued(campaign)
    Delivery.objects.filter(pk=second.pk).update(due_at="2999-01-01T00:00Z")

    def come_later() -> None:
        server.watching["DOT"] = _stop
        with postoffice.witness() as other:
            other.execute("UPDATE picketline_delivery SET due_at = now()")

    with Peer() as server, _sending_to(server):
        server.watching["DOT"] = come_later
        call_command("worker")
    assert {mail["Message-ID"] for mail in server.mails()} == {first.message_id, second.message_id}


@pytest.mark.usefixtures("_undisturbed")
@transactional
def test_a_database_that_restarts_under_the_worker_costs_nothing() -> None:
    letters = postoffice.queued(builders.campaign())
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid

    def stop_after_both() -> None:
        if len(server.messages) == 1:
            _stop()

    def cut_off() -> None:
        del server.watching["DATA"]
        with postoffice.witness() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
            other.execute("UPDATE picketline_delivery SET lease_until = now() - interval '1 hour'")

    with Peer() as server, _sending_to(server):
        server.watching |= {"DATA": cut_off, "DOT": stop_after_both}
        call_command("worker")
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.ACCEPTED}
    assert sorted(str(mail["Message-ID"]) for mail in server.mails()) == sorted(
        letter.message_id for letter in letters
    )
    assert Attempt.objects.filter(outcome="crashed").count() == 2


@pytest.mark.usefixtures("_undisturbed")
@transactional
def test_a_database_lost_between_dot_and_settling_leaves_the_letter_uncertain() -> None:
    postoffice.queued(builders.campaign())
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid

    def cut_off() -> None:
        server.watching["DOT"] = _stop
        with postoffice.witness() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
            other.execute("UPDATE picketline_delivery SET lease_until = now() - interval '1 hour'")

    with Peer() as server, _sending_to(server):
        server.watching["DOT"] = cut_off
        call_command("worker")
    ends = sorted(Delivery.objects.values_list("state", flat=True))
    assert ends == [State.ACCEPTED, State.UNCERTAIN]
    assert len(server.messages) == len({mail["Message-ID"] for mail in server.mails()}) == 2


@pytest.mark.usefixtures("_undisturbed")
@transactional
def test_monitoring_is_answered_while_the_worker_works() -> None:
    postoffice.queued(builders.campaign())
    port = free_port(0)
    told: list[tuple[int, bytes]] = []

    def ask() -> None:
        server.watching["DOT"] = _stop
        for page in ("/metrics", "/health"):
            asking = HTTPConnection("127.0.0.1", port, timeout=10)
            asking.request("GET", page)
            answer = asking.getresponse()
            told.append((answer.status, answer.read()))
            asking.close()

    with Peer() as server, _sending_to(server):
        server.watching["DOT"] = ask
        with override_settings(METRICS=f"127.0.0.1:{port}"):
            call_command("worker")
    (_, metrics), (_, health) = told
    assert b'picketline_mails{mail_class="letter",state=' in metrics
    assert b"picketline_claimed_total" in metrics
    assert sum(each["mails"] for each in json.loads(health)["states"]) == 2


@transactional
def test_a_port_that_is_taken_stops_the_start_with_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            override_settings(METRICS=place, SMTP_URL="smtp://127.0.0.1:25"),
            pytest.raises(CommandError, match=r"^PICKETLINE_METRICS: cannot listen there"),
        ):
            call_command("worker")


@transactional
def test_what_keeps_the_relays_log_from_being_evidence_is_said_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    postoffice.queued(builders.campaign())
    nothing = {"RELAY_LOG": tmp_path / "maillog", "POSTFIX_CONFIG": tmp_path / "no-postfix"}
    with Peer() as server, _sending_to(server), override_settings(**nothing):
        call_command("worker", once=True)
    assert "The relay's log cannot be read" in caplog.text
    assert "Nothing can be proven absent" in caplog.text
    assert len(server.messages) == 2


def test_once_without_a_database_fails_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(leases, "reap", away)
    with pytest.raises(CommandError, match=r"^The database is out of reach\.$"):
        call_command("worker", once=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PROCESS": "public"}, "The public process cannot open"),
        ({"PROCESS": "desk"}, "PICKETLINE_PROCESS=worker"),
        ({"SMTP_URL": "smtp://relay.example/path"}, "something after the host"),
        ({"SMTP_URL": "smtp://jo:hunter2@127.0.0.1?security=none"}, "over TLS only"),
        ({"KEYS": Path("/nowhere/at/all")}, "cannot be read"),
    ],
)
def test_a_worker_that_cannot_work_says_so_at_once(
    changes: dict[str, object], sentence: str
) -> None:
    with override_settings(**changes), pytest.raises(CommandError, match=sentence) as refusal:
        call_command("worker", once=True)
    assert "hunter2" not in str(refusal.value)


@transactional
def test_a_key_that_cannot_sign_stops_the_start_and_fails_no_letter(
    key_folder: Path, tmp_path: Path
) -> None:
    postoffice.queued(builders.campaign())
    keys = tmp_path / "keys"
    shutil.copytree(key_folder, keys)
    broken = keys / "worker" / "dkim" / "letters" / "rsa-2026-11.pem"
    broken.parent.mkdir(parents=True)
    broken.write_text("no key")
    broken.chmod(0o400)
    with (
        Peer() as server,
        _sending_to(server),
        override_settings(KEYS=keys),
        pytest.raises(CommandError, match=r"rsa-2026-11\.pem cannot be used"),
    ):
        call_command("worker", once=True)
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.QUEUED}
