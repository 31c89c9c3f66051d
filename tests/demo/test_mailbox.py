"""The demo's mailbox, through SMTP and HTTP."""

import smtplib
import socket
from datetime import datetime, timedelta
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from tests.demo.mailboxes import SITE, Mailbox, running

KAZAKH = "Құрметті әкім,\n\nбіз жұмысшыларды қолдаймыз.\n"


def letter(text: str = "Dear sirs,\n\nenough.\n", **headers: str) -> bytes:
    message = MIMEText(text, "plain", "utf-8")
    for name, value in headers.items():
        message[name] = value
    return message.as_bytes().replace(b"\n", b"\r\n")


def only(mailbox: Mailbox, address: str) -> dict:
    (found,) = [entry for entry in mailbox.messages() if entry["mailbox"] == address]
    return found


def page_of(mailbox: Mailbox, address: str) -> str:
    return mailbox.get(f"/messages/{only(mailbox, address)['id']}").text


def test_a_message_is_listed_with_what_a_program_needs(mailbox):
    raw = letter(
        KAZAKH,
        From=f"{Header('Мария', 'utf-8').encode()} <maria@picketline.example>",
        To="Akim <akim1@region.example>, second@region.example",
        Cc="copies1@committee.example",
        Subject=Header("Хат", "utf-8").encode(),
        Date="Mon, 04 Jul 2011 10:30:00 +0600",
    )
    mailbox.send(raw, "Akim1@Region.example")
    found = only(mailbox, "akim1@region.example")
    assert set(found) == {
        *("id", "mailbox", "from", "to", "cc", "subject", "date", "text", "raw"),
    }
    assert found["from"] == "maria@picketline.example"
    assert found["to"] == ["akim1@region.example", "second@region.example"]
    assert found["cc"] == ["copies1@committee.example"]
    assert found["subject"] == "Хат"
    assert found["date"] == "2011-07-04T04:30:00Z"
    assert found["text"] == KAZAKH
    assert mailbox.get(found["raw"]).body == raw


def test_each_envelope_recipient_has_an_entry_of_its_own(mailbox):
    mailbox.send(letter(To="one@many.example"), "one@many.example", "two@many.example")
    boxes = [entry["mailbox"] for entry in mailbox.messages() if "many.example" in entry["mailbox"]]
    assert boxes == ["one@many.example", "two@many.example"]


def test_a_message_without_a_sensible_date_has_the_time_it_arrived(mailbox):
    mailbox.send(letter(Date="yesterday"), "undated@time.example")
    arrived = datetime.fromisoformat(only(mailbox, "undated@time.example")["date"])
    assert abs(datetime.now(arrived.tzinfo) - arrived) < timedelta(minutes=5)


def test_mail_survives_a_restart(tmp_path):
    with running(tmp_path) as first:
        first.send(letter(Subject="Kept"), "kept@restart.example")
        before = first.messages()
    with running(tmp_path) as second:
        assert second.messages() == before
        assert second.get(before[0]["raw"]).body.endswith(b"\r\n")


def test_a_message_of_more_than_ten_megabytes_is_refused(mailbox):
    large = b"Subject: large\r\n\r\n" + b"a" * 70 + b"\r\n" + (b"b" * 998 + b"\r\n") * 10_000
    with pytest.raises(smtplib.SMTPSenderRefused) as refusal:
        mailbox.send(large, "large@size.example")
    assert refusal.value.smtp_code == 552
    assert "large@size.example" not in {entry["mailbox"] for entry in mailbox.messages()}


def test_a_connection_that_breaks_before_the_last_dot_leaves_nothing(mailbox):
    with socket.create_connection(("127.0.0.1", mailbox.smtp), 20) as client:
        client.sendall(
            b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<half@broken.example>\r\n"
            b"DATA\r\nSubject: half\r\n\r\nhalf a let"
        )
        client.shutdown(socket.SHUT_WR)
        while client.recv(4096):
            pass
    assert "half@broken.example" not in {entry["mailbox"] for entry in mailbox.messages()}


def test_the_first_page_names_every_mailbox_even_an_empty_one(mailbox):
    page = mailbox.get("/").text
    assert "Жергілікті әкімдік" in page
    assert "Nothing has arrived yet" in page
    assert "&lt;b&gt;Organisers&lt;/b&gt;" in page


def test_a_mailbox_nobody_named_is_a_supporters(mailbox):
    mailbox.send(letter(Subject="Please confirm"), "maria@home.example")
    page = mailbox.get("/mailboxes/maria@home.example").text
    assert "Supporter" in page
    assert "Please confirm" in page


