"""The clock: who is how far off, by the database or by a time server."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from picketline.mail.domain_check import clock
from picketline.mail.domain_check.findings import Level

_NOW = 1_800_000_000.0
_SINCE_1900 = 2_208_988_800
Answer = Callable[[bytes], bytes]


@contextmanager
def _time_server(answer: Answer) -> Iterator[int]:
    """Answers one question; yields its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        wire.settimeout(10)

        def once() -> None:
            octets, peer = wire.recvfrom(1024)
            wire.sendto(answer(octets), peer)

        thread = threading.Thread(target=once)
        thread.start()
        yield wire.getsockname()[1]
        thread.join(10)


def _answer(at: float, *, mode: int = 4, stratum: int = 2) -> Answer:
    """What a server says whose clock stands at `at` seconds since 1970."""

    def said(question: bytes) -> bytes:
        whole = int(at) + _SINCE_1900
        stamp = struct.pack("!II", whole & 0xFFFF_FFFF, int((at % 1) * 2**32))
        head = struct.pack("!BBBb", 4 << 3 | mode, stratum, 0, 0)
        return head + bytes(20) + question[40:48] + stamp + stamp

    return said


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [
        (0.2, Level.OK, "agrees"),
        (-5.0, Level.OK, "agrees"),
        (7.4, Level.WARNING, "7 seconds ahead of it"),
        (-60.0, Level.WARNING, "60 seconds behind it"),
        (61.0, Level.FAULT, "61 seconds ahead of it"),
        (-3600.0, Level.FAULT, "3600 seconds behind it"),
    ],
)
def test_the_further_off_the_graver(ahead: float, level: Level, words: str) -> None:
    found = clock.drift("the database server", ahead)
    assert found.level is level
    assert words in found.what


@pytest.mark.parametrize(
    ("server_time", "level", "words"),
    [
        (_NOW + 0.5, Level.OK, "agrees"),
        (_NOW - 30.25, Level.WARNING, "30 seconds ahead"),
        (_NOW + 90.5, Level.FAULT, "90 seconds behind"),
        (_NOW + 10 * 365 * 86_400, Level.FAULT, "seconds behind"),  # the era after 2036
    ],
)
def test_a_time_server_says_how_far_off_the_clock_is(
    monkeypatch: pytest.MonkeyPatch, server_time: float, level: Level, words: str
) -> None:
    monkeypatch.setattr(clock, "time", lambda: _NOW)
    with _time_server(_answer(server_time)) as port:
        found = clock.by_time_server("127.0.0.1", port=port)
    assert found.level is level
    assert words in found.what


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda question: b"short", "too short"),
        (_answer(_NOW, mode=3), "none to our question"),
        (_answer(_NOW, stratum=0), "none to our question"),
        (_answer(_NOW, stratum=16), "none to our question"),
        (lambda question: _answer(_NOW)(b"x" * 48), "none to our question"),
    ],
)
def test_an_answer_that_is_none_is_not_believed(answer: Answer, words: str) -> None:
    with _time_server(answer) as port:
        found = clock.by_time_server("127.0.0.1", port=port)
    assert found.level is Level.WARNING
    assert words in found.what


def test_a_time_server_that_says_nothing_is_a_warning() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))
        port = wire.getsockname()[1]
        found = clock.by_time_server("127.0.0.1", port=port, patience=0.1)
    assert found.level is Level.WARNING
    assert "could not be checked: timed out" in found.what
