"""More hostile messages: lies about their form, contents that explode, baits for slow patterns."""

from __future__ import annotations

import zlib

from tests.mail.incoming.hostile_mails import HEAD, MAILS, attached, hostile, mixed, with_type

__all__ = ["MAILS"]  # those of hostile_mails and these


@hostile
def nothing() -> bytes:
    return b""


@hostile
def blanks_only() -> bytes:
    return b"\r\n \t\r\n" * 1000


@hostile
def no_headers() -> bytes:
    return b"\r\njust a text\r\n"


@hostile
def no_headers_and_no_lines() -> bytes:
    return b"x" * 9_000_000


@hostile
def nul_octets() -> bytes:
    return b"From: \0a@b.example\0\r\nSub\0ject: \0\r\n\r\n" + b"\0" * 1_000_000


@hostile
def bare_carriage_returns() -> bytes:
    return HEAD.replace(b"\r\n", b"\r") + b"Content-Type: text/plain\r\r" + b"text\r" * 10_000


@hostile
def octets_beyond_ascii_in_headers() -> bytes:
    return (
        b"From: \xe4\xf6 <\xff@b.example>\r\nSubject: \xd0\x9f\xd1\x80 \xff\r\nTo: \xc3\x28@x\r\n"
        b"Content-Type: text/plain; charset=\xff\xfe\r\nContent-Disposition: inline; "
        b"filename=\xff\r\nContent-Transfer-Encoding: \xff\r\n"
        b"References: <\xff@x>\r\nMessage-ID: \xff\r\n\r\nx"
    )


@hostile
def random_octets() -> bytes:
    state, octets = 1, bytearray()
    for _ in range(200_000):
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        octets.append(state >> 16 & 0xFF)
    return bytes(octets)


@hostile
def a_charset_that_is_none() -> bytes:
    return with_type(b"text/plain; charset=klingon\x00", b"caf\xe9")


@hostile
def a_charset_of_quadratic_time() -> bytes:
    return with_type(b"text/plain; charset=punycode", b"a-" + b"z9" * 2_000_000)


@hostile
def a_charset_in_utf7() -> bytes:
    return with_type(b"text/html; charset=utf-7", b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-")


@hostile
def overlong_utf8_and_surrogates() -> bytes:
    return with_type(
        b"text/plain; charset=utf-8", b"\xc0\xbc\xe0\x80\xaf\xed\xa0\x80\xf8\x88\x80" * 999
    )


@hostile
def a_boundary_of_regular_expressions() -> bytes:
    return mixed(b"\r\nx" * 1000, boundary=b"(a+)+$[^*?.|{9,99}")


@hostile
def a_boundary_that_is_missing() -> bytes:
    return with_type(b"multipart/mixed", b"--x\r\n\r\nx\r\n" * 500)


@hostile
def a_boundary_that_is_empty() -> bytes:
    return with_type(b'multipart/mixed; boundary=""', b"--\r\n" * 1900)


@hostile
def one_boundary_at_every_level() -> bytes:
    return with_type(
        b"multipart/mixed; boundary=b", b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 90
    )


@hostile
def a_length_that_lies() -> bytes:
    return with_type(b"text/plain", b"x", b"Content-Length: 99999999999999999999\r\nLines: -1\r\n")


@hostile
def a_uuencoded_flood() -> bytes:
    body = b"begin 644 a.exe\n" + b"M" + b"A" * 60 + b"\n"
    return with_type(b"text/plain", body * 60_000, b"Content-Transfer-Encoding: x-uuencode\r\n")


@hostile
def uuencoded_files_that_never_end() -> bytes:
    return with_type(b"text/plain", b"begin 644 a\n" * 200_000)


@hostile
def quoted_printable_without_end() -> bytes:
    return with_type(
        b"text/plain", b"=\r\n" * 200_000 + b"=", b"Content-Transfer-Encoding: quoted-printable\r\n"
    )


@hostile
def quoted_printable_in_one_line() -> bytes:
    return with_type(
        b"text/plain", b"=3D=" * 2_400_000, b"Content-Transfer-Encoding: quoted-printable\r\n"
    )


@hostile
def elements_nested_deeply() -> bytes:
    return with_type(b"text/html", b"<blockquote><div><a href=x>" * 100_000 + b"x")


@hostile
def a_million_attributes() -> bytes:
    return with_type(b"text/html", b"<a " + b"a=b " * 1_000_000 + b">x</a>")


@hostile
def links_without_end() -> bytes:
    return with_type(b"text/html", b"<a href='" * 110_000)


@hostile
def tags_that_never_close() -> bytes:
    return with_type(b"text/html", b'<a "' * 250_000 + b"<a" * 100_000)


@hostile
def a_flood_of_entities() -> bytes:
    return with_type(
        b"text/html", b"&amp;&#x1F600;&notit;&" * 45_000 + b"&#" + b"9" * 900_000 + b";"
    )


@hostile
def a_huge_style() -> bytes:
    return with_type(b"text/html", b"<style>" + b"a{}" * 3_000_000 + b"</style>text")


@hostile
def styles_that_never_end() -> bytes:
    return with_type(b"text/html", b"<style>" * 140_000)


@hostile
def comments_that_never_end() -> bytes:
    return with_type(b"text/html", b"<!--" * 250_000)


@hostile
def declarations_that_never_end() -> bytes:
    return with_type(b"text/html", b"<![CDATA[" * 100_000 + b"<?" * 100_000)


@hostile
def marks_without_end() -> bytes:
    return with_type(b"text/plain; charset=utf-8", b"a" + "\u0301\u0489".encode() * 1_000_000)


@hostile
def bait_for_patterns_of_links() -> bytes:
    return with_type(b"text/plain", b"a." * 500_000 + b"http" * 500_000 + b"://" * 500_000)


@hostile
def bait_for_patterns_of_quotations() -> bytes:
    return with_type(b"text/plain", b"> " * 1_000_000 + b"\r\n" + b">\r\n" * 200_000)


@hostile
def bait_for_patterns_of_armour() -> bytes:
    return with_type(b"text/plain", b"-----BEGIN PGP MESSAGE-----\r\n" * 1900)


@hostile
def bait_for_patterns_of_escapes() -> bytes:
    return with_type(b"text/plain", b"\x1b]" * 1_000_000 + b"\x1b[" * 1_000_000)


@hostile
def a_zip_bomb() -> bytes:
    return mixed(attached(b"42.zip", b"PK\x03\x04" + zlib.compress(b"\0" * 50_000_000, 9)))


@hostile
def a_compressed_text() -> bytes:
    return with_type(
        b"text/plain", zlib.compress(b"\0" * 50_000_000), b"Content-Encoding: deflate\r\n"
    )


@hostile
def every_field_twice() -> bytes:
    return (
        HEAD * 2
        + b"Content-Type: text/html\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
    )


@hostile
def a_message_that_closes_before_it_opens() -> bytes:
    return with_type(b"multipart/mixed; boundary=x", b"--x--\r\n--x--\r\n--x\r\n\r\nx\r\n--x--")
