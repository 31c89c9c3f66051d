"""The limits on requests, behind a real web server."""

import json
import select
import socket

import pytest
from tests.host.granians import granian, hear, send, talk

HEAD = b" HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with granian(tmp_path_factory.mktemp("logs"), "--blocking-threads", "8") as found:
        yield found


def post(path, body, *headers):
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"POST " + path + HEAD + lines + b"\r\n" + body


def chunk(body):
    return b"%x\r\n" % len(body) + body + b"\r\n"


def status(answer):
    return int(answer.split(b" ", 2)[1])


def content(answer):
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def reached(port):
    return content(talk(port, b"GET /calls" + HEAD + b"\r\n"))


def test_a_form_arrives_whole(port):
    answer = talk(port, post(b"/form", b"a" * 1000, b"Content-Length: 1000"))
    assert content(answer)["body"] == "a" * 1000


def test_a_form_in_chunks_arrives_whole(port):
    body = chunk(b"a" * 400) + chunk(b"b" * 600) + b"0\r\n\r\n"
    answer = talk(port, post(b"/chunks", body, b"Transfer-Encoding: chunked"))
    assert content(answer)["body"] == "a" * 400 + "b" * 600


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_sent(port):
    answer = talk(port, post(b"/declared", b"", b"Content-Length: 1001"))
    assert status(answer) == 413
    assert b"connection: close" in answer.lower()
    assert "POST /declared" not in reached(port)


def test_a_body_in_chunks_is_refused_once_it_is_too_long(port):
    answer = talk(port, post(b"/endless", chunk(b"a" * 1001), b"Transfer-Encoding: chunked"))
    assert status(answer) == 413
    assert "POST /endless" not in reached(port)


def test_a_body_that_breaks_off_never_reaches_the_application(port):
    with send(port, post(b"/half", b"abc", b"Content-Length: 9")) as connection:
        connection.shutdown(socket.SHUT_WR)
        answer = hear(connection)
    assert answer == b"" or status(answer) == 400
    assert "POST /half" not in reached(port)


def test_compressed_bodies_are_not_unpacked(port):
    headers = (b"Content-Length: 3", b"Content-Encoding: gzip")
    assert status(talk(port, post(b"/gzip", b"abc", *headers))) == 415


@pytest.mark.parametrize("method", [b"PUT", b"DELETE", b"TRACE", b"BREW", b"PATCH"])
def test_other_methods_are_refused(port, method):
    answer = talk(port, method + b" /x" + HEAD + b"\r\n")
    assert status(answer) == 405
    assert b"allow: GET, HEAD, POST, OPTIONS" in answer


def test_a_long_address_is_refused(port):
    assert status(talk(port, b"GET /?q=" + b"a" * 8200 + HEAD + b"\r\n")) == 414


def test_long_headers_are_refused(port):
    assert status(talk(port, b"GET /" + HEAD + b"X-Long: " + b"a" * 17_000 + b"\r\n\r\n")) == 431


def test_a_body_sent_with_get_does_not_reach_the_application(port):
    answer = talk(port, b"GET /fat" + HEAD + b"Content-Length: 3\r\n\r\nabc")
    assert content(answer)["body"] == ""


def test_two_statements_of_the_length_never_smuggle_a_second_request(port):
    hidden = b"0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
    lengths = (b"Content-Length: %d" % len(hidden), b"Transfer-Encoding: chunked")
    talk(port, post(b"/two", hidden, *lengths))
    assert "GET /hidden" not in reached(port)


def test_slow_clients_hold_up_neither_pages_nor_forms_beyond_their_number(port):
    slow = [send(port, post(b"/slow", b"abc", b"Content-Length: 9")) for _ in range(6)]
    try:
        refused: list[socket.socket] = []
        while len(refused) < 3:
            refused, _, _ = select.select(slow, [], [], 20)
        assert [status(hear(connection)) for connection in refused] == [503] * 3
        assert content(talk(port, b"GET /quick" + HEAD + b"\r\n"))["body"] == ""
        first = next(connection for connection in slow if connection not in refused)
        first.sendall(b"defghi")
        assert content(hear(first))["body"] == "abcdefghi"
    finally:
        for connection in slow:
            connection.close()
