"""Who sent a message: what can be proven, and what only looks so."""

from collections.abc import Iterator
from email import message_from_bytes

import pytest
import time_machine
from tests.dns_server import DnsServer, Fault
from tests.mail.incoming import signing
from tests.mail.incoming.signing import MAIL, SIGNED_FIELDS, signed

from picketline.mail.incoming import authentication, keys, signatures
from picketline.mail.incoming.report import Authentication, DkimVerdict

OURS = "mx.picket.example"
KEY = signing.strong_key()
PRIVATE = signing.pem(KEY)


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        for domain in ("union.example", "mail.union.example", "other.example", "com.kz"):
            signing.publish(server, f"s1._domainkey.{domain}", signing.record(KEY))
        yield server


@pytest.fixture(name="check")
def check_against(dns: DnsServer) -> "Checker":
    return Checker(dns.port)


class Checker:
    """Reads mail with the keys of the tests' own DNS."""

    def __init__(self, port: int) -> None:
        self.nameservers = (f"127.0.0.1:{port}",)

    def read(self, raw: bytes) -> Authentication:
        """The whole result."""
        return authentication.read(raw, message_from_bytes(raw), nameservers=self.nameservers)

    def reasons(self, raw: bytes) -> list[str]:
        """For each signature why it is not valid, "" where it is."""
        verdicts = self.read(raw).dkim
        assert all(verdict.valid == (verdict.reason == "") for verdict in verdicts)
        return [verdict.reason for verdict in verdicts]

    def proves(self, raw: bytes, address: str = "anna@union.example") -> bool:
        """Whether it is proven that the domain of `address` sent it."""
        return authentication.aligned(self.read(raw), address, OURS)


def test_a_valid_signature_proves_its_domain(check: Checker) -> None:
    raw = signed(MAIL, PRIVATE)
    assert check.read(raw).dkim == (DkimVerdict("union.example", "s1", valid=True, reason=""),)
    assert check.proves(raw)
    assert check.proves(raw.replace(b"\r\n", b"\n"))
    assert not check.proves(raw, "anna@other.example")


def test_a_message_without_signatures_proves_nothing_and_asks_nobody(dns: DnsServer) -> None:
    asked = len(dns.asked)
    assert not Checker(dns.port).proves(MAIL)
    assert not Checker(dns.port).proves(MAIL + b"\r\nDKIM-Signature: in the body\r\n")
    assert len(dns.asked) == asked


def test_whatever_was_altered_is_seen(check: Checker) -> None:
    raw = signed(MAIL, PRIVATE)
    assert check.reasons(raw + b"And more.\r\n") == ["altered"]
    assert check.reasons(raw.replace(b"Subject: Free", b"Subject: Keep")) == ["altered"]
    assert check.reasons(raw.replace(b"anna@", b"anton@")) == ["altered"]


@pytest.mark.parametrize("field", ["From: Eve <eve@union.example>", "To: x@copies.example"])
def test_a_second_field_of_a_name_spoils_every_signature(check: Checker, field: str) -> None:
    raw = field.encode() + b"\r\n" + signed(MAIL, PRIVATE)
    assert not check.proves(raw)
    assert not check.proves(raw, "eve@union.example")


@pytest.mark.parametrize(
    "author",
    [
        b"anna@union.example, eve@union.example",
        b"anna@union.example <eve@union.example>",
        b"Team: anna@union.example, eve@union.example;",
        b"Team: anna@union.example;",
        b"Anna",
        b"",
    ],
)
def test_without_exactly_one_author_nothing_is_proven(check: Checker, author: bytes) -> None:
    claim = b"Authentication-Results: mx.picket.example; dmarc=pass header.from=union.example\r\n"
    raw = claim + signed(MAIL.replace(b"Anna <anna@union.example>", author), PRIVATE)
    assert check.read(raw).results == ()
    assert check.reasons(raw) == ["no single author"]
    assert not check.proves(raw)


@pytest.mark.parametrize("author", [b'"a@b, c" <anna@union.example>', b"anna@union.example (a@b)"])
def test_what_is_quoted_or_a_comment_is_no_author(check: Checker, author: bytes) -> None:
    assert check.proves(signed(MAIL.replace(b"Anna <anna@union.example>", author), PRIVATE))


