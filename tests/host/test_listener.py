"""The listener: an answer for each recipient, none too early, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from picketline.host import listener
from picketline.host.listener import Answer, NotLoopback, Office, bind, listen

MAX, HOSTNAME = 20_000, "reply.picket.example"
RAW = b"Subject: x\r\n\r\n.dot\r\nwords\r\n"


@dataclass
class Desk:
    """What the office kept, and what it says instead where told to."""

    kept: list[tuple[str, str, bytes]] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    known: dict[str, Answer] = field(default_factory=dict)
    before_keeping: Callable[[], object] = bool
    closed: bool = False
    port: int = 0
    stop: Callable[[], object] = bool
    thread: threading.Thread = field(default_factory=threading.Thread)

    def knows(self, recipient: str, _sender: str) -> Answer:
        """Whether an address is known, as scripted."""
        return self.known.get(recipient, Answer.KEPT)

    def keep(self, recipient: str, sender: str, raw: bytes) -> Answer:
        """Keep a message, or not, as scripted."""
        self.before_keeping()
        answer = self.answers.get(recipient, Answer.KEPT)
        if answer is Answer.KEPT:
            self.kept.append((recipient, sender, raw))
        return answer

    def close(self) -> None:
        """Go home."""
        self.closed = True


@contextmanager
def _listening(*, lmtp: bool = True, **desk: object) -> Iterator[Desk]:
    office = Desk(**desk)  # type: ignore[arg-type]
    sock = bind("127.0.0.1", 0)
    office.port = sock.getsockname()[1]
    ready = threading.Event()

    async def run() -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        office.stop = lambda: loop.call_soon_threadsafe(told.set)
        ready.set()
        behind = Office(office.knows, office.keep, office.close, HOSTNAME, MAX)
        await listen(behind, sock, told, lmtp=lmtp)

    office.thread = threading.Thread(target=lambda: asyncio.run(run()))
    office.thread.start()
    ready.wait()
    try:
        yield office
    finally:
        with suppress(RuntimeError):
            office.stop()
        office.thread.join()


@contextmanager
def _talking(desk: Desk) -> Iterator[Callable[..., bytes]]:
    """Says a line (or many) and returns what was answered, up to ``lines`` lines."""
    with (
        socket.create_connection(("127.0.0.1", desk.port), timeout=20) as connection,
        connection.makefile("rb") as answers,
    ):

        def say(text: bytes = b"", lines: int = 1) -> bytes:
            connection.sendall(text)
            return b"".join(answers.readline() for _ in range(lines))

        yield say


def _begun(say: Callable[..., bytes], *recipients: str) -> list[bytes]:
    """LMTP up to the last RCPT; the answers to each."""
    say()
    say(b"LHLO mx.example\r\n", 5)
    say(b"MAIL FROM:<>\r\n")
    return [say(b"RCPT TO:<%b>\r\n" % each.encode()) for each in recipients]


def test_lmtp_gives_each_recipient_an_answer_of_its_own() -> None:
    answers = {"b@x.example": Answer.LATER, "c@x.example": Answer.TOO_LARGE}
    known = {"n@x.example": Answer.UNKNOWN}
    with _listening(answers=answers, known=known) as desk, _talking(desk) as say:
        said = _begun(say, "a@x.example", "n@x.example", "b@x.example", "c@x.example")
        assert [each[:3] for each in said] == [b"250", b"550", b"250", b"250"]
        assert say(b"DATA\r\n")[:3] == b"354"
        final = say(RAW.replace(b"\r\n.", b"\r\n..") + b".\r\n", 3)
    assert [line[:9] for line in final.splitlines()] == [b"250 2.0.0", b"451 4.3.0", b"552 5.3.4"]
    assert desk.kept == [("a@x.example", "", RAW)]


def test_a_message_that_lmtp_refuses_by_its_size_is_refused_to_all_its_recipients() -> None:
    with _listening() as desk, _talking(desk) as say:
        _begun(say, "a@x.example", "b@x.example")
        say(b"DATA\r\n")
        said = say((b"x" * 70 + b"\r\n") * (MAX // 70 + 1) + b".\r\n", 2)
        assert [line[:3] for line in said.splitlines()] == [b"552", b"552"]
        assert say(b"NOOP\r\n")[:3] == b"250"
        assert say(b"MAIL FROM:<a@x.example> SIZE=99999\r\n")[:3] == b"552"
    assert desk.kept == []


def test_a_line_may_be_as_long_as_a_message() -> None:
    with _listening() as desk, _talking(desk) as say:
        _begun(say, "a@x.example")
        say(b"DATA\r\n")
        assert say(b"x" * (MAX - 10) + b"\r\n.\r\n")[:3] == b"250"
    assert len(desk.kept[0][2]) == MAX - 8


def test_nothing_tells_the_machines_name() -> None:
    with _listening() as desk, _talking(desk) as say:
        said = say() + say(b"LHLO mx.example\r\n", 5)
    assert said.startswith(b"220 reply.picket.example LMTP\r\n")
    assert b"250-SIZE 20000" in said
    assert socket.gethostname().encode() not in said.replace(b"reply.picket.example", b"")
    assert b"aiosmtpd" not in said.lower()
    assert b"STARTTLS" not in said
    assert b"AUTH" not in said


@pytest.mark.parametrize(
    ("answer", "code"),
    [(Answer.LATER, 451), (Answer.TOO_LARGE, 552), (Answer.UNKNOWN, 250)],
)
def test_smtp_answers_for_all_recipients_so_that_nothing_is_lost(answer: Answer, code: int) -> None:
    with (
        _listening(lmtp=False, answers={"b@x.example": answer}) as desk,
        smtplib.SMTP("127.0.0.1", desk.port, "mx.example", timeout=20) as client,
    ):
        client.ehlo()
        client.mail("")
        assert client.rcpt("a@x.example")[0] == client.rcpt("b@x.example")[0] == 250
        assert client.data(RAW)[0] == code
    assert [recipient for recipient, _, _ in desk.kept] == ["a@x.example"]


def test_smtp_says_no_where_nobody_is_left() -> None:
    with (
        _listening(lmtp=False, answers={"a@x.example": Answer.UNKNOWN}) as desk,
        smtplib.SMTP("127.0.0.1", desk.port, "mx.example", timeout=20) as client,
        pytest.raises(smtplib.SMTPDataError, match="550"),
    ):
        client.sendmail("x@y.example", "a@x.example", RAW)


def test_too_many_recipients_come_again_in_another_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listener, "MAX_RECIPIENTS", 2)
    with _listening() as desk, _talking(desk) as say:
        said = _begun(say, "a@x.example", "b@x.example", "c@x.example")
    assert [each[:3] for each in said] == [b"250", b"250", b"452"]


def test_too_many_connections_are_asked_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 1)
    with _listening() as desk, _talking(desk) as first:
        assert first()[:3] == b"220"
        with _talking(desk) as second:
            assert second()[:3] == b"421"
            assert second() == b""
        with _talking(desk) as third:
            third()
            with suppress(ConnectionError):
                third(b"LHLO x\r\n")
        assert first(b"LHLO x\r\n")[:3] == b"250"


def test_who_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "IDLE_SECONDS", 0.1)
    with _listening() as desk, _talking(desk) as say:
        say()
        assert say() == b""


def test_the_end_waits_for_a_message_that_is_being_kept() -> None:
    with _listening() as desk, _talking(desk) as say, _talking(desk) as idle:
        idle()
        _begun(say, "a@x.example")
        say(b"DATA\r\n")
        desk.before_keeping = desk.stop
        assert say(RAW + b".\r\n")[:3] == b"250"
        assert say()[:3] == b"421"
        assert idle()[:3] == b"421"
        desk.thread.join()
    assert len(desk.kept) == 1
    assert desk.closed


def test_the_end_waits_for_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "DRAIN_SECONDS", 0.0)
    with _listening() as desk, _talking(desk) as say:
        _begun(say, "a@x.example")
        say(b"DATA\r\nSubject: half a mess")
        desk.stop()
        desk.thread.join()
        with suppress(ConnectionError):
            assert say() == b""
    assert desk.kept == []


def test_a_sender_that_breaks_off_before_the_dot_has_given_us_nothing() -> None:
    with _listening() as desk:
        with _talking(desk) as say:
            _begun(say, "a@x.example")
            say(b"DATA\r\nSubject: half a mess")
        with _talking(desk) as say:
            assert _begun(say, "a@x.example")[0][:3] == b"250"
    assert desk.kept == []


def test_a_fault_in_the_dialogue_means_later() -> None:
    with _listening(known=_Failing()) as desk, _talking(desk) as say:
        (said,) = _begun(say, "a@x.example")
    assert said[:3] == b"451"


class _Failing(dict[str, Answer]):
    """A database that is away, say."""

    def get(self, *_: object) -> Answer:  # type: ignore[override]
        raise ZeroDivisionError


def test_other_machines_are_let_in_only_where_that_is_asked_for() -> None:
    with pytest.raises(NotLoopback, match="--allow-remote"):
        bind("0.0.0.0", 0)
    with bind("0.0.0.0", 0, remote=True) as listening:
        assert listening.getsockname()[1]
    with bind("::1", 0) as listening, pytest.raises(OSError, match="in use"):
        bind("::1", listening.getsockname()[1])
