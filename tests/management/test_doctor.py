"""``picketline doctor``: a report that a person can act on, and an exit code for monitoring."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from pytest_django import Settings
from tests.dns_server import DnsServer
from tests.mail.scripted_server import Script, ScriptedServer

from picketline.domain import signing
from picketline.domain.streams import Stream
from picketline.mail import postqueue
from picketline.mail.dkim import KeyKind
from picketline.mail.domain_check import clock
from picketline.mail.domain_check.findings import Finding
from picketline.management.commands import doctor

_DOMAIN = "picket.example"

Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer(f"mail.{_DOMAIN} A 192.0.2.25") as server:
        yield server


@pytest.fixture
def relay() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def run(
    db: None, dns: DnsServer, relay: ScriptedServer, settings: Settings, tmp_path: Path
) -> Doctor:
    """The command in an installation with keys of its own: exit code and what it said."""
    settings.KEYS = tmp_path
    settings.MAIL_DOMAIN = _DOMAIN
    settings.POSTFIX_CONFIG = None
    settings.NAMESERVERS = (f"127.0.0.1:{dns.port}",)
    settings.SMTP_URL = f"smtp://127.0.0.1:{relay.port}?ehlo=mail.{_DOMAIN}"

    def command(*arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        try:
            call_command("doctor", *arguments, stdout=out)
        except SystemExit as end:
            return int(str(end.code)), out.getvalue()
        return 0, out.getvalue()

    return command


def _make_keys() -> None:
    for stream in Stream:
        signing.make_key(stream, KeyKind.RSA, date(2026, 5, 1))


def _published(report: str) -> str:
    lines = [line.partition("publish: ")[2] for line in report.splitlines()]
    return "\n".join(dict.fromkeys(line for line in lines if line))


def test_a_new_domain_becomes_right_by_publishing_what_the_report_says(
    run: Doctor, dns: DnsServer
) -> None:
    _make_keys()
    code, report = run()
    assert code == 1
    assert f"FAULT    letters.{_DOMAIN}" in report
    assert "There is no SPF record." in report
    dns.publish(_published(report))
    code, report = run()
    assert code == 0
    assert "publish:" not in report
    assert report.splitlines()[-1] == f"{_DOMAIN}: faults 0, warnings 0, advice 0, in order 22."


def test_the_findings_stand_in_columns_below_their_checks(run: Doctor) -> None:
    _, report = run("--address", "192.0.2.25", "2001:db8::25")
    lines = report.splitlines()
    assert [line for line in lines[:-1] if line and line[0] != " "] == [
        *("SPF", "DKIM", "DMARC", "PTR", "MX", "TLS", "clock")
    ]
    found = [line for line in lines if line.startswith("  ") and "publish:" not in line]
    assert {line[10] for line in found} == {" "}
    assert "The mail server is on this machine" in report
    assert "This host's clock agrees with it." in report


def test_without_keys_it_names_the_command_that_makes_them(run: Doctor) -> None:
    code, report = run()
    assert code == 1
    assert report.count("picketline dkim new") == 4


def test_a_key_that_cannot_be_used_is_a_fault_and_the_rest_is_checked(
    run: Doctor, tmp_path: Path
) -> None:
    _make_keys()
    (key,) = (tmp_path / "worker" / "dkim" / "letters").iterdir()
    key.chmod(0o644)
    code, report = run()
    assert code == 1
    assert "is open to other users" in report
    assert report.count("The key is not published.") == 3


def test_scripts_get_the_same_as_json(run: Doctor) -> None:
    code, said = run("--json", "--domain", "Other.Example.", "--ehlo", "mail.picket.example")
    report = json.loads(said)
    assert code == 1
    assert report["domain"] == "other.example"
    first = report["findings"][0]
    assert first == {
        "check": "SPF",
        "subject": "letters.other.example",
        "level": "fault",
        "what": "There is no SPF record.",
        "publish": 'letters.other.example. TXT "v=spf1 ip4:192.0.2.25 -all"',
    }


def test_another_name_server_can_be_asked(run: Doctor, dns: DnsServer) -> None:
    with DnsServer() as other:
        run("--nameserver", f"127.0.0.1:{other.port}")
        assert other.asked
    assert dns.asked == []
    with pytest.raises(CommandError, match="no server"):
        run("--nameserver", "no:where")


@pytest.mark.parametrize("ehlo", ["", "?ehlo=[192.0.2.25]"])
def test_where_the_sending_host_is_not_known_it_asks_for_it(
    run: Doctor, relay: ScriptedServer, settings: Settings, ehlo: str
) -> None:
    settings.SMTP_URL = f"smtp://127.0.0.1:{relay.port}{ehlo}"
    _, report = run()
    assert "give --ehlo, or --address" in report
    _, report = run("--ehlo", f"mail.{_DOMAIN}")
    assert "give --ehlo" not in report


def test_a_mail_server_that_is_away_is_a_fault(run: Doctor, settings: Settings) -> None:
    with ScriptedServer() as gone:
        port = gone.port
    settings.SMTP_URL = f"smtp://127.0.0.1:{port}"
    code, report = run()
    assert code == 1
    assert "The mail server cannot be used: it fails at connect" in report


def test_exchangers_are_tried_where_it_is_asked_for(run: Doctor, dns: DnsServer) -> None:
    dns.add(f"reply.{_DOMAIN} MX 10 mx.{_DOMAIN}.")
    dns.add(f"mx.{_DOMAIN} A 127.0.0.1")
    with ScriptedServer(Script()) as exchanger:
        _, report = run("--mx-tls", str(exchanger.port))
    assert f"mx.{_DOMAIN}:{exchanger.port}" in report
    assert "it does not offer STARTTLS" in report


def test_a_database_that_is_away_is_said_and_the_rest_goes_on(
    run: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(doctor, "connection", SimpleNamespace(cursor=away))
    _, report = run()
    assert "could not be checked: the database is out of reach (OperationalError)" in report
    assert "There is no SPF record." in report


def test_a_clock_that_is_wrong_is_a_fault(run: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "time", lambda: time.time() + 3600)
    code, report = run()
    assert code == 1
    assert "3600 seconds ahead of it" in report


def test_a_time_server_is_asked_where_one_is_given(
    run: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(host: str, port: int) -> Finding:
        asked.append((host, port))
        return clock.drift(host, 0.0)

    monkeypatch.setattr(clock, "by_time_server", answer)
    run("--time-server", "time.example")
    run("--time-server", "127.0.0.1:1123")
    run("--time-server", "2001:db8::123")
    assert asked == [("time.example", 123), ("127.0.0.1", 1123), ("2001:db8::123", 123)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--ehlo", "näme"),
        ("--ehlo", "mail.example\r\nDATA"),
        ("--domain", "a..b"),
        ("--address", "mail.example"),
        ("--mx-tls", "65536"),
        ("--mx-tls", "smtp"),
        ("--time-server", "no:time"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(run: Doctor, arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)


@pytest.mark.parametrize(
    ("waits", "words"),
    [
        (60, "waits 60 seconds, we wait 240"),
        (300, "publish: smtpd_timeout = 60s"),
        (None, "smtpd_timeout could not be read"),
    ],
)
def test_the_patience_of_a_known_postfix_is_compared_with_ours(
    run: Doctor,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    waits: int | None,
    words: str,
) -> None:
    def asked(config: Path | None) -> int:
        assert config == tmp_path
        if waits is None:
            raise postqueue.QueueUnreadable
        return waits

    settings.POSTFIX_CONFIG = tmp_path
    settings.LEASE_SECONDS = settings.GRACE_SECONDS = 120
    monkeypatch.setattr(postqueue, "smtpd_timeout", asked)
    _, report = run()
    assert words in report
