"""Attachments are listed by a name that is what it looks like, and never opened."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

import pytest
from tests.mail.incoming.hostile_mails import attached, mixed, with_type

from picketline.mail.incoming import attachments, findings
from picketline.mail.incoming.report import Attachment


def listed(raw: bytes) -> tuple[Attachment, ...]:
    return findings.report_on(raw, verify=False, nameservers=()).attachments


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Отчёт 2024.pdf", "Отчёт 2024.pdf"),
        ("annexe\u202egpj.exe", "annexegpj.exe"),
        ("photo.jpg        .exe", "photo.jpg .exe"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system32\\cmd.exe", "cmd.exe"),
        ("a/b/", "b"),
        ("．．／x", "x"),
        ("name\0.exe", "name.exe"),
        ("a\r\nX-Injected: 1.txt", "a X-Injected_ 1.txt"),
        ("<img src=x>.html", "_img src=x_.html"),
        ("$(rm -rf ~).sh", "_(rm -rf _).sh"),
        (".htaccess", "htaccess"),
        ("-rf", "rf"),
        ("con.txt", "_con.txt"),
        ("LPT1", "_LPT1"),
        ("COM¹.txt", "_COM1.txt"),
        ("...", "attachment"),
        ("", "attachment"),
        ("\u200b\u2066", "attachment"),
        ("x․exe", "x.exe"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert attachments.safe_name(name) == safe


def test_a_long_name_keeps_its_extension() -> None:
    name = attachments.safe_name("a" * 300 + ".pdf.exe")
    assert len(name) == attachments.MAX_NAME
    assert name.endswith("a….exe")
    assert attachments.safe_name("b" * 300).endswith("b…")


def test_an_attachment_is_listed_with_size_and_hash_and_is_not_read() -> None:
    content = b"MZ\x90 https://evil.example"
    raw = mixed(b"\r\nSee attached.", attached(b"gpj.exe", content, b"image/jpeg"))
    report = findings.report_on(raw, verify=False, nameservers=())
    assert report.attachments == (
        Attachment("gpj.exe", "image/jpeg", len(content), sha256(content).hexdigest()),
    )
    assert report.text == "See attached."


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        (b"42.zip", b"application/zip", b"PK\x03\x04" + b"\0" * 1000),
        (b"locked.zip", b"application/zip", b"PK\x03\x04\x14\0\x01\0"),
        (b"order.docm", b"application/vnd.ms-word.document.macroEnabled.12", b"PK\x03\x04"),
        (b"page.html", b"text/html", b"<script>alert(1)</script>"),
        (b"note.txt", b"text/plain", b"http://evil.example"),
        (b"invite.ics", b"text/calendar", b"BEGIN:VCALENDAR"),
        (b"winmail.dat", b"application/ms-tnef", b"\x78\x9f\x3e\x22"),
        (b"smime.p7m", b"application/pkcs7-mime", b"0\x80"),
    ],
)
def test_whatever_is_attached_is_held(name: bytes, kind: bytes, content: bytes) -> None:
    (found,) = listed(mixed(b"\r\nHello", attached(name, content, kind)))
    assert (found.name, found.content_type) == (name.decode(), kind.decode().lower())
    assert found.sha256_hex == sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b'attachment; filename="=?utf-8?q?r=C3=A9sum=C3=A9.pdf?="', "résumé.pdf"),
        (b"attachment; filename*=utf-8''r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        (b"attachment; filename*0*=utf-8''r%C3%A9; filename*1=sume.pdf", "résume.pdf"),
        (b"attachment; filename*=utf-7''+ADw-b+AD4-.txt", "+ADw-b+AD4-.txt"),
        (b"attachment; filename*=idna''%ff%fe.txt", "ÿþ.txt"),
        (b"attachment; filename*='%'", "attachment"),
        (b"attachment; filename*" + b"9" * 5000 + b"=x", "attachment"),
        (b"attachment; filename", "attachment"),
        ("attachment; filename=Ärger.pdf".encode(), "Ärger.pdf"),
        (b"attachment", "attachment"),
    ],
)
def test_names_are_read_in_every_spelling(field: bytes, name: str) -> None:
    part = b"Content-Disposition: " + field + b"\r\n\r\nx"
    assert [found.name for found in listed(mixed(part))] == [attachments.safe_name(name)]


def test_a_name_may_stand_with_the_type() -> None:
    assert listed(with_type(b'text/plain; name="a.txt"', b"x"))[0].name == "a.txt"


def test_a_type_that_is_none_is_not_repeated() -> None:
    kind = listed(with_type(b"appl\x1bication/<x>", b"x"))[0].content_type
    assert kind == "application/octet-stream"


def test_attachments_of_an_embedded_message_are_listed_too() -> None:
    inner = mixed(b"\r\nold text", attached(b"inner.pdf", b"x"))
    raw = mixed(b"\r\nnew text", b"Content-Type: message/rfc822\r\n\r\n" + inner, boundary=b"yyy")
    assert [found.name for found in listed(raw)] == ["inner.pdf"]


def test_a_flood_of_attachments_is_listed_in_part() -> None:
    raw = mixed(*[attached(b"a.bin", b64encode(b"x"))] * 300)
    assert len(listed(raw)) == attachments.MAX_LISTED