@pytest.mark.parametrize("missing", [b"to", b"cc"])
def test_a_letter_sent_on_to_us_is_not_sent_to_us(check: Checker, missing: bytes) -> None:
    fields = tuple(field for field in SIGNED_FIELDS if field != missing)
    raw = signed(MAIL, PRIVATE, fields=fields)
    assert check.reasons(raw) == ["does not cover To and Cc"]


def test_a_field_that_is_not_there_needs_no_signature(check: Checker) -> None:
    mail = MAIL.replace(b"Cc: zhanaozen@copies.picket.example\r\n", b"")
    assert check.proves(signed(mail, PRIVATE, fields=(b"from", b"to", b"subject")))


def test_a_signature_for_part_of_the_body_counts_for_nothing(check: Checker) -> None:
    raw = signed(MAIL, PRIVATE, length=True)
    assert check.reasons(raw) == ["covers part of the body"]
    assert check.reasons(raw + b"We demand the contrary.\r\n") == ["covers part of the body"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"a=rsa-sha256", b"a=rsa-sha1", "weak algorithm"),
        (b"a=rsa-sha256", b"a=none", "weak algorithm"),
        (b"a=rsa-sha256", b"a=ed25519-sha256", signatures.NOT_SUPPORTED),
        (b"v=1;", b"v=1; x=1324116000;", "expired"),
        (b"v=1;", b"v=1; x=soon;", "expired"),
        (b"h=from : to", b"h=fro : to", "altered"),
        (b"h=from : to", b"h=x : to", "altered"),
        (b"v=1;", b"v=2;", "malformed"),
        (b"c=relaxed/relaxed", b"c=loose/loose", "malformed"),
        (b"s=s1;", b"s=s2;", "no key"),
        (b"s=s1;", b"s=" + b"a" * 64 + b";", "no key"),
        (b"s=s1;", b"s=s1; s=s1;", "malformed"),
        (b"s=s1;", b"s=s/1;", "malformed"),
        (b"d=union.example;", b"d=example;", "malformed"),
        (b"d=union.example;", b"d=\xc3\xa9.example;", "malformed"),
        (b"d=union.example;", b"d=other.example;", "malformed"),
        (b"v=1;", b"v=1; z=" + b"z" * 5000 + b";", "malformed"),
    ],
)
def test_each_flaw_of_a_signature_is_named(
    check: Checker, old: bytes, new: bytes, reason: str
) -> None:
    raw = signed(MAIL, PRIVATE)
    assert old in raw
    assert check.reasons(raw.replace(old, new, 1)) == [reason]


def test_a_signature_that_leaves_out_from_is_not_valid(check: Checker) -> None:
    raw = signed(MAIL, PRIVATE).replace(b"from :", b"x :").replace(b": from;", b": x;")
    assert check.reasons(raw) == ["does not cover From"]


def test_a_signature_that_will_expire_is_looked_at_until_then(check: Checker) -> None:
    tags = b"DKIM-Signature: v=1; a=rsa-sha256; d=union.example; s=s2; h=from:to:cc; x=99999999999;"
    raw = tags + b" bh=eA==; b=eA==\r\n" + MAIL
    assert check.reasons(raw) == ["no key"]
    with time_machine.travel(100_000_000_000):
        assert check.reasons(raw) == ["expired"]


def test_keys_below_a_thousand_bits_are_worthless(dns: DnsServer, check: Checker) -> None:
    private, record = signing.weak_pair()
    signing.publish(dns, "weak._domainkey.union.example", record)
    assert check.reasons(signed(MAIL, private, selector="weak")) == ["weak key"]


