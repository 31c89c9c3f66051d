"""What a report says of the fields of a message."""

from __future__ import annotations

import pytest
from tests.mail.incoming import hostile_contents
from tests.mail.incoming.hostile_mails import mixed

from picketline.mail.incoming import findings, limits, words
from picketline.mail.incoming.report import Kind, Report


def report(head: str, body: str = "text") -> Report:
    raw = f"{head}\n\n{body}".encode()
    return findings.report_on(raw, verify=False, nameservers=())


def test_the_fields_of_a_reply_are_read() -> None:
    found = report(
        "From: =?utf-8?q?Ren=C3=A9?= =?utf-8?q?e?= Works <Renee@Works.EXAMPLE>\n"
        'To: r.x@reply.example, "B, C" <b@c.example>\nCc: Staff: d@e.example;, f@g.example\n'
        "Subject: =?iso-8859-1?b?UulwbHk=?= to\n you\nMessage-ID: <1@works.example>\n"
        "In-Reply-To: <2@letters.example> (yours)\nReferences: <0@x>\n <2@letters.example>"
    )
    assert (found.from_name, found.from_address) == ("Renée Works", "Renee@works.example")
    assert found.to == ("r.x@reply.example", "b@c.example")
    assert found.cc == ("d@e.example", "f@g.example")
    assert found.subject == "Réply to you"
    assert (found.message_id, found.in_reply_to) == ("<1@works.example>", "<2@letters.example>")
    assert found.references == ("<0@x>", "<2@letters.example>")
    assert (found.kind, found.automatic) == (Kind.MESSAGE, "")
    assert not found.forwarded
    assert not found.from_list


@pytest.mark.parametrize(
    "head",
    [
        "From: a@b.example\nFrom: c@d.example",
        "From: a@b.example, c@d.example",
        "From: <a@b.example> <c@d.example>",
        "From: nobody",
        'From: "a b"@c.example',
        "Subject: x",
    ],
)
def test_an_author_is_named_only_where_there_is_exactly_one(head: str) -> None:
    assert report(head).from_address == ""


@pytest.mark.parametrize("hidden", ["\u00ad", "\u200b", "\u202e", "\x00"])
def test_an_address_with_a_sign_that_nobody_sees_is_not_the_one_without_it(hidden: str) -> None:
    assert report(f"From: bo{hidden}ss@works.example").from_address == ""


def test_the_address_counts_and_not_the_name() -> None:
    found = report('From: "boss@works.example" (or <c@d.example>) <a@b.example>')
    assert (found.from_name, found.from_address) == ("boss@works.example", "a@b.example")


@pytest.mark.parametrize("field", ["Resent-From", "Resent-Date", "X-Forwarded-To"])
def test_a_message_passed_on_is_marked(field: str) -> None:
    assert report(f"From: a@b.example\n{field}: x").forwarded


def test_a_message_that_only_carries_another_is_marked() -> None:
    inner = "Content-Type: message/rfc822\n\nSubject: old\n\nold"
    assert report(f"From: a@b.example\n{inner}").forwarded
    assert findings.report_on(mixed(inner.encode()), verify=False, nameservers=()).forwarded
    both = mixed(b"\r\nSee below", inner.encode())
    assert not findings.report_on(both, verify=False, nameservers=()).forwarded


def test_mail_of_a_list_is_marked() -> None:
    assert report("From: a@b.example\nList-Id: <l.b.example>").from_list


def test_mail_to_an_alias_of_unsubscription_is_of_that_kind() -> None:
    alias = "U." + "a2b3c4d5e6f7g2h3i4j5k6l7mn".upper()
    assert report(f"From: a@b.example\nTo: <{alias}@updates.example>").kind is Kind.UNSUBSCRIBE


def test_automatic_mail_is_of_that_kind() -> None:
    found = report("From: a@b.example\nAuto-Submitted: auto-replied")
    assert found.kind is Kind.AUTO_REPLY
    assert found.automatic


def test_a_bounce_is_of_that_kind() -> None:
    raw = mixed(
        b"\r\nfailed",
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.example\r\n\r\n"
        b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        b"Diagnostic-Code: smtp; 550 \x1b[31m no\r\n",
    ).replace(b"multipart/mixed", b"multipart/report; report-type=delivery-status")
    found = findings.report_on(raw, verify=False, nameservers=())
    assert found.kind is Kind.BOUNCE
    assert found.bounce is not None
    assert "\x1b" not in found.bounce.diagnostic


def test_a_complaint_is_of_that_kind() -> None:
    raw = mixed(
        b"\r\nspam",
        b"Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
        b"User-Agent: x/1\r\n",
        b"Content-Type: message/rfc822\r\n\r\nMessage-ID: <1@letters.example>\r\n\r\nx",
    ).replace(b"multipart/mixed", b"multipart/report; report-type=feedback-report")
    found = findings.report_on(raw, verify=False, nameservers=())
    assert found.kind is Kind.COMPLAINT
    assert found.complaint is not None


def test_at_most_a_hundred_addresses_are_read() -> None:
    many = ", ".join(f"a{number}@b.example" for number in range(300))
    assert len(report(f"To: {many}").to) == words.MAX_ADDRESSES


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("blanks only", "there is nothing in the message"),
        ("more than the largest message", "the message is too large"),
        ("ten megabytes of empty lines", "the message has too many lines"),
        ("one header of a megabyte", "the header is too large"),
        ("parentheses in to", "a field of the header is too long"),
        ("fifty thousand parts", "the message has too many parts"),
        ("two thousand parts", "the message has too many parts"),
        ("messages in messages", "the message announces too many parts within parts"),
        ("digests in digests", "parts within parts, too deep"),
        ("semicolons in quotes", "a field that describes a part is too long"),
        ("a header folded in a part", "a part has too long a header"),
    ],
)
def test_bounds_are_named(name: str, reason: str) -> None:
    with pytest.raises(limits.TooMuch, match=f"^{reason}$"):
        limits.parse(hostile_contents.MAILS[name]())


def test_a_header_of_too_many_lines_is_refused() -> None:
    with pytest.raises(limits.TooMuch, match="the header has too many lines"):
        limits.parse(b"A: b\n" * 1001 + b"\nx")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?J=C3?= =?utf-8?q?=A9?= and =?utf-8?b?w6k=?=", "Jé and é"),
        ("=?utf-8*en?Q?a_b?=c", "a bc"),
        ("=?utf-7?q?+ADw-?=", "+ADw-"),
        ("=?utf-8?b?!?= =?utf-8?x?a?=", " =?utf-8?x?a?="),
        ("=?utf-8?b?A?=", "=?utf-8?b?A?="),
    ],
)
def test_encoded_words_are_read(value: str, text: str) -> None:
    assert words.decoded(value) == text


def test_mailboxes_survive_comments_and_escapes() -> None:
    values = ['a@b.example (one (two) ") , c@d.example', '"x\\"y" <e@f.example>, \\, <g@h.example>']
    assert words.mailboxes(values) == [
        ("", "a@b.example"),
        ("", "c@d.example"),
        ('x"y', "e@f.example"),
        (",", "g@h.example"),
    ]
