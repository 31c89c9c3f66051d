"""The text that is read out of a message, whatever it is made of."""

from __future__ import annotations

import pytest
from tests.mail.incoming.hostile_mails import HEAD, mixed, with_type

from picketline.mail.incoming import findings, reading
from picketline.mail.incoming.report import Report


def report(raw: bytes) -> Report:
    return findings.report_on(raw, verify=False, nameservers=())


def alternative(*parts: bytes) -> bytes:
    return mixed(*parts).replace(b"multipart/mixed", b"multipart/alternative")


def html(markup: str) -> str:
    return report(with_type(b"text/html; charset=utf-8", markup.encode())).text


PLAIN = b"Content-Type: text/plain\r\n\r\nplain"
HTML = b"Content-Type: text/html\r\n\r\n<p>rich</p>"


def test_of_two_versions_the_plain_one_is_read() -> None:
    assert report(alternative(PLAIN, HTML)).text == "plain"
    assert report(alternative(HTML, PLAIN)).text == "plain"


def test_an_empty_plain_version_is_passed_over() -> None:
    assert report(alternative(b"Content-Type: text/plain\r\n\r\n \r\n", HTML)).text == "rich"


def test_parts_are_read_in_order() -> None:
    assert report(mixed(PLAIN, HTML)).text == "plain\n\nrich"


def test_a_page_becomes_lines() -> None:
    markup = (
        "<head><title>No</title><style>p{}</style></head><body>Dear&nbsp;Ann,<br>we<b>ll</b>"
        "<p>One\n two</p><ul><li>a<li>b</ul><table><tr><td>1<td>2</tr></table>"
        "<pre>x\n y</pre><blockquote>You <i>wrote</i></blockquote>1 < 2 <!-- no --> &euro;"
    )
    assert html(markup) == (
        "Dear Ann,\nwell\nOne two\n\n- a\n- b\n\n1 2\n\nx\n y\n\n> You wrote\n1 < 2 €"
    )


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<a href="https://a.example/x">here</a>!', "here https[:]//a[.]example/x !"),
        ('<a href="https://a.example/">https://a.example</a>', "https[:]//a[.]example"),
        ("<a href='mailto:b@a.example'>b@a.example</a>", "b@a[.]example"),
        ("<a data-href=x href=http://a.example>x</a>", "x http[:]//a[.]example"),
        ('<a href="java\nscript:alert(1)">x</a>', "x"),
        ("<a name=top>x</a></a>", "x"),
        ('x <a title="a > b" href="http://a.example">y</a>', "x y http[:]//a[.]example"),
        ('x <a title="never closed href=http://a.example>y</a> z', "x y http[:]//a[.]example z"),
        ("x <a href=http://a.example", "x"),
        ("x <script>never closed", "x"),
        ("x <!-- never closed", "x"),
        ("x <!DOCTYPE y> <?php z ?> </blockquote>", "x"),
        ("x &#99999999999; &#xD800; &bogus;", "x \ufffd \ufffd &bogus;"),
        ("<object><p>x</object>y <script>a</scripty>b</SCRIPT >z", "y z"),
        ("<" * 3 + " 3", "<<< 3"),
    ],
)
def test_links_are_shown_and_broken_markup_is_survived(markup: str, text: str) -> None:
    assert html(markup) == text


@pytest.mark.parametrize(
    ("content_type", "octets", "text"),
    [
        (b"text/plain; charset=utf-8", "Қаз".encode(), "Қаз"),
        (b"text/plain; charset=koi8-r", "Да".encode("koi8-r"), "Да"),
        (b"text/plain; charset=windows-1256", "نعم".encode("cp1256"), "نعم"),
        (b"text/plain; charset=utf-16", "né".encode("utf-16"), "né"),
        (b"text/plain; charset=us-ascii", "né".encode(), "né"),
        (b"text/plain; charset=klingon", b"n\xe9", "né"),
        (b"text/plain; charset=mac-roman2", b"n\xe9", "né"),
        (b"text/plain; charset=iso-8859-99", b"n\xe9", "né"),
        (b"text/plain; charset=utf-7", b"+ADw-b+AD4-", "+ADw-b+AD4-"),
        (b"text/plain; charset=rot13", b"text", "text"),
        (b"text/plain; charset=utf-8", b"a\xc0\xbcb\xed\xa0\x80", "a\ufffd\ufffdb" + "\ufffd" * 3),
        (b"text/plain; charset*=utf-8''utf%2D8", "é".encode(), "é"),
    ],
)
def test_charsets_are_believed_where_mail_is_written_in_them(
    content_type: bytes, octets: bytes, text: str
) -> None:
    assert report(with_type(content_type, octets)).text == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (with_type(b"application/pkcs7-mime; smime-type=enveloped-data", b"0"), "[encrypted part]"),
        (
            with_type(b"application/pkcs7-mime; smime-type=signed-data", b"0"),
            "[signed part that cannot be read here]",
        ),
        (
            mixed(b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1").replace(
                b"multipart/mixed", b"multipart/encrypted"
            ),
            "[encrypted part]",
        ),
        (with_type(b"application/ms-tnef", b"x"), "[part in a format of Outlook]"),
        (
            with_type(
                b"text/plain",
                b"a\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQ-x\r\n-----END PGP MESSAGE-----\r\nb",
            ),
            "a\n[encrypted part]\nb",
        ),
        (
            with_type(b"text/plain", b"a\r\nbegin 644 x.exe\r\n#0V%T\r\n`\r\nend\r\nb"),
            "a\n[encoded part]\nb",
        ),
    ],
)
def test_what_cannot_be_read_is_named(raw: bytes, text: str) -> None:
    assert report(raw).text == text


def test_a_signed_message_is_read() -> None:
    raw = mixed(PLAIN, b"Content-Type: application/pgp-signature; name=s.asc\r\n\r\nx")
    assert report(raw.replace(b"multipart/mixed", b"multipart/signed")).text == "plain"


def test_an_embedded_message_is_not_read() -> None:
    raw = mixed(PLAIN, b"Content-Type: message/rfc822\r\n\r\n" + with_type(b"text/plain", b"old"))
    assert report(raw).text == "plain"


def test_a_long_history_is_cut() -> None:
    raw = HEAD + b"\r\nanswer\r\n" + b"> old\r\n" * 51 + b"end\r\n"
    found = report(raw)
    assert found.text.split("\n") == [
        "answer",
        *["> old"] * reading.MAX_QUOTED_LINES,
        "> […]",
        "end",
    ]
    assert found.truncated


def test_a_history_of_fifty_lines_is_kept() -> None:
    found = report(HEAD + b"\r\nanswer\r\n" + b"> old\r\n" * 50)
    assert not found.truncated
    assert found.text.count("> old") == 50


@pytest.mark.parametrize("kind", [b"text/plain", b"text/html"])
def test_a_long_text_is_cut(kind: bytes) -> None:
    for size in (reading.MAX_TEXT + 1, 400_000, 2_000_000):
        found = report(with_type(kind, b"x" * size))
        assert found.truncated
        assert len(found.text) == reading.MAX_TEXT
    assert not report(with_type(kind, b"x" * reading.MAX_TEXT)).truncated