@pytest.mark.parametrize(
    ("selector", "records", "reason"),
    [
        ("revoked", [b"v=DKIM1; p="], "altered"),
        ("nonsense", [b"v=DKIM1; p=!!!"], "altered"),
        ("unrelated", [b"v=spf1 -all"], "no key"),
        ("long", [b"v=DKIM1; p=" + b"A" * 4000], "no key"),
        ("two", [b"v=DKIM1; p=AAAA", b"v=DKIM1; p=BBBB"], "no key"),
        (
            "ed",
            [b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
            "malformed",
        ),
    ],
)
def test_a_record_that_is_no_usable_key_proves_nothing(
    dns: DnsServer, check: Checker, selector: str, records: list[bytes], reason: str
) -> None:
    for record in records:
        signing.publish(dns, f"{selector}._domainkey.union.example", record)
    assert check.reasons(signed(MAIL, PRIVATE, selector=selector)) == [reason]


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED, Fault.SILENCE])
def test_a_dns_that_does_not_answer_leaves_it_open(
    dns: DnsServer, check: Checker, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_IN_ALL", 0.2)
    dns.faults["away._domainkey.union.example"] = fault
    raw = signed(MAIL, PRIVATE, selector="away")
    assert check.reasons(raw) == [signatures.NO_ANSWER]
    claim = b"Authentication-Results: mx.picket.example; dkim=pass header.d=union.example\r\n"
    assert check.proves(claim + raw)


def test_five_signatures_are_checked_and_no_more(dns: DnsServer, check: Checker) -> None:
    raw = MAIL
    for _ in range(7):
        raw = signed(raw, PRIVATE)
    asked = len(dns.asked)
    assert check.reasons(raw) == [""] * 5
    assert len(dns.asked) == asked + 5


@pytest.mark.parametrize(
    "prefix",
    [b"X: a\rFrom: eve@union.example\r\n", b"X: a\x00b\r\n", b"X: a\r\nFrom eve\r\n"],
)
def test_a_header_that_can_be_read_in_two_ways_has_no_valid_signature(
    check: Checker, prefix: bytes
) -> None:
    raw = prefix + signed(MAIL, PRIVATE)
    assert set(check.reasons(raw)) <= {"malformed header", "no single author"}
    assert not check.proves(raw)
    assert not check.proves(raw, "eve@union.example")


def test_a_header_that_is_none_has_no_valid_signature(check: Checker) -> None:
    raw = b"DKIM-Signature: x\r\nnot a field\r\n" + signed(MAIL, PRIVATE)
    assert not check.proves(raw)
    assert {verdict.valid for verdict in check.read(raw).dkim} == {False}
    assert signatures.check(b" folded\r\n" + raw, ())[0].reason == "malformed header"


def test_a_body_of_spaces_is_left_alone(check: Checker) -> None:
    raw = signed(MAIL, PRIVATE) + b" " * 100_000 + b"."
    assert check.reasons(raw) == ["too many spaces"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("union.example", "union.example", True),
        ("Union.Example.", "union.example", True),
        ("mail.union.example", "union.example", True),
        ("union.example", "a.b.union.example", True),
        ("badunion.example", "union.example", False),
        ("a.union.example", "b.union.example", False),
        ("example", "union.example", False),
        ("", "union.example", False),
        ("", "", False),
        ("com.kz", "neft.com.kz", False),
        ("co.uk", "union.co.uk", False),
        ("union.co.uk", "mail.union.co.uk", True),
        ("github.io", "eve.github.io", False),
        ("com.kz", "com.kz", True),
    ],
)
def test_domains_are_related_by_descent_and_not_through_a_registry(
    one: str, other: str, expected: bool
) -> None:
    assert authentication.related(one, other) is expected
    assert authentication.related(other, one) is expected


def test_a_signature_of_a_parent_or_a_child_will_do_but_not_of_a_registry(check: Checker) -> None:
    assert check.proves(signed(MAIL, PRIVATE, domain="mail.union.example"))
    assert check.proves(signed(MAIL, PRIVATE), "anna@mail.union.example")
    assert not check.proves(signed(MAIL, PRIVATE, domain="com.kz"), "anna@neft.com.kz")


def test_our_own_check_goes_before_what_our_server_says_of_signatures(check: Checker) -> None:
    partly = signed(MAIL, PRIVATE, length=True)
    start = b"Authentication-Results: mx.picket.example; "
    assert not check.proves(start + b"dkim=pass header.d=union.example\r\n" + partly)
    assert not check.proves(start + b"dmarc=pass header.from=union.example\r\n" + partly)
    assert check.proves(start + b"spf=pass smtp.mailfrom=union.example\r\n" + partly)
    elsewhere = signed(MAIL, PRIVATE, domain="other.example", length=True)
    assert check.proves(start + b"dkim=pass header.d=union.example\r\n" + elsewhere)


def test_a_silent_dns_is_asked_about_two_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def silent(domain: str, *_: object) -> bytes:
        asked.append(domain)
        raise keys.KeyUnavailable

    monkeypatch.setattr(signatures, "public_key", silent)
    raw = MAIL
    for _ in range(4):
        raw = signed(raw, PRIVATE)
    found = signatures.check(raw, ())
    assert [each.reason for each in found] == [signatures.NO_ANSWER] * 4
    assert len(asked) == 2
