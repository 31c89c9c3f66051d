"""Messages as bytes: what cannot be sent as it is."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.mail.mails import (
    MAIL,
    parsed,
    text_of,
)

from picketline.mail.compose import OutgoingMail, compose, new_message_id
from picketline.mail.headers import UnsafeMail


@pytest.mark.parametrize("field", ["subject", "from_name", "to_name"])
@pytest.mark.parametrize(
    "text",
    [
        "a\r\nBcc: x@y.example",
        "a\nb",
        "a\rb",
        "a\0b",
        "a\tb",
        "a\x1b[31m",
        "a\x85b",
        "a\u2028b",
        "a\u2029b",
        "a\u202eb",
        "a\u2066b",
        "a\ufeffb",
        "a\ud800b",
    ],
)
def test_a_control_character_in_a_header_is_refused_by_name(field: str, text: str) -> None:
    with pytest.raises(UnsafeMail, match=r"(Subject|From|To): U\+[0-9A-F]{4}"):
        compose(replace(MAIL, **{field: text}))  # type: ignore[arg-type]


ADDRESSES: list[Callable[[str], OutgoingMail]] = [
    lambda address: replace(MAIL, from_address=address),
    lambda address: replace(MAIL, to_address=address),
    lambda address: replace(MAIL, reply_to=address),
]


@pytest.mark.parametrize("with_address", ADDRESSES)
@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example\n",
        "a@b.example, c@d.example",
        "A <a@b.example>",
        "a b@c.example",
        "a@b@c.example",
        '"a"@b.example',
        "a..b@c.example",
        ".a@c.example",
        "á@c.example",
        "=?utf-8?q?a=40evil.example=3e?=@c.example",
        "a@[127.0.0.1]",
        "a" * 250 + "@b.example",
    ],
)
def test_what_is_not_one_plain_address_is_refused(
    with_address: Callable[[str], OutgoingMail], address: str
) -> None:
    with pytest.raises(UnsafeMail):
        compose(with_address(address))


@pytest.mark.parametrize(
    "broken",
    [
        replace(MAIL, message_id="no brackets@letters.example"),
        replace(MAIL, message_id="<a@b.example>\r\nBcc: c@d.example"),
        replace(MAIL, message_id="<" + "a" * 300 + "@b.example>"),
        replace(MAIL, language="en\r\nX: y"),
        replace(MAIL, language=""),
        replace(MAIL, language="en" + "-abcdefgh" * 9),
        replace(MAIL, unsubscribe_url="http://site.example/"),
        replace(MAIL, unsubscribe_url="https://site.example/>\r\nX: y"),
        replace(MAIL, date=datetime(2011, 12, 17, 10)),  # noqa: DTZ001
        replace(MAIL, date=datetime(2011, 12, 17, 10, tzinfo=timezone(timedelta(hours=5)))),
        replace(MAIL, body="a\0b"),
        replace(MAIL, body="a\x1bb"),
        replace(MAIL, body="a\ud800b"),
        replace(MAIL, html="a\x85b"),
    ],
)
def test_whatever_else_cannot_be_sent_as_it_is_is_refused(broken: OutgoingMail) -> None:
    with pytest.raises(UnsafeMail):
        compose(broken)


def test_an_error_names_the_field_and_never_its_content() -> None:
    with pytest.raises(UnsafeMail) as refused:
        compose(replace(MAIL, reply_to="secret person@b.example"))
    assert refused.value.field == "Reply-To"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        ("plain\n", "quoted-printable"),
        ("a = b \n" * 3 + "x" * 5000, "quoted-printable"),
        ("Привет\n", "base64"),
        ("a\n.\nb", "quoted-printable"),
        ("a\n.hidden\nb", "base64"),
        (".hidden\nb", "base64"),
        ("a\nFrom here on", "base64"),
        ("From here on", "base64"),
        ("", "quoted-printable"),
    ],
)
def test_the_encoding_suits_the_text_and_keeps_it_whole(body: str, encoding: str) -> None:
    octets = compose(replace(MAIL, body=body))
    message = parsed(octets)
    assert message["Content-Transfer-Encoding"] == encoding
    assert max(map(len, octets.split(b"\r\n"))) <= 78
    assert text_of(message) == body.removesuffix("\n") + "\n"


def test_a_new_message_id_is_random_and_fits_a_mail() -> None:
    first, second = new_message_id("letters.example"), new_message_id("letters.example")
    assert first != second
    assert re.fullmatch(r"<[0-9a-f]{32}@letters\.example>", first)
    assert parsed(compose(replace(MAIL, message_id=first)))["Message-ID"] == first


@pytest.mark.parametrize("domain", ["", "a b", "a..b", "a>\r\nX: y", "почта.example", "a" * 201])
def test_a_message_id_needs_a_plain_host_name(domain: str) -> None:
    with pytest.raises(UnsafeMail):
        new_message_id(domain)