def test_the_newest_message_stands_first(mailbox):
    for subject in ("Older one", "Newer one"):
        mailbox.send(letter(Subject=subject), "order@home.example")
    page = mailbox.get("/mailboxes/order@home.example").text
    assert page.index("Newer one") < page.index("Older one")


def test_only_the_sites_own_addresses_become_links(mailbox):
    text = f"Confirm: {SITE}/confirm/abc.\nNot http://evil.example/ nor {SITE}.evil.example/x\n"
    mailbox.send(letter(text), "links@home.example")
    page = page_of(mailbox, "links@home.example")
    assert f'<a href="{SITE}/confirm/abc">{SITE}/confirm/abc</a>.' in page
    assert page.count('<a href="http') == 1


def test_what_a_message_says_is_escaped_everywhere(mailbox):
    hostile = '<script>alert(1)</script>"&'
    raw = letter(hostile, From=f'"{hostile}" <a@b.example>'.replace('""', '"'), Subject=hostile)
    mailbox.send(raw, "escape@home.example")
    pages = ["/", "/mailboxes/escape@home.example"]
    pages.append(f"/messages/{only(mailbox, 'escape@home.example')['id']}")
    assert all("<script" not in mailbox.get(path).text for path in pages)


def test_the_original_is_never_shown_as_a_page(mailbox):
    mailbox.send(letter("<script>alert(1)</script>"), "raw@home.example")
    original = mailbox.get(only(mailbox, "raw@home.example")["raw"])
    assert original.headers["content-type"] == "text/plain; charset=utf-8"
    assert original.headers["x-content-type-options"] == "nosniff"
    assert "script-src" not in original.headers["content-security-policy"]
    assert original.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_letter_finds_its_own_direction(mailbox):
    mailbox.send(letter("السيد المدير،\n\nكفى.\n", Subject="x"), "rtl@home.example")
    assert '<p dir="auto">السيد المدير،</p>' in page_of(mailbox, "rtl@home.example")


def test_of_several_parts_the_plain_text_is_shown(mailbox):
    message = MIMEMultipart("alternative")
    message.attach(MIMEText("plain words", "plain", "utf-8"))
    message.attach(MIMEText("<p>other words</p>", "html", "utf-8"))
    mailbox.send(message.as_bytes(), "parts@home.example")
    assert only(mailbox, "parts@home.example")["text"].strip() == "plain words"


HOSTILE = {
    "brackets": b"To: " + b"(" * 900 + b"\r\n\r\nx",
    "nested": b"".join(b"Content-Type: message/rfc822\r\n\r\n" for _ in range(5000)),
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20_000,
    "charset": b"Content-Type: text/plain; charset=no-such\r\n\r\nx",
    "utf-7": b"Content-Type: text/plain; charset=utf-7\r\n\r\n+AGEA",
    "word": b"Subject: =?utf-8?b?a?= =?x?q?=ff?=\r\n\r\nx",
    "year": b"Date: Mon, 01 Jan 0001 00:00:00 +1400\r\n\r\nx",
    "encoding": b"Content-Transfer-Encoding: base64\r\n\r\n====a",
    "empty": b"\r\n",
    "bytes": b"Subject: \xff\xfe\r\nFrom: \xff <\xff@\xff>\r\n\r\n\xff\x00",
    "idna": b"Content-Type: text/plain; charset=idna\r\n\r\nxn--a",
    "name": b'Content-Type: text/plain; name*="utf-8\'\'%ff"; name*0="x"\r\n\r\nx',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_message_is_kept_and_stops_nothing(mailbox, kind):
    address = f"{kind}@hostile.example"
    mailbox.send(HOSTILE[kind], address)
    assert mailbox.get(only(mailbox, address)["raw"]).status == 200
    assert mailbox.get(f"/messages/{only(mailbox, address)['id']}").status == 200
    assert mailbox.get("/").status == 200


@pytest.mark.parametrize(
    "path",
    ["/no", "/messages/../x", "/messages/x", "/mailboxes/nobody@x.example", "/messages.json/x"],
)
def test_an_unknown_address_is_not_found(mailbox, path):
    assert mailbox.get(path).status == 404


def test_the_mailbox_only_reads_and_only_under_its_own_name(mailbox):
    assert mailbox.get("/", method="POST").status == 405
    assert mailbox.get("/messages.json", host="evil.example:80").status == 421
    assert mailbox.get("/", method="HEAD").body == b""
