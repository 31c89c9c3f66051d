"""What Postfix's commands answer, and what is made of an answer that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from picketline.mail import postqueue
from picketline.mail.postqueue import Queued, QueueUnreadable, listing, smtpd_timeout

ENTRY = (
    '{"queue_name": "deferred", "queue_id": "4jY7RR1LzVzJFd5", "arrival_time": 1785571200,'
    ' "message_size": 260, "forced_expire": false, "sender": "b.abc@letters.picket.example",'
    ' "recipients": [{"address": "boss@target.example", "delay_reason": "later"}]}'
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for programs that stand in for Postfix's, before all others."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def _program(programs: Path, name: str, script: str) -> None:
    file = programs / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)


def _says(programs: Path, text: str) -> None:
    _program(programs, "postqueue", f"cat <<'END'\n{text}\nEND")


def test_every_message_of_the_queue_is_listed(programs: Path) -> None:
    null = ENTRY.replace("b.abc@letters.picket.example", "MAILER-DAEMON")
    _says(programs, f"{ENTRY}\n{null.replace('deferred', 'incoming')}")
    assert listing(None) == [
        Queued("4jY7RR1LzVzJFd5", "deferred", "b.abc@letters.picket.example", 1),
        Queued("4jY7RR1LzVzJFd5", "incoming", "", 1),
    ]


def test_an_empty_queue_is_an_empty_list(programs: Path) -> None:
    _program(programs, "postqueue", "exit 0")
    assert listing(None) == []


def test_the_instance_is_named_to_the_program(programs: Path) -> None:
    _program(programs, "postqueue", 'echo "$@" >&2; exit 1')
    with pytest.raises(QueueUnreadable, match=r"^postqueue failed: -c /etc/other -j$"):
        listing(Path("/etc/other"))


@pytest.mark.parametrize(
    "answer",
    [
        "Mail queue is empty",
        "[]",
        "3",
        "{}",
        ENTRY.replace('"4jY7RR1LzVzJFd5"', "5"),
        ENTRY.replace('"b.abc@letters.picket.example"', "null"),
        ENTRY.replace("[", "7, [", 1),
        ENTRY[:60],
    ],
)
def test_what_is_no_queue_is_not_taken_for_an_empty_one(programs: Path, answer: str) -> None:
    _says(programs, answer)
    with pytest.raises(QueueUnreadable, match=r"not a queue"):
        listing(None)


def test_a_failure_is_told_in_the_last_words_of_the_program(programs: Path) -> None:
    _program(programs, "postqueue", "echo first >&2; echo 'fatal: no main.cf' >&2; exit 69")
    with pytest.raises(QueueUnreadable, match=r"^postqueue failed: fatal: no main.cf$"):
        listing(None)


def test_a_failure_without_words_is_told_too(programs: Path) -> None:
    _program(programs, "postqueue", "exit 69")
    with pytest.raises(QueueUnreadable, match=r"did not say why"):
        listing(None)


def test_a_missing_program_is_named(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(QueueUnreadable, match=r"^The program postqueue is not on this host"):
        listing(None)


def test_a_program_that_cannot_be_run_is_told(programs: Path) -> None:
    (programs / "postqueue").write_bytes(b"\x7fnothing")
    (programs / "postqueue").chmod(0o700)
    with pytest.raises(QueueUnreadable, match=r"^postqueue cannot be run: "):
        listing(None)


def test_a_queue_that_does_not_answer_is_not_waited_for_for_ever(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postqueue, "PATIENCE", 0.1)
    _program(programs, "postqueue", "exec sleep 60")
    with pytest.raises(QueueUnreadable, match=r"did not answer within"):
        listing(None)


def _timeout(programs: Path, raw: str, *, expanded: str = "", special: str = "") -> int:
    choices = f"*-P*) printf '%s' '{special}';; *-x*) echo '{expanded or raw}';; *) echo '{raw}';;"
    _program(programs, "postconf", f'case "$*" in {choices} esac')
    return smtpd_timeout(None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("60", 60),
        ("60s", 60),
        ("5m", 300),
        ("1h", 3600),
        ("1d", 86400),
        ("1w", 604800),
        ("${stress?{10}:{300}}s", 300),
        ("${stress?{90s}:{1m}}", 90),
        ("${stress?10:60}s", 60),
    ],
)
def test_the_longest_time_counts_in_any_unit(programs: Path, value: str, seconds: int) -> None:
    assert _timeout(programs, value) == seconds


def test_a_value_that_names_another_setting_is_asked_for_expanded(programs: Path) -> None:
    assert _timeout(programs, "$my_timeout", expanded="90s") == 90


def test_a_service_with_a_longer_time_of_its_own_counts(programs: Path) -> None:
    special = "127.0.0.1:2525/inet/smtpd_timeout = ${stress?{10}:{600}}s\n"
    assert _timeout(programs, "60s", special=special) == 600


@pytest.mark.parametrize("value", ["", "soon", "60 s", "-1"])
def test_what_is_no_time_is_not_guessed_at(programs: Path, value: str) -> None:
    with pytest.raises(QueueUnreadable, match=r"not a time"):
        _timeout(programs, value)
