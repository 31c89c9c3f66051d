"""Authentication-Results: whose word it is, and what it says."""

from email import message_from_bytes

import pytest

from picketline.mail.incoming import authentication, results
from picketline.mail.incoming.report import Authentication, AuthResult

OURS = "mx.picket.example"
BY_US = "Received: from mail.union.example (mail.union.example [192.0.2.7])\n by mx.picket.example"
PASS = "Authentication-Results: mx.picket.example; dmarc=pass header.from=union.example"


def read(*fields: str) -> Authentication:
    header = "\n".join([*fields, "From: anna@union.example"])
    return Authentication(results.read(message_from_bytes(f"{header}\n\nx\n".encode())))


def proves(*fields: str) -> bool:
    return authentication.aligned(read(*fields), "anna@union.example", OURS)


def result(value: str) -> AuthResult | None:
    found = read(f"Authentication-Results: mx.picket.example; {value}").results
    return found[0] if found else None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("dkim=pass header.d=union.example", ("dkim", "pass", "union.example")),
        ("dkim=pass header.i=@union.example", ("dkim", "pass", "union.example")),
        ("dkim=pass header.i=@a.example header.d=b.example", ("dkim", "pass", "b.example")),
        ("DKIM=Pass (2048-bit key) Header.D=Union.Example", ("dkim", "pass", "union.example")),
        ("dkim/1 = pass header.d=union.example", ("dkim", "pass", "union.example")),
        ('dkim=fail reason="bad; dkim=pass" header.d=a.example', ("dkim", "fail", "a.example")),
        ("spf=pass smtp.mailfrom=anna@union.example", ("spf", "pass", "union.example")),
        ('spf=pass smtp.mailfrom="a b"@union.example', ("spf", "pass", "union.example")),
        ("spf=pass smtp.mailfrom=SRS0=x=y=a.example=b@c.example", ("spf", "pass", "c.example")),
        ("spf=pass smtp.helo=union.example", ("spf", "pass", "")),
        (
            "dmarc=pass (p=none; sp=none) header.from=union.example",
            ("dmarc", "pass", "union.example"),
        ),
        ("dmarc=pass header.from=a.example header.from=b.example", ("dmarc", "pass", "")),
        ("dmarc=pass header.from=localhost", ("dmarc", "pass", "")),
        ("iprev=pass policy.iprev=192.0.2.1", ("iprev", "pass", "")),
        ("auth=pass smtp.auth=anna", ("auth", "pass", "")),
        (
            r"spf=pass (a \) b \( (nested)) smtp.mailfrom=union.example",
            ("spf", "pass", "union.example"),
        ),
        (
            "dkim=fail (dkim=pass header.d=x.example;) header.d=a.example",
            ("dkim", "fail", "a.example"),
        ),
    ],
)
def test_a_result_is_read_with_the_domain_that_it_is_about(
    value: str, expected: tuple[str, str, str]
) -> None:
    assert result(value) == AuthResult(OURS, *expected)


@pytest.mark.parametrize(
    "value",
    [
        "none",
        "",
        "pass",
        "dkim=",
        "=pass",
        "dkim=pass (unclosed header.d=union.example",
        "dkim=pass ) header.d=union.example",
        'dkim=pass reason="unclosed header.d=union.example',
        "dkim=pass header.d=union.example and words",
        "dkim=p@ss",
        "dkim=pass header.d=union.example; spf",
        "dkim=pass header.d=union.example" + " " * 9000 + ".evil.example",
    ],
)
def test_what_is_malformed_is_not_believed_at_all(value: str) -> None:
    assert result(value) is None


def test_the_order_is_kept_and_one_field_may_say_much() -> None:
    field = (
        "Authentication-Results: mx.picket.example 1;\n"
        " dkim=pass header.d=a.example; spf=fail smtp.mailfrom=b.example;\n"
        " dmarc=none header.from=union.example;"
    )
    assert [each.method for each in read(field).results] == ["dkim", "spf", "dmarc"]


def test_our_own_servers_word_above_or_below_its_trace_is_trusted() -> None:
    assert proves(PASS, BY_US)
    assert proves(BY_US, PASS)
    assert proves("Received: by 2001:db8::2 with LMTP", BY_US, PASS)
    assert proves("Received: from localhost (localhost) by localhost with LMTP", PASS)
    assert proves("Received: from mx.picket.example by inner.mx.picket.example", PASS, BY_US)


def test_a_name_in_capitals_or_with_a_dot_is_the_same_server() -> None:
    assert proves(PASS.replace("mx.picket.example", "MX.Picket.Example."))
    assert authentication.trusted(read(PASS), " MX.picket.example ") == read(PASS).results


def test_a_verdict_that_came_with_the_message_is_not_ours() -> None:
    assert not proves("Received: from x by mx.union.example", PASS)
    assert not proves(BY_US, "Received: from x by mx.union.example", PASS)
    assert not proves(BY_US, "Received: from nowhere", PASS)
    assert not proves(BY_US, "Received: (unclosed by mx.picket.example", PASS)
    assert not proves(BY_US, "Received: from x by example", PASS)


def test_below_our_own_verdict_a_second_under_our_name_says_nothing() -> None:
    ours = "Authentication-Results: mx.picket.example; dmarc=fail header.from=union.example"
    assert not proves(ours, PASS)
    assert not proves(BY_US, ours, PASS)


def test_below_a_verdict_that_cannot_be_read_nothing_is_believed() -> None:
    ours = "Authentication-Results: mx.picket.example; spf=fail smtp.mailfrom=(@union.example"
    assert not proves(ours, PASS)
    assert read(ours, PASS).results == ()


def test_other_servers_and_servers_without_a_name_are_not_trusted() -> None:
    assert not proves(PASS.replace("mx.picket", "mx.elsewhere"))
    nameless = "Authentication-Results: spf=pass (x) smtp.mailfrom=union.example; dkim=pass"
    assert [each.authserv for each in read(nameless).results] == ["", ""]
    assert not proves(nameless)
    assert authentication.trusted(read(nameless), "") == ()


def test_a_quoted_name_is_a_name() -> None:
    assert proves(PASS.replace("mx.picket.example", '"mx.picket.example"', 1))


def test_only_a_pass_for_the_authors_domain_counts() -> None:
    start = "Authentication-Results: mx.picket.example; "
    assert proves(start + "spf=pass smtp.mailfrom=bounce.union.example")
    assert not proves(start + "spf=pass smtp.mailfrom=eve.example")
    assert not proves(start + "spf=softfail smtp.mailfrom=union.example")
    assert not proves(start + "iprev=pass header.from=union.example")
    assert not proves(start + "spf=pass smtp.helo=union.example")


def test_hundreds_of_fields_are_read_in_part() -> None:
    many = [
        f"Authentication-Results: mx{n}.example; spf=pass smtp.mailfrom=a.example; dkim=none"
        for n in range(300)
    ]
    assert len(read(*many).results) == 50
