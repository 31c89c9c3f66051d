"""Reading the operator's SMTP URL."""

import pytest

from picketline.mail.smtp import Route, RouteError, Security, Timeouts, parse_route

LOCAL = Timeouts(after_dot=60.0)


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("smtp://127.0.0.1:2525", Route("127.0.0.1", 2525, Security.NONE, timeouts=LOCAL)),
        ("smtp://localhost", Route("localhost", 25, Security.NONE, timeouts=LOCAL)),
        ("smtp://[::1]:26/", Route("::1", 26, Security.NONE, timeouts=LOCAL)),
        ("smtp://mx.example", Route("mx.example", 25, Security.STARTTLS)),
        ("smtp://[2001:db8::1]", Route("2001:db8::1", 25, Security.STARTTLS)),
        ("smtps://mx.example", Route("mx.example", 465, Security.TLS)),
        ("smtps://mx.example?security=tls", Route("mx.example", 465, Security.TLS)),
        ("smtp://mx.example?security=none", Route("mx.example", 25, Security.NONE)),
        (
            "smtp://us%40er:p%3Ass@127.0.0.1",
            Route("127.0.0.1", 587, Security.STARTTLS, "us@er", "p:ss", timeouts=LOCAL),
        ),
        (
            "smtps://u:p@mx.example:465?ca=/etc/ca.pem&ehlo=mail.example",
            Route("mx.example", 465, Security.TLS, "u", "p", "mail.example", "/etc/ca.pem"),
        ),
    ],
)
def test_a_url_is_read(url: str, route: Route) -> None:
    assert parse_route(url) == route


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mx.example:25",
        "http://mx.example",
        "smtp://",
        "smtp://mx.example/inbox",
        "smtp://mx.example#x",
        "smtp://mx .example",
        "smtp://mx.example\r\n",
        "smtp://mx..example",
        "smtp://почта.example",
        "smtp://[mx",
        "smtp://[zz::1]",
        "smtp://mx.example:0",
        "smtp://mx.example:99999",
        "smtp://mx.example:smtp",
        "smtp://user@mx.example",
        "smtp://:secret@mx.example",
        "smtp://us%00er:secret@mx.example",
        "smtp://user:secret@mx.example?security=none",
        "smtp://user:secret@127.0.0.1?security=none",
        "smtp://mx.example?security=tls",
        "smtp://mx.example?security=maybe",
        "smtp://mx.example?security=none&security=starttls",
        "smtps://mx.example?security=none",
        "smtps://mx.example?security=starttls",
        "smtp://mx.example?ca=",
        "smtp://mx.example?timeout=3",
        "smtp://mx.example?ehlo=a%0d%0ab",
    ],
)
def test_a_url_that_makes_no_sense_or_is_unsafe_is_refused(url: str) -> None:
    with pytest.raises(RouteError):
        parse_route(url)


@pytest.mark.parametrize(
    "url", ["smtp://u:secret@mx.example?security=none", "smtp://u:secret@mx.example:x"]
)
def test_no_error_repeats_the_password(url: str) -> None:
    with pytest.raises(RouteError) as refused:
        parse_route(url)
    assert "secret" not in str(refused.value)


def test_a_route_is_shown_without_its_password() -> None:
    assert "secret" not in repr(parse_route("smtps://user:secret@mx.example"))


def test_half_a_login_is_refused() -> None:
    with pytest.raises(RouteError):
        Route("mx.example", 25, Security.TLS, username="user")
