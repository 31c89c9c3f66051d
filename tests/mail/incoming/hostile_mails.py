"""Messages made to hang, crash or fool whoever parses them, each made by code and under a name."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

Maker = Callable[[], bytes]
MAILS: dict[str, Maker] = {}

HEAD = (
    b"From: A <a@target.example>\r\nTo: r@reply.example\r\nSubject: hello\r\nMIME-Version: 1.0\r\n"
)


def hostile(make: Maker) -> Maker:
    """Put a message into MAILS, under the name of its maker."""
    MAILS[make.__name__.replace("_", " ")] = make
    return make


def with_type(content_type: bytes, body: bytes, more: bytes = b"") -> bytes:
    return HEAD + b"Content-Type: " + content_type + b"\r\n" + more + b"\r\n" + body


def mixed(*parts: bytes, boundary: bytes = b"xxx") -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    kind = b'multipart/mixed; boundary="' + boundary + b'"'
    return with_type(kind, body + b"--" + boundary + b"--\r\n")


def attached(name: bytes, content: bytes, kind: bytes = b"application/octet-stream") -> bytes:
    return (
        b"Content-Type: " + kind + b"\r\nContent-Disposition: attachment; filename=" + name
        + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64encode(content)
    )  # fmt: skip


@hostile
def multiparts_in_multiparts() -> bytes:
    levels = [
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(2000)
    ]
    return HEAD + b"".join(levels)


@hostile
def multiparts_just_below_the_bound() -> bytes:
    levels = [b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(95)]
    return HEAD + b"".join(levels) + b"text\n" * 200_000


@hostile
def messages_in_messages() -> bytes:
    return b"Content-Type: message/rfc822\n\n" * 5000


@hostile
def messages_just_below_the_bound() -> bytes:
    return b"Content-Type: message/rfc822\n\n" * 100 + b"text\n" * 100_000


@hostile
def digests_in_digests() -> bytes:
    levels = [
        b'Content-Type: multipart/digest; boundary="%d"\n\n--%d\n\n' % (n, n) for n in range(99)
    ]
    return HEAD + b"".join(levels)


@hostile
def parentheses_in_to() -> bytes:
    return b"To: " + b"(" * 100_000 + b"\r\n\r\nx"


@hostile
def parentheses_below_the_bound_in_every_address_field() -> bytes:
    names = (b"From", b"To", b"Cc", b"Sender", b"Reply-To", b"Return-Path")
    return b"".join(name + b": " + b"(" * 40_000 + b"\r\n" for name in names) + b"\r\nx"


@hostile
def quotes_and_backslashes_in_addresses() -> bytes:
    return b"From: " + b'"\\' * 30_000 + b"\r\nTo: " + b'\\"' * 30_000 + b"\r\n\r\nx"


@hostile
def brackets_in_addresses() -> bytes:
    return b"From: " + b"<" * 60_000 + b"\r\nTo: " + b"a<b>," * 12_000 + b"\r\n\r\nx"


@hostile
def fifty_thousand_parts() -> bytes:
    return mixed(*[b"\r\nx"] * 50_000)


@hostile
def two_thousand_parts() -> bytes:
    return mixed(*[b"Content-Type: application/x\r\n\r\nx"] * 1990)


@hostile
def fifty_thousand_addresses() -> bytes:
    return b"To: " + b"a@b.example, " * 50_000 + b"\r\n\r\nx"


@hostile
def four_thousand_addresses() -> bytes:
    return b"To: " + b"a@b.example, " * 4_000 + b"\r\n\r\nx"


@hostile
def one_header_of_a_megabyte() -> bytes:
    return b"Subject: " + b"a" * 1_000_000 + b"\r\n\r\nx"


@hostile
def a_header_of_a_megabyte_in_a_part() -> bytes:
    return mixed(b"X-Long: " + b"a" * 1_000_000 + b"\r\n\r\nx")


@hostile
def ten_megabytes_of_header() -> bytes:
    return b"X-Field: value\r\n" * 600_000


@hostile
def a_header_folded_a_hundred_thousand_times() -> bytes:
    return b"Subject: a\r\n" + b" b\r\n" * 100_000 + b"\r\nx"


@hostile
def a_header_folded_in_a_part() -> bytes:
    return mixed(b"X-Folded: a\r\n" + b" b\r\n" * 200_000 + b"\r\nx")


@hostile
def ten_megabytes_of_base64_in_one_line() -> bytes:
    return with_type(
        b"application/zip", b"QUJD" * 2_500_000, b"Content-Transfer-Encoding: base64\r\n"
    )


@hostile
def ten_megabytes_of_text_in_base64() -> bytes:
    return with_type(b"text/html", b"PGI+" * 2_500_000, b"Content-Transfer-Encoding: base64\r\n")


@hostile
def ten_megabytes_of_octets_beyond_ascii() -> bytes:
    return with_type(b"text/plain", b"\xff" * 10_000_000)


@hostile
def more_than_the_largest_message() -> bytes:
    return HEAD + b"\r\n" + b"a" * 11_000_000


@hostile
def ten_megabytes_of_empty_lines() -> bytes:
    return HEAD + b"\r\n" + b"\n" * 10_000_000


@hostile
def ten_megabytes_of_carriage_returns() -> bytes:
    return HEAD + b"\r\n" + b"\r" * 10_000_000


@hostile
def a_delivery_status_of_a_hundred_thousand_blocks() -> bytes:
    return with_type(b"message/delivery-status", b"a: b\n\n" * 120_000)


@hostile
def a_report_with_a_flood_of_recipients() -> bytes:
    block = b"Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n"
    status = b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n" + block * 60_000
    report = mixed(b"\nfailed", status)
    return report.replace(b"multipart/mixed", b"multipart/report; report-type=delivery-status")


@hostile
def a_report_with_statuses_without_end() -> bytes:
    status = b"Content-Type: message/delivery-status\n\na: b\n\nStatus: " + b"5." * 1_000_000
    report = mixed(b"\nfailed", status + b"\nDiagnostic-Code: smtp; " + b"5 " * 500_000)
    return report.replace(b"multipart/mixed", b"multipart/report; report-type=delivery-status")


@hostile
def a_complaint_without_end() -> bytes:
    report = mixed(b"\nspam", b"Content-Type: message/feedback-report\n\n" + b"A: b\n" * 200_000)
    return report.replace(b"multipart/mixed", b"multipart/report; report-type=feedback-report")


@hostile
def a_bounce_in_free_text_without_end() -> bytes:
    body = b"The following address(es) failed:\n" + b"<a@b.example>: 550 5.1.1 unknown\n" * 200_000
    return body.join([b"From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n", b""])


@hostile
def a_bounce_in_free_text_of_one_line() -> bytes:
    body = b"failed: " + b"<a@" * 1_500_000
    return b"From: MAILER-DAEMON@x.example\nSubject: Undelivered Mail\n\n" + body


@hostile
def signatures_by_the_thousand() -> bytes:
    signature = b"DKIM-Signature: v=1; a=rsa-sha256; d=x.example; s=s; h=from; bh=YQ==; b=YQ==\n"
    return signature * 990 + HEAD + b"\r\nx"


@hostile
def one_signature_of_sixty_kilobytes() -> bytes:
    return b"DKIM-Signature: v=1; h=" + b"from:" * 12_000 + b"; b=" + b"\r\n" + HEAD + b"\r\nx"


@hostile
def results_of_authentication_by_the_thousand() -> bytes:
    field = (
        b"Authentication-Results: x.example; " + b"dkim=pass (((( header.d=a.example; " * 6 + b"\n"
    )
    return field * 900 + HEAD + b"\r\nx"


@hostile
def one_field_of_results_nested() -> bytes:
    return b"Authentication-Results: " + b"(" * 60_000 + b"\r\n" + HEAD + b"\r\nx"


@hostile
def a_hundred_thousand_encoded_words() -> bytes:
    return b"Subject:" + b" =?utf-8?q?a?=" * 100_000 + b"\r\n\r\nx"


@hostile
def encoded_words_below_the_bound() -> bytes:
    words = b" =?utf-8?q?a?=" * 4_000
    return b"Subject:" + words + b"\r\nFrom:" + words + b" <a@b.example>\r\n\r\nx"


@hostile
def encoded_words_that_never_end() -> bytes:
    return b"Subject: " + b"=?utf-8?b?" * 6_000 + b"\r\nFrom: " + b"=?a?q?" * 9_000 + b"\r\n\r\nx"


@hostile
def ten_thousand_continuations_of_a_name() -> bytes:
    name = b"".join(b";\r\n filename*%d*=a%%41" % n for n in range(10_000))
    return mixed(b"Content-Disposition: attachment" + name + b"\r\n\r\nx")


@hostile
def continuations_below_the_bound() -> bytes:
    name = b"".join(b"; filename*%d*=a" % n for n in range(400))
    return mixed(b"Content-Disposition: attachment" + name + b"\r\n\r\nx")


@hostile
def a_continuation_with_an_endless_number() -> bytes:
    return mixed(b"Content-Disposition: attachment; filename*" + b"9" * 6_000 + b"=a\r\n\r\nx")


@hostile
def semicolons_in_quotes() -> bytes:
    return with_type(b'multipart/mixed; boundary="' + b'";' * 30_000, b"x")


@hostile
def semicolons_in_quotes_below_the_bound() -> bytes:
    return with_type(b'multipart/mixed; boundary="' + b'";' * 4_000, b"x")
