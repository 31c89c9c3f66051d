"""Messages as bytes: what was meant is what arrives."""

import re
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mail.mails import (
    ARABIC,
    ENGLISH,
    KAZAKH,
    MAIL,
    RUSSIAN,
    mailbox_of,
    names_in,
    parsed,
    text_of,
)

from picketline.mail.compose import HEADER_NAMES, compose


def test_a_plain_letter_is_readable_as_it_stands() -> None:
    assert compose(MAIL) == (
        b"Date: Sat, 17 Dec 2011 10:00:00 +0000\r\n"
        b"From: Maria <campaign@letters.example>\r\n"
        b"To: The Director <director@company.example>\r\n"
        b"Subject: Free the prisoners\r\n"
        b"Message-ID: <0123abcd@letters.example>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Language: en\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"Dear Director,\r\n"
        b"\r\n"
        b"please.\r\n"
    )


FULL = replace(
    MAIL,
    subject=RUSSIAN,
    body=f"{KAZAKH}\n" * 40,
    language="kk",
    reply_to="r.abc@letters.example",
    automatic=True,
    html="<p>" + ARABIC + "</p>",
    unsubscribe_url="https://site.example/u/abc?x=1&y=2",
)


def test_the_same_mail_gives_the_same_bytes_for_ever() -> None:
    digest = "dbf4ea5f8ac53ca3ae9e691f328cb05ee19b56e78ecdb6329cfe68fb9864aaf8"
    assert sha256(compose(FULL)).hexdigest() == digest


def test_no_header_leaves_that_is_not_on_the_list() -> None:
    assert names_in(compose(FULL)) == [
        name for name in HEADER_NAMES if name != "Content-Transfer-Encoding"
    ]
    assert len(HEADER_NAMES) <= 14


def test_the_full_mail_says_in_its_headers_what_was_meant() -> None:
    message = parsed(compose(FULL))
    assert message["Reply-To"] == "r.abc@letters.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"].strip() == "<https://site.example/u/abc?x=1&y=2>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Content-Language"] == "kk"
    assert message["Date"].datetime == FULL.date


def test_a_mail_with_html_carries_the_same_text_beside_it() -> None:
    message = parsed(compose(FULL))
    html = message.get_body(("html",))
    assert message.get_content_type() == "multipart/alternative"
    assert text_of(message) == FULL.body
    assert html is not None
    assert html.get_content() == f"<p>{ARABIC}</p>\r\n"
    assert not message.defects


def test_two_mails_have_different_boundaries() -> None:
    other = replace(FULL, message_id="<other@letters.example>")
    assert parsed(compose(FULL)).get_boundary() != parsed(compose(other)).get_boundary()


@pytest.mark.parametrize("subject", [RUSSIAN, KAZAKH, ARABIC, ENGLISH, f"{ENGLISH} — {RUSSIAN}"])
def test_a_long_subject_is_folded_and_reads_back_the_same(subject: str) -> None:
    octets = compose(replace(MAIL, subject=subject))
    assert max(map(len, octets.split(b"\r\n"))) <= 78
    assert parsed(octets)["Subject"] == subject


def test_an_english_subject_stays_readable_when_folded() -> None:
    assert (
        b"\r\nSubject: We demand the release of all the striking oil workers and of their\r\n"
        b" lawyer, now\r\n"
    ) in compose(replace(MAIL, subject=ENGLISH))


@pytest.mark.parametrize(
    "subject",
    ["", "=?utf-8?q?x?=", "  led  by spaces ", "x" * 200, "a " * 60 + " b", "a  b"],
)
def test_an_odd_subject_reads_back_the_same(subject: str) -> None:
    octets = compose(replace(MAIL, subject=subject))
    assert max(map(len, octets.split(b"\r\n"))) <= 78
    assert parsed(octets)["Subject"] == subject


@pytest.mark.parametrize(
    "name",
    [
        "Maria",
        "Maria O'Brien",
        'J. "Joe" Smith \\ Sons, Ltd.',
        "Evil <evil@evil.example>",
        "a@b.example, c",
        "Мария Иванова",
        "Серікбай Қожахметұлы, Жаңаөзен кәсіподағы (via Picketline)",
        "اتحاد النقابات العمالية المستقلة",
        "x" * 100,
        "N" + "é" * 60,
        "=?utf-8?q?a=40b?=",
        " spaced ",
        "",
    ],
)
def test_a_name_never_reaches_into_the_address(name: str) -> None:
    octets = compose(replace(MAIL, from_name=name, to_name=name))
    message = parsed(octets)
    assert mailbox_of(message, "From") == (name, "campaign@letters.example")
    assert mailbox_of(message, "To") == (name, "director@company.example")
    assert b"campaign@letters.example" in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 78


SAFE = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])
    | st.sampled_from("\u200d\u200f"),
    max_size=120,
)
LINES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from(".\nF\t =\r"), max_size=300
)


@given(name=SAFE, subject=SAFE, body=LINES, html=st.none() | LINES)
def test_what_was_meant_is_what_arrives(
    name: str, subject: str, body: str, html: str | None
) -> None:
    octets = compose(replace(MAIL, from_name=name, subject=subject, body=body, html=html))
    names = names_in(octets)
    message = parsed(octets)
    assert names == [key for key in HEADER_NAMES if key in names]
    assert [names.count(name) for name in ("From", "To", "Subject")] == [1, 1, 1]
    assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
    assert octets.isascii()
    assert octets.endswith(b"\r\n")
    assert max(map(len, octets.split(b"\r\n"))) <= 78
    assert not re.search(rb"^(\.|From )", octets, re.MULTILINE)
    assert message["Subject"] == subject
    assert mailbox_of(message, "From") == (name, "campaign@letters.example")
    unix = body.replace("\r\n", "\n").replace("\r", "\n")
    assert text_of(message) == unix.removesuffix("\n") + "\n"
