"""E-mail addresses: accepted, refused, and found again."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.mail.addresses import (
    AddressReason,
    AddressRefused,
    EmailAddr,
    canonical,
    parse_address,
)

LONGEST_DOMAIN = ".".join(["d" * 61] * 3) + ".example"  # 193 characters


def reason_for(value: str, *own_domains: str) -> AddressReason:
    with pytest.raises(AddressRefused) as refusal:
        parse_address(value, own_domains=own_domains)
    return refusal.value.reason


@pytest.mark.parametrize(
    "address",
    [
        "maria@mail.example",
        "maria@union.test",
        "Maria.Lopez+letters@mail.example",
        "m@x.org",
        "o'brien@mail.example",
        "a|b@mail.example",
        "`id`@mail.example",
        "=cmd|@mail.example",
        "100%@mail.example",
        "office@branch.union.example",
        "info@union.example",
        "a-@mail.example",
        "l" * 64 + "@mail.example",
        "l" * 60 + "@" + LONGEST_DOMAIN,
        "maria@xn--80a1acny.xn--p1ai",
        "postmasters@mail.example",
        "abuse.survivors@mail.example",
    ],
)
def test_an_ordinary_address_is_kept_as_typed(address: str) -> None:
    assert parse_address(address) == address


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  maria@mail.example\t", "maria@mail.example"),
        ("\u00a0maria@mail.example", "maria@mail.example"),
        ("Maria@MAIL.Example", "Maria@mail.example"),
        ("maria@почта.рф", "maria@xn--80a1acny.xn--p1ai"),
        ("maria@ПОЧТА.РФ", "maria@xn--80a1acny.xn--p1ai"),
        ("maria@exаmple.com", "maria@xn--exmple-4nf.com"),  # Cyrillic а
        ("maria@mail。example", "maria@mail.example"),
        ("maria@straße.example", "maria@xn--strae-oqa.example"),
    ],
)
def test_the_domain_becomes_one_that_every_server_understands(typed: str, kept: str) -> None:
    assert parse_address(typed) == kept


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", AddressReason.EMPTY),
        ("   ", AddressReason.EMPTY),
        ("maria", AddressReason.NOT_AN_ADDRESS),
        ("@mail.example", AddressReason.NOT_AN_ADDRESS),
        ("maria@", AddressReason.NOT_AN_ADDRESS),
        ("a@x.com,b@y.com", AddressReason.SEVERAL),
        ("a@x.com;b@y.com", AddressReason.SEVERAL),
        ("a@x.com b@y.com", AddressReason.SEVERAL),
        ('"A" <a@x.com>', AddressReason.SEVERAL),
        ("a@b@mail.example", AddressReason.SEVERAL),
        ("аdmin@mail.example", AddressReason.LOCAL_NOT_ASCII),
        ("mar\u200bia@mail.example", AddressReason.LOCAL_NOT_ASCII),
        ("\ud800@mail.example", AddressReason.LOCAL_NOT_ASCII),
        ("-oQx@mail.example", AddressReason.LOCAL_PART),
        ('"b x"@mail.example', AddressReason.LOCAL_PART),
        ("a b@mail.example", AddressReason.LOCAL_PART),
        (".a@mail.example", AddressReason.LOCAL_PART),
        ("=?utf-8?q?a?=@mail.example", AddressReason.LOCAL_PART),
        ("a.@mail.example", AddressReason.LOCAL_PART),
        ("a..b@mail.example", AddressReason.LOCAL_PART),
        ("a(comment)@mail.example", AddressReason.LOCAL_PART),
        ("a\r\nBcc: x@mail.example", AddressReason.LOCAL_PART),
        ("a\x00@mail.example", AddressReason.LOCAL_PART),
        ("a\\@mail.example", AddressReason.LOCAL_PART),
        ("l" * 65 + "@mail.example", AddressReason.TOO_LONG),
        ("l" * 61 + "@" + LONGEST_DOMAIN, AddressReason.TOO_LONG),
        ("a@" + "x" * 10_000_000, AddressReason.TOO_LONG),
        ("a@" + "d." * 124 + "example", AddressReason.DOMAIN),
        ("a@" + "é" * 60 + ".example", AddressReason.DOMAIN),
        ("a@" + "d" * 64 + ".example", AddressReason.DOMAIN),
        ("maria@mail.example\u202e", AddressReason.DOMAIN),
        ("maria@ma\u200bil.example", AddressReason.DOMAIN),
        ("maria@mail.example\n", AddressReason.DOMAIN),
        ("maria@\ud800.example", AddressReason.DOMAIN),
        ("maria@localhost", AddressReason.DOMAIN),
        ("maria@test", AddressReason.DOMAIN),
        ("maria@printer.local", AddressReason.DOMAIN),
        ("maria@site.onion", AddressReason.DOMAIN),
        ("maria@[127.0.0.1]", AddressReason.DOMAIN),
        ("maria@1.2.3.4", AddressReason.DOMAIN),
        ("maria@mail.example.", AddressReason.DOMAIN),
        ("maria@.mail.example", AddressReason.DOMAIN),
        ("maria@mail..example", AddressReason.DOMAIN),
        ("maria@-mail.example", AddressReason.DOMAIN),
        ("maria@ma_il.example", AddressReason.DOMAIN),
        ("maria@xn--a.example", AddressReason.DOMAIN),
        ("maria@mail.example/x", AddressReason.DOMAIN),
        ("postmaster@mail.example", AddressReason.ROLE),
        ("Abuse@mail.example", AddressReason.ROLE),
        ("noreply@mail.example", AddressReason.ROLE),
        ("no-reply@mail.example", AddressReason.ROLE),
        ("do.not_reply@mail.example", AddressReason.ROLE),
        ("mailer-daemon@mail.example", AddressReason.ROLE),
        ("no-reply+17@mail.example", AddressReason.ROLE),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(
    address: str, reason: AddressReason
) -> None:
    assert reason_for(address) is reason


@pytest.mark.parametrize(
    "address",
    [
        "r.abc@letters.example",
        "x@LETTERS.example",
        "x@in.letters.example",
        "x@xn--80a1acny.xn--p1ai",
    ],
)
def test_our_own_domains_and_those_below_are_refused(address: str) -> None:
    own = ("Letters.example.", "xn--80a1acny.xn--p1ai")

    assert reason_for(address, *own) is AddressReason.OWN_DOMAIN
    assert parse_address(address)


def test_a_domain_that_only_ends_like_ours_is_accepted() -> None:
    assert parse_address("x@loveletters.example", own_domains=["letters.example"])
    assert parse_address("x@example.org", own_domains=["letters.example.org"])


@given(
    st.text(max_size=80)
    | st.emails()
    | st.from_regex(r"[\w.+-]{1,70}@[\w.-]{1,90}\.[a-z]{2,8}", fullmatch=True)
)
def test_whatever_is_accepted_is_plain_short_and_stable(value: str) -> None:
    try:
        address = parse_address(value)
    except AddressRefused:
        return
    assert re.fullmatch(r"[!-~]+@[a-z0-9.-]+\.[a-z0-9-]+", address)
    assert len(address) <= 254
    assert len(address.partition("@")[0]) <= 64
    assert parse_address(address) == address
    assert canonical(canonical(address)) == canonical(address)


SAME = [
    ("a@mail.example", "a@mail.example"),
    ("A@mail.example", "a@mail.example"),
    ("a@MAIL.example", "a@mail.example"),
    ("MARIA.LOPEZ@mail.example", "maria.lopez@mail.example"),
    ("a+1@mail.example", "a@mail.example"),
    ("a+@mail.example", "a@mail.example"),
    ("a+1+2@mail.example", "a@mail.example"),
    ("a+b.c@mail.example", "a@mail.example"),
    ("a.b+news@mail.example", "a.b@mail.example"),
    ("A+News@mail.example", "a@mail.example"),
    ("A+1@Gmail.com", "a@gmail.com"),
    ("a.b@gmail.com", "ab@gmail.com"),
    ("ab@googlemail.com", "ab@gmail.com"),
    ("a.b@googlemail.com", "ab@gmail.com"),
    ("a.b.c.d@gmail.com", "abcd@gmail.com"),
    ("A.B@GMAIL.COM", "ab@gmail.com"),
    ("A.B+x@GoogleMail.com", "ab@gmail.com"),
    ("a.b+x.y@gmail.com", "ab@gmail.com"),
    ("maria.lopez@gmail.com", "m.arialopez@googlemail.com"),
    ("maria.lopez+union@gmail.com", "marialopez+work@gmail.com"),
    ("o'brien@mail.example", "O'Brien@mail.example"),
    ("o'brien+x@gmail.com", "O'.Brien@gmail.com"),
    ("a@xn--80a1acny.xn--p1ai", "a@почта.рф"),
    ("a@XN--80A1ACNY.xn--p1ai", "a@почта.рф"),
    ("a@ПОЧТА.рф", "a@почта.рф"),
    ("a@bücher.example", "a@xn--bcher-kva.example"),
    ("a@BÜCHER.example", "a@bücher.example"),
    ("a@bu\u0308cher.example", "a@bücher.example"),
    ("a+x@bücher.example", "A@xn--bcher-kva.example"),
    ("a@mail。example", "a@mail.example"),
    ("a@ｍａｉｌ.example", "a@mail.example"),
    (" a@mail.example ", "a@mail.example"),
    ("+a@mail.example", "+A@mail.example"),
    ("a_b@mail.example", "A_B@mail.example"),
    ("a-b+c@mail.example", "a-b@mail.example"),
    ("100@mail.example", "100+1@mail.example"),
]

DIFFERENT = [
    ("a@mail.example", "b@mail.example"),
    ("a@mail.example", "a@post.example"),
    ("a@mail.example", "a@x.mail.example"),
    ("a@mail.example", "a@mail.test"),
    ("a.b@mail.example", "ab@mail.example"),
    ("a.b@mail.example", "a.b.c@mail.example"),
    ("a_b@mail.example", "ab@mail.example"),
    ("a-b@mail.example", "ab@mail.example"),
    ("a-b@mail.example", "a@mail.example"),
    ("a_b@gmail.com", "ab@gmail.com"),
    ("a-b@gmail.com", "ab@gmail.com"),
    ("a@gmail.com", "a@mail.example"),
    ("a@gmail.com", "a@gmail.example"),
    ("a@gmail.com", "a@mail.gmail.com"),
    ("a@gmail.com", "a@notgmail.com"),
    ("a@gmail.com", "a@googlemail.example"),
    ("a.b@yahoo.example", "ab@yahoo.example"),
    ("a1@mail.example", "a@mail.example"),
    ("a=1@mail.example", "a@mail.example"),
    ("a#1@mail.example", "a@mail.example"),
    ("a%1@mail.example", "a@mail.example"),
    ("+a@mail.example", "a@mail.example"),
    ("+a@mail.example", "+b@mail.example"),
    ("a@exаmple.com", "a@example.com"),
    ("a@почта.рф", "a@почта.example"),
    ("a@bücher.example", "a@bucher.example"),
    ("a@bücher.example", "a@buecher.example"),
    ("a@straße.example", "a@strasse.example"),
    ("o'brien@mail.example", "obrien@mail.example"),
    ("a@mail.example", "a@mail-example.example"),
    ("maria@mail.example", "marla@mail.example"),
    ("l@mail.example", "1@mail.example"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_mailbox_are_found_to_be_one(one: str, other: str) -> None:
    assert canonical(parse_address(one)) == canonical(parse_address(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_people_are_never_taken_for_one(one: str, other: str) -> None:
    assert canonical(parse_address(one)) != canonical(parse_address(other))


def test_the_canonical_spelling_is_not_the_address_to_mail() -> None:
    address = parse_address("Maria.Lopez+union@gmail.com")

    assert address == EmailAddr("Maria.Lopez+union@gmail.com")
    assert canonical(address) == "marialopez@gmail.com"
