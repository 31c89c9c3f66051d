"""Whatever a target answers, what is passed on is text that does nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from quopri import encodestring
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.mail.incoming import findings, inert_text

CLICKABLE = re.compile(
    r"(?:https?|ftp|mailto|javascript|tel|cid|file|magnet|xmpp):|://|www\.|\w\.[^\W\d_]{2}", re.I
)
TAG = re.compile(r"<[a-zA-Z/!?]")

LINKS = {
    "a tracking link": "https://track.target.example/open?id=7f3a",
    "a link in capitals": "HTTP://TRACK.TARGET.EXAMPLE/",
    "a link without scheme": "www.target.example/x",
    "a domain alone": "target.example",
    "a domain in another script": "пример.испытание/вход",
    "a domain in punycode": "xn--e1afmkfd.xn--80akhbyknj4f",
    "a link to an address of numbers": "http://192.0.2.1:8080/x",
    "a link with a name in it": "https://anna:secret@target.example/",
    "a mail link": "mailto:boss@target.example?subject=x",
    "a mail address": "boss@target.example",
    "a link by ftp": "ftp://files.target.example/x.exe",
    "a script": "javascript:fetch('//target.example')",
    "a link split by a hidden space": "ht\u200btps://tar\u00adget.exam\u2060ple/x",
    "a link with a dot of another width": "https://target．example／x",
    "a link with slashes of another width": "https:／／target.example",
    "a link with backslashes": "https:\\\\target.example\\x",
    "a link turned around": "\u202eelpmaxe.tegrat//:sptth\u202c",
    "a link in a terminal's command": "\x1b]8;;https://target.example\x07click\x1b]8;;\x07",
    "colours of a terminal": "\x1b[31;1mred\x1b[0m \x9b2J https://target.example",
    "a picture": '<img src="https://target.example/p.gif" width=1 height=1>',
    "a picture from inside": '<img src="cid:logo@target.example">',
    "a link with another text": '<a href="https://evil.example/x">https://bank.example</a>',
    "a form": '<form action="https://target.example"><input type=submit></form>',
    "a style that fetches": "<style>@import url(https://target.example/a.css)</style>",
    "a script that runs": "<script src='https://target.example/x.js'>fetch('a.example')</script>",
    "a tag cut in two": "<scr<script>ipt>alert(document.cookie)</scr</script>ipt>",
    "a tag never closed": '<img src="https://target.example/p.gif" ',
    "a tag as entities": "&lt;img src=https://target.example/p.gif&gt;",
    "a link as entities": "&#104;ttps&#58;//target&#46;example/&#x202e;",
    "a frame": "<iframe srcdoc=\"<img src='https://target.example'>\"></iframe>",
    "a comment for one mail program": "<!--[if mso]><img src=https://target.example><![endif]-->",
    "a picture among letters": "<svg><image href='https://target.example/x'/></svg>",
    "a refresh": '<meta http-equiv=refresh content="0;url=https://target.example">',
    "a link in markdown": "[press here](https://target.example) ![](//target.example/p.gif)",
    "a link in angle brackets": "<https://target.example/x>",
    "controls and joiners": "a\x00b\x07c\u200d\u2066d\ufeff\U000e0041 target.example",
}


def in_plain(text: str) -> bytes:
    return b"Content-Type: text/plain; charset=utf-8\r\n\r\nBefore " + text.encode() + b" after\r\n"


def in_html(text: str) -> bytes:
    page = f"<html><body><p>Before {text} after</p></body></html>".encode()
    kind = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return kind + b64encode(page)


def in_quoted_printable_html(text: str) -> bytes:
    page = encodestring(f"<div>Before <b>{text}</b></div>".encode())
    kind = b"Content-Type: text/html; charset=utf-8\r\n"
    return kind + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + page


def in_parts(text: str) -> bytes:
    parts = (in_plain(""), in_html(text), in_plain(text))
    return b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"".join(
        b"--x\r\n" + part + b"\r\n" for part in parts
    )


def read(body: bytes) -> str:
    raw = b"From: a@works.example\r\nTo: r@reply.example\r\nMIME-Version: 1.0\r\n" + body
    return findings.report_on(raw, verify=False, nameservers=()).text


def assert_inert(text: str) -> None:
    assert not CLICKABLE.search(text)
    assert not TAG.search(text)
    assert {category(c) for c in text if c != "\n"}.isdisjoint({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


@pytest.mark.parametrize("wrapped", [in_plain, in_html, in_quoted_printable_html, in_parts])
@pytest.mark.parametrize("name", LINKS)
def test_a_hostile_reply_becomes_inert(name: str, wrapped: type[in_plain]) -> None:
    text = read(wrapped(LINKS[name]))
    assert text.startswith("Before")
    assert_inert(text)


@given(st.text())
def test_any_text_becomes_inert(text: str) -> None:
    assert_inert(inert_text.defanged(inert_text.clean(text)))


@given(st.text(alphabet="<>a/!-='\" &#x;\n:.@htps", max_size=300))
def test_any_markup_becomes_inert(markup: str) -> None:
    assert_inert(read(b"Content-Type: text/html\r\n\r\n" + markup.encode()))


def test_a_link_can_still_be_read() -> None:
    assert inert_text.defanged("See https://example.org/a.") == "See https[:]//example[.]org/a."


def test_ordinary_prose_stays_as_it_is() -> None:
    prose = "Dear Ann,\n\nwe paid 3.50 at 10:30, z. B. to the U.S.A.; 2 < 3 and so on...\n\nB. Boss"
    assert inert_text.defanged(inert_text.clean(prose)) == prose


@pytest.mark.parametrize("text", ["می‌خواهم", "क्‍ष", "Қазақстан", "مرحبا", "Łódź"])
def test_the_spelling_of_other_scripts_is_kept(text: str) -> None:
    assert inert_text.clean(text) == text


def test_a_letter_keeps_four_marks_at_most() -> None:
    assert inert_text.clean("x" + "\u0316" * 90 + "y") == "x" + "\u0316" * 4 + "y"


def test_a_line_is_one_line() -> None:
    assert inert_text.line(" a\r\n b\tc\u2028d" + "x" * 99, 8) == "a b c dx"


ALIAS = "r." + "a2b3c4d5e6f7g2h3i4j5k6l7mn"


@pytest.mark.parametrize(
    "private",
    [
        f"{ALIAS}@reply.example",
        f"<{ALIAS.upper()}@Reply.Example>",
        f"b{ALIAS[1:]}@letters.example",
        f"({ALIAS})",
        "https://site.example/en/copies/abcdefgh234567/not-mine/",
        "https://site.example/en/confirm/abcdefgh234567/",
        "https://site.example/en/letters/abcdefgh234567/withdraw/",
        "https://wrap.example/?u=https%3A%2F%2Fsite.example%2Fconfirm%2Fabcdefgh234567%2F",
        "https://wrap.example/?u=https%253A%252F%252Fsite.example%252Fconfirm%252Fabcdefgh2345",
        "https://other.example/the-token",
    ],
)
def test_our_own_private_addresses_are_taken_out(private: str) -> None:
    text = f"You wrote {private} yesterday."
    for given_text in (text, inert_text.defanged(text)):
        left = inert_text.without(given_text, ["The-Token"])
        assert left == f"You wrote {inert_text.REMOVED} yesterday."


def test_what_is_not_ours_stays() -> None:
    text = "The letters/pages of r.smith@works[.]example: we confirm/deny nothing.\n\nBye"
    assert inert_text.without(text, [""]) == text
