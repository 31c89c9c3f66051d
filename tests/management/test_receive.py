"""Receiving: whoever hands us a message learns that we have it, that we never will, or "later"."""

from __future__ import annotations

import io
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import override_settings
from tests import builders, postoffice
from tests.database_proxy import DatabaseProxy
from tests.domain.incoming import arrivals

from picketline.domain.incoming import receiving, sorting
from picketline.mail.incoming.limits import MAX_MESSAGE
from picketline.models import IncomingMessage

SOURCES = Path(__file__).parents[2] / "src"
COPIES = "harbour@copies.picketline.example"
RAW = arrivals.message("Dear Owners", From="ann@writers.example")
transactional = pytest.mark.django_db(transaction=True)


class Input:
    """Standard input with these bytes."""

    def __init__(self, raw: bytes) -> None:
        self.buffer = io.BytesIO(raw)


def handed_in(monkeypatch: pytest.MonkeyPatch, raw: bytes = RAW, to: str = COPIES) -> int:
    """Hand a message in as Postfix's pipe(8) does; the exit code."""
    monkeypatch.setattr(sys, "stdin", Input(raw))
    try:
        call_command("receive", recipient=to, sender="ann@writers.example")
    except CommandError as refusal:
        return refusal.returncode
    return 0


def environ(**changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCES),
        "DATABASE_URL": postoffice.database_url(),
        "PICKETLINE_DATA": str(settings.DATA),
        "PICKETLINE_KEYS": str(settings.KEYS),
        **changes,
    }


def handed_to_a_process(to: str = COPIES, **changes: str) -> int:
    """The same with a process of its own; the exit code."""
    command = [sys.executable, "-m", "picketline", "receive", "--recipient", to, "--sender", ""]
    done = subprocess.run(
        command, env=environ(**changes), input=RAW, capture_output=True, timeout=60, check=False
    )
    return done.returncode


@contextmanager
def listener(protocol: str = "--lmtp", **changes: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """A real listener; the process and its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "picketline", "receive", protocol, "127.0.0.1:0"],
        env=environ(**changes),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline().rpartition(":")[2])
        finally:
            process.kill()


@pytest.mark.django_db
def test_a_message_on_standard_input_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.campaign()
    assert handed_in(monkeypatch) == 0
    received = receiving.opened(IncomingMessage.objects.get())
    assert (received.envelope_sender, received.recipient) == ("ann@writers.example", COPIES)
    assert received.raw == RAW


@pytest.mark.django_db
def test_what_can_never_be_taken_is_refused_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.campaign()
    assert handed_in(monkeypatch, to="nobody@copies.picketline.example") == 67
    assert handed_in(monkeypatch, b"x" * (MAX_MESSAGE + 1)) == 65
    assert not IncomingMessage.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [OperationalError, OSError, ZeroDivisionError, MemoryError])
def test_whatever_else_goes_wrong_the_message_comes_again(
    monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def fails(*_: object) -> None:
        raise fault

    monkeypatch.setattr(receiving, "receive", fails)
    assert handed_in(monkeypatch) == 75


@pytest.mark.django_db
def test_without_keys_or_without_a_recipient_the_message_comes_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert handed_in(monkeypatch, to="") == 75
    with override_settings(KEYS=tmp_path):
        assert handed_in(monkeypatch) == 75


@transactional
def test_a_process_ends_with_the_codes_that_postfix_understands() -> None:
    builders.campaign()
    assert handed_to_a_process() == 0
    assert handed_to_a_process("nobody@copies.picketline.example") == 67
    assert handed_to_a_process(DATABASE_URL="postgresql://x:y@127.0.0.1:1/z") == 75
    assert handed_to_a_process(PICKETLINE_NONSENSE="1") == 75
    assert IncomingMessage.objects.count() == 1


@transactional
@pytest.mark.parametrize("protocol", ["--lmtp", "--smtp"])
def test_a_listener_keeps_what_is_ours_and_refuses_what_is_not(protocol: str) -> None:
    builders.campaign()
    client_class = smtplib.LMTP if protocol == "--lmtp" else smtplib.SMTP
    with listener(protocol) as (process, port):
        with client_class("127.0.0.1", port, "mx.example") as client:
            refused = client.sendmail(
                "ann@writers.example", [COPIES, "nobody@copies.picketline.example"], RAW
            )
            assert refused == {
                "nobody@copies.picketline.example": (550, b"5.1.1 No such address here")
            }
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert receiving.opened(IncomingMessage.objects.get()).raw == RAW


@transactional
def test_killed_between_commit_and_answer_the_message_is_sorted_once() -> None:
    builders.campaign()
    login = connection.settings_dict
    with (
        DatabaseProxy(login["HOST"], login["PORT"]) as proxy,
        listener(DATABASE_URL=postoffice.database_url(port=proxy.port)) as (process, port),
        smtplib.LMTP("127.0.0.1", port, "mx.example", timeout=30) as client,
    ):
        client.ehlo()
        client.mail("ann@writers.example")
        client.rcpt(COPIES)
        proxy.hold_answer_to(b"COMMIT")
        client.putcmd("DATA")
        assert client.getreply()[0] == 354
        client.send(RAW + b".\r\n")
        proxy.wait()
        process.kill()
        process.wait()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.getreply()
    with listener() as (_, port), smtplib.LMTP("127.0.0.1", port, "mx.example") as client:
        assert client.sendmail("ann@writers.example", COPIES, RAW) == {}
    assert IncomingMessage.objects.count() == 2
    assert sorting.sort_due() == 2
    assert IncomingMessage.objects.get().kind == "copy"


@transactional
def test_while_the_database_is_away_the_listener_says_later_and_then_goes_on() -> None:
    builders.campaign()
    with listener() as (_, port), smtplib.LMTP("127.0.0.1", port, "mx.example") as client:
        with postoffice.witness() as other:
            client.ehlo()
            assert client.noop()[0] == 250
            client.mail("")
            assert client.rcpt(COPIES)[0] == 250
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                " AND pid <> %s",
                [connection.connection.info.backend_pid],
            )
        assert client.data(RAW)[0] in (250, 451)
        assert client.sendmail("ann@writers.example", COPIES, RAW) == {}
    while sorting.sort_due():
        pass
    assert IncomingMessage.objects.count() == 1


@pytest.mark.parametrize("place", ["127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "0.0.0.0:0"])
def test_a_listener_that_cannot_listen_says_so(place: str) -> None:
    with pytest.raises(CommandError, match=r"Give host and port|--allow-remote"):
        call_command("receive", lmtp=place)
