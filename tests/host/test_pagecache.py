"""The page cache, asked as a web server asks it, and once behind a real one."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from tests.host.granians import granian, talk

from picketline.host.pagecache import GRACE, cached

PUBLIC = ("Cache-Control", "public, max-age=60")
HTML = ("Content-Type", "text/html; charset=utf-8")


class Site:
    """An application whose page says how often it was made, and from what."""

    def __init__(self, *headers, status="200 OK"):
        self.status, self.headers = status, [HTML, *(headers or [PUBLIC])]
        self.seen = []
        self.now = 0.0
        self.door = threading.Event()
        self.door.set()
        self.at_door = threading.Event()
        self.app = cached(self.answer, seconds=1, entries=3, clock=lambda: self.now)

    def answer(self, environ, start):
        """Counts, waits at the door, answers with the count."""
        self.seen.append(environ)
        body = b"made %d" % len(self.seen)
        self.at_door.set()
        assert self.door.wait(20)
        start(self.status, self.headers)
        return [body]

    def get(self, path="/page", **changes):
        """The body for this path; ``changes`` go into the environment."""
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "HTTP_HOST": "site.example",
            "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(),
        }
        said = []
        pieces = self.app(environ | changes, lambda status, headers: said.append(headers))
        self.answered = dict(said[-1])
        return b"".join(pieces).decode()

    def warm(self, path="/page"):
        """Two requests: the first teaches that the page may be held, the second holds it."""
        self.get(path)
        return self.get(path)


def test_a_public_page_is_made_once_a_second():
    site = Site()
    assert [site.get() for _ in range(4)] == ["made 1", "made 2", "made 2", "made 2"]
    site.now = 1.0
    assert site.get() == "made 3"


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Nothing", "said")],
        [("Cache-Control", "no-store")],
        [("Cache-Control", "max-age=60")],
        [("Cache-Control", "public")],
        [("Cache-Control", "public, max-age=0")],
        [("Cache-Control", "public, max-age=60, private")],
        [PUBLIC, ("Cache-Control", "no-store")],
        [PUBLIC, ("Set-Cookie", "a=b")],
        [PUBLIC, ("Vary", "Cookie")],
        [PUBLIC, ("Vary", "Accept-Encoding, Accept-Language")],
        [PUBLIC, ("Vary", "*")],
        [PUBLIC, ("Content-Encoding", "gzip")],
    ],
)
def test_what_is_not_plainly_the_same_for_everybody_is_never_held(headers):
    site = Site(*headers)
    assert [site.get() for _ in range(3)] == ["made 1", "made 2", "made 3"]


@pytest.mark.parametrize("status", ["404 Not Found", "302 Found", "500 Internal Server Error"])
def test_only_pages_that_were_found_are_held(status):
    site = Site(status=status)
    assert [site.get() for _ in range(3)] == ["made 1", "made 2", "made 3"]


def test_files_are_left_to_who_serves_them():
    site = Site()
    site.headers = [("Content-Type", "text/css"), PUBLIC]
    assert [site.get() for _ in range(3)] == ["made 1", "made 2", "made 3"]


def test_a_page_that_varies_by_encoding_only_is_held():
    site = Site(PUBLIC, ("Vary", "Accept-Encoding"))
    assert site.warm() == site.get()


@pytest.mark.parametrize(
    "changes",
    [
        {"QUERY_STRING": "x=1"},
        {"HTTP_COOKIE": "a=b"},
        {"HTTP_HOST": "SITE.example"},
        {"HTTP_HOST": "site.example.:8443"},
        {"HTTP_AUTHORIZATION": "Basic eDp5"},
        {"HTTP_CACHE_CONTROL": "no-cache"},
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"HTTP_X_ORIGINAL_URL": "/other"},
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "POST"},
    ],
)
def test_nobody_gets_past_a_held_page(changes):
    site = Site()
    held = site.warm()
    assert site.get(**changes) == held


def test_what_is_held_was_made_from_nothing_a_visitor_sent():
    site = Site()
    sent = {
        "QUERY_STRING": "name=evil",
        "HTTP_COOKIE": "evil",
        "HTTP_ACCEPT_LANGUAGE": "evil",
        "HTTP_X_FORWARDED_HOST": "evil",
        "REMOTE_ADDR": "evil",
        "CONTENT_TYPE": "evil",
        "wsgi.input": BytesIO(b"evil"),
    }
    site.get(**sent)
    site.get(**sent)
    made_from = site.seen[-1]
    assert made_from.pop("wsgi.input").read() == b""
    assert "evil" not in str(made_from)
    assert (made_from["REQUEST_METHOD"], made_from["HTTP_HOST"]) == ("GET", "site.example")


def test_hosts_schemes_and_paths_have_pages_of_their_own():
    site = Site()
    held = site.warm()
    others = [{"HTTP_HOST": "b.example"}, {"wsgi.url_scheme": "http"}, {"PATH_INFO": "/other"}]
    assert held not in [site.get(**other) for other in others]


def test_forms_always_reach_the_application():
    site = Site()
    site.warm()
    assert site.get(REQUEST_METHOD="POST") == "made 3"


def test_the_first_visitor_of_an_address_is_answered_as_they_asked():
    site = Site()
    site.get(QUERY_STRING="q=1")
    assert site.seen[0]["QUERY_STRING"] == "q=1"


def test_head_says_what_get_says_without_the_body():
    site = Site(PUBLIC, ("Content-Length", "6"))
    site.warm()
    assert site.get(REQUEST_METHOD="HEAD") == ""
    assert site.answered["Content-Length"] == "6"
    assert len(site.seen) == 2


def test_a_page_that_may_no_longer_be_held_is_forgotten_at_once():
    site = Site()
    site.warm()
    site.now, site.headers = 1.0, [HTML, ("Cache-Control", "no-store")]
    site.get(HTTP_COOKIE="mine")
    assert site.seen[-1]["HTTP_COOKIE"] == "mine"
    made = len(site.seen)
    site.get()
    assert len(site.seen) == made + 1


def test_the_pages_renewed_longest_ago_make_room():
    site = Site()
    for path in ("/1", "/2", "/3", "/4"):
        site.warm(path)
    made = len(site.seen)
    for path in ("/2", "/3", "/4"):
        site.get(path)
    assert len(site.seen) == made
    site.get("/1")
    assert len(site.seen) == made + 1


def test_others_get_the_old_page_while_one_renews_it():
    site = Site()
    old = site.warm()
    site.now = 1.0
    site.door.clear()
    site.at_door.clear()
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(site.get)
        assert site.at_door.wait(20)
        assert site.get() == old
        site.door.set()
        assert renewing.result(20) == "made 3"
    assert len(site.seen) == 3


def test_a_page_older_than_the_grace_is_shown_to_nobody():
    site = Site()
    old = site.warm()
    site.now = 1.0 + GRACE
    site.door.clear()
    site.at_door.clear()
    with ThreadPoolExecutor(6) as pool:
        crowd = [pool.submit(site.get) for _ in range(6)]
        assert site.at_door.wait(20)
        site.door.set()
        assert {visitor.result(20) for visitor in crowd} == {"made 3"} != {old}


def test_a_renewal_that_fails_harms_only_its_own_visitor():
    site = Site()
    site.warm()
    site.now, status = 1.0, site.status
    site.status = None
    with pytest.raises(AttributeError):
        site.get()
    site.status = status
    assert site.get() == "made 4"


def test_behind_a_web_server_a_page_is_made_once_for_many(tmp_path):
    request = b"GET /page?%d HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n"
    with granian(tmp_path) as port:
        talk(port, request % 0)
        answers = [talk(port, request % number) for number in range(1, 6)]
        made = {json.loads(answer.partition(b"\r\n\r\n")[2])["call"] for answer in answers}
    assert made == {2}
