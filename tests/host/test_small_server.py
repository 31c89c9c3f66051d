"""The small server for monitoring: it answers what it has, briefly, and refuses the rest."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from picketline.host import small_server
from picketline.host.small_server import Answer, SmallServer


@pytest.fixture
def server() -> Iterator[SmallServer]:
    def broken() -> Answer:
        raise ValueError

    pages = {
        "/good": lambda: Answer(b"well"),
        "/bad": lambda: Answer(b"{}", "application/json", 503),
        "/broken": broken,
    }
    with SmallServer("127.0.0.1", 0, pages) as running:
        yield running


def _ask(server: SmallServer, method: str, path: str) -> tuple[int, str, bytes, str | None]:
    asking = HTTPConnection("127.0.0.1", server.port, timeout=10)
    asking.request(method, path)
    answer = asking.getresponse()
    told = answer.status, answer.getheader("Content-Type") or "", answer.read()
    asking.close()
    return *told, answer.getheader("Content-Length")


def test_pages_are_answered_and_a_query_does_not_matter(server: SmallServer) -> None:
    assert _ask(server, "GET", "/good?x=1") == (200, "text/plain; charset=utf-8", b"well", "4")
    assert _ask(server, "GET", "/bad") == (503, "application/json", b"{}", "2")


def test_head_has_no_body(server: SmallServer) -> None:
    assert _ask(server, "HEAD", "/good") == (200, "text/plain; charset=utf-8", b"", "4")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/goods", 404), ("POST", "/good", 501)],
)
def test_everything_else_is_refused(
    method: str, path: str, status: int, server: SmallServer
) -> None:
    assert _ask(server, method, path)[0] == status


def test_a_page_that_fails_breaks_off_and_the_others_go_on(
    server: SmallServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConnectionError):
        _ask(server, "GET", "/broken")
    assert _ask(server, "GET", "/good")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_who_comes_when_there_is_no_room_is_turned_away(server: SmallServer) -> None:
    held = []
    for _ in range(small_server.AT_ONCE):
        held.append(socket.create_connection(("127.0.0.1", server.port)))
        held[-1].sendall(b"GET /good HTTP/1.0\r\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as late:
        assert late.recv(1) == b""
    for each in held:
        each.sendall(b"\r\n")
        assert each.recv(12) == b"HTTP/1.0 200"
        each.close()


def test_it_listens_on_the_other_loopback_too() -> None:
    with SmallServer("::1", 0, {"/good": lambda: Answer(b"well")}) as server:
        asking = HTTPConnection("::1", server.port, timeout=10)
        asking.request("GET", "/good")
        assert asking.getresponse().read() == b"well"
        asking.close()
