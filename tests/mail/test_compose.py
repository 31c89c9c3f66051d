"""Messages as bytes."""

import email
import email.policy
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.utils import parseaddr
from hashlib import sha256
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.mail.compose import HEADER_NAMES, OutgoingMail, compose, new_message_id
from picketline.mail.headers import UnsafeMail

MAIL = OutgoingMail(
    message_id="<0123abcd@letters.example>",
    date=datetime(2011, 12, 17, 10, tzinfo=UTC),
    from_name="Maria",
    from_address="campaign@letters.example",
    to_name="The Director",
    to_address="director@company.example",
    reply_to=None,
    subject="Free the prisoners",
    body="Dear Director,\n\nplease.\n",
    language="en",
    automatic=False,
)

RUSSIAN = "Требуем прекратить уголовное преследование бастующих нефтяников и их адвоката"
KAZAKH = "Жаңаөзен мұнайшыларының ереуілі: сот үкімін қайта қарауды талап етеміз, құрметпен"
ARABIC = "نطالب بالإفراج عن جميع العمال المضربين المعتقلين وإعادة المفصولين إلى أعمالهم فوراً"
ENGLISH = "We demand the release of all the striking oil workers and of their lawyer, now"


def parsed(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def names_in(octets: bytes) -> list[str]:
    head = octets.partition(b"\r\n\r\n")[0].decode("ascii")
    return [line.partition(":")[0] for line in head.split("\r\n") if line[0] not in " \t"]


def mailbox_of(message: EmailMessage, name: str) -> tuple[str, str]:
    """Name and address; two readers must agree on the address.

    The name by RFC 2047 alone: the newer of Python's readers puts spaces between its words.
    """
    (address,) = cast(AddressHeader, message[name]).addresses
    (raw,) = [value for key, value in message.raw_items() if key == name]
    display_name, addr_spec = parseaddr(raw.replace("\r\n", ""))
    assert addr_spec == address.addr_spec
    return str(make_header(decode_header(display_name))), addr_spec


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return cast(bytes, part.get_payload(decode=True)).decode().replace("\r\n", "\n")


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
