"""SPF: each fault is named, and the record to publish mends it."""

from ipaddress import ip_address

import pytest
from tests.dns_server import DnsServer, Fault
from tests.mail.domain_check.conftest import Asking
from tests.mail.domain_check.zones import (
    ADDRESS,
    DOMAIN,
    LETTERS,
    SENDER,
    levels,
    records_of,
)

from picketline.mail.domain_check import spf, spf_walk
from picketline.mail.domain_check.asking import NotAnswered
from picketline.mail.domain_check.findings import Address, Level, Sender
from picketline.mail.domain_check.spf_terms import SpfSyntax, expand, parse

_SIX: Address = ip_address("2001:db8::25")


def _say(dns: DnsServer, *records: str, name: str = LETTERS) -> None:
    dns.remove(name, "TXT")
    for record in records:
        dns.add(f'{name} TXT "{record}"')


def test_a_record_that_names_the_host_and_nobody_else_is_right(ask: Asking) -> None:
    (found,) = spf.findings(ask(), SENDER, LETTERS)
    assert found.level is Level.OK
    assert found.what == "The record names 192.0.2.25; 0 of 10 lookups."


_WRONG = {
    (): (Level.FAULT, "There is no SPF record."),
    ("v=spf1 -all", "v=spf1 ip4:192.0.2.25 -all"): (Level.FAULT, "There are 2 SPF records"),
    ("v=spf1 -all",): (Level.FAULT, "does not name 192.0.2.25: its answer is fail"),
    ("v=spf1 ip4:192.0.2.26 ~all",): (Level.FAULT, "its answer is softfail"),
    ("v=spf1 +all",): (Level.FAULT, "lets anybody send"),
    ("v=spf1 all",): (Level.FAULT, "lets anybody send"),
    ("v=spf1 include:open.example -all",): (Level.FAULT, "lets anybody send"),
    ("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all",): (Level.FAULT, "lets anybody send"),
    ("v=spf1 ip4:192.0.2.25",): (Level.WARNING, "does not end in -all or ~all"),
    ("v=spf1 ip4:192.0.2.25 ?all",): (Level.WARNING, "does not end in -all or ~all"),
    ("v=spf1 ip4:192.0.2.25 redirect=half.example",): (Level.WARNING, "does not end in -all"),
    ("v=spf1 ip4:192.0.2.25 ptr -all",): (Level.WARNING, "uses ptr"),
    ("v=spf1 ipv4:192.0.2.25 -all",): (Level.FAULT, "'ipv4:192.0.2.25' is no term of SPF"),
    ("v=spf1 ip4:192.0.2.256 -all",): (Level.FAULT, "has no address"),
    ("v=spf1 a:none1.example a:none2.example a:none3.example -all",): (
        Level.FAULT,
        "more than 2 of its names do not exist",
    ),
    ("v=spf1 include:nothing.example -all",): (Level.FAULT, "nothing.example has no SPF record"),
    ("v=spf1 include:double.example -all",): (Level.FAULT, "double.example has 2 SPF records"),
    ("v=spf1 include:letters.picket.example -all",): (Level.FAULT, "includes itself"),
    ("v=spf1 include:loop1.example -all",): (Level.FAULT, "loop1.example includes itself"),
    ("v=spf1 " + "a:mail.picket.example " * 11 + "-all",): (
        Level.FAULT,
        "needs more than 10 lookups",
    ),
    ("v=spf1 include:chain0.example -all",): (Level.FAULT, "needs more than 10 lookups"),
    ("v=spf1 mx:crowd.example -all",): (Level.FAULT, "more than 10 MX records"),
}


@pytest.mark.parametrize("records", _WRONG, ids=lambda records: " + ".join(records)[:60])
def test_what_is_wrong_is_named_and_the_record_to_publish_mends_it(
    dns: DnsServer, ask: Asking, records: tuple[str, ...]
) -> None:
    _say(dns, "v=spf1 +all", name="open.example")
    _say(dns, "v=spf1 -all", "v=spf1 ~all", name="double.example")
    _say(dns, "v=spf1 a:mail.picket.example", name="half.example")
    _say(dns, "v=spf1 include:loop2.example -all", name="loop1.example")
    _say(dns, "v=spf1 include:loop1.example -all", name="loop2.example")
    for number in range(12):
        _say(dns, f"v=spf1 include:chain{number + 1}.example", name=f"chain{number}.example")
        dns.add(f"crowd.example MX 10 mx{number}.example.")
    _say(dns, *records)
    level, words = _WRONG[records]
    found = spf.findings(ask(), SENDER, LETTERS)
    assert levels(found) == [level]
    assert words in found[0].what
    assert found[0].publish.startswith(f'{LETTERS}. TXT "v=spf1 ')
    dns.publish(records_of(found))
    assert levels(spf.findings(ask(), SENDER, LETTERS)) == [Level.OK]


@pytest.mark.parametrize(
    ("there", "published"),
    [
        ("v=spf1 a:web.example ~all", "v=spf1 ip4:192.0.2.25 a:web.example ~all"),
        ("v=spf1 a:web.example ?all", "v=spf1 ip4:192.0.2.25 a:web.example -all"),
        ("v=spf1 ptr redirect=half.example", "v=spf1 ip4:192.0.2.25 include:half.example -all"),
    ],
)
def test_what_else_a_record_says_is_kept(
    dns: DnsServer, ask: Asking, there: str, published: str
) -> None:
    dns.add("web.example A 192.0.2.80")
    _say(dns, "v=spf1 ip4:192.0.2.9", name="half.example")
    _say(dns, there)
    found = spf.findings(ask(), SENDER, LETTERS)
    assert {finding.publish for finding in found} == {f'{LETTERS}. TXT "{published}"'}


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 a:mail.picket.example -all",
        "v=spf1 A:mail.picket.example/31 -ALL",
        "V=SPF1 mx -all",
        "v=spf1 mx/24//64 -all",
        "v=spf1 include:half.example ~all",
        "v=spf1 redirect=whole.example",
        "v=spf1 -exists:no.example ip4:192.0.2.0/24 -all exp=why.example",
        "v=spf1 exists:%{ir}.%{v}.%{d2}.list.example -all",
        "v=spf1 ?ip6:2001:db8::/32 ip4:192.0.2.25 unknown=%{x} -all",
    ],
)
def test_every_way_to_name_a_host_is_understood(dns: DnsServer, ask: Asking, record: str) -> None:
    _say(dns, "v=spf1 ip4:192.0.2.25", name="half.example")
    _say(dns, "v=spf1 ip4:192.0.2.25 -all", name="whole.example")
    dns.add("25.2.0.192.in-addr.picket.example.list.example A 127.0.0.2")
    _say(dns, record)
    assert levels(spf.findings(ask(), SENDER, LETTERS)) == [Level.OK]


def test_each_sending_address_must_be_named(dns: DnsServer, ask: Asking) -> None:
    both = Sender(DOMAIN, SENDER.ehlo, (ADDRESS, _SIX))
    (found,) = spf.findings(ask(), both, LETTERS)
    assert "does not name 2001:db8::25" in found.what
    assert 'TXT "v=spf1 ip6:2001:db8::25 ip4:192.0.2.25 -all"' in found.publish
    dns.publish(found.publish)
    assert levels(spf.findings(ask(), both, LETTERS)) == [Level.OK]


def test_where_nobody_knows_the_address_the_record_is_only_read(
    dns: DnsServer, ask: Asking
) -> None:
    nobody = Sender(DOMAIN, None, ())
    assert levels(spf.findings(ask(), nobody, LETTERS)) == [Level.ADVICE]
    _say(dns)
    (found,) = spf.findings(ask(), nobody, LETTERS)
    assert found.publish == f'{LETTERS}. TXT "v=spf1 a:mail.{DOMAIN} -all"'
    assert spf.greeting_findings(ask(), nobody) == []


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.SILENCE, Fault.REFUSED])
def test_silence_is_not_taken_for_a_missing_record(
    dns: DnsServer, ask: Asking, fault: Fault
) -> None:
    dns.faults["slow.example"] = fault
    _say(dns, "v=spf1 include:slow.example -all")
    asker = ask()
    asker.patience = 0.2
    with pytest.raises(NotAnswered, match=r"slow\.example TXT"):
        spf.findings(asker, SENDER, LETTERS)


@pytest.mark.parametrize(
    ("records", "level"),
    [
        (["v=spf1 a -all"], Level.OK),
        ([], Level.ADVICE),
        (["v=spf1 -all"], Level.WARNING),
        (["v=spf1 -all", "v=spf1 a -all"], Level.WARNING),
        (["v=spf1 nonsense"], Level.WARNING),
    ],
)
def test_the_name_in_ehlo_has_a_record_too(
    dns: DnsServer, ask: Asking, records: list[str], level: Level
) -> None:
    _say(dns, *records, name=SENDER.host)
    found = spf.greeting_findings(ask(), SENDER)
    assert levels(found) == [level]
    dns.publish(records_of(found))
    assert levels(spf.greeting_findings(ask(), SENDER)) == [Level.OK]


def test_a_thousand_terms_and_ten_thousand_strings_end_quickly(dns: DnsServer, ask: Asking) -> None:
    dns.add(f"{LETTERS} TXT " + '"x" ' * 10_000)
    asker = ask()
    assert levels(spf.findings(asker, SENDER, LETTERS)) == [Level.OK]
    _say(dns, "v=spf1")
    dns.remove(LETTERS, "TXT")
    dns.add(f'{LETTERS} TXT "v=spf1" ' + '" include:a.letters.picket.example" ' * 1_000)
    asker = ask()
    assert levels(spf.findings(asker, SENDER, LETTERS)) == [Level.FAULT]
    assert asker.questions < 15


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("include:", "names no domain"),
        ("include", "names no domain"),
        (["a:two", "words"][0] + "%", "names no domain"),
        ("exists:%{q}.example", "names no domain"),
        ("exists:%{d0}.example", "keeps nothing"),
        ("all:example", "is no term"),
        ("all/24", "is no term"),
        ("a/33", "prefix that is too long"),
        ("a//129", "prefix that is too long"),
        ("ip4:2001:db8::1", "of the other kind"),
        ("ip6:192.0.2.1", "of the other kind"),
        ("ip4:192.0.2.0/255.255.255.0", "netmask"),
        ("redirect=", "names no domain"),
        ("redirect=a.example redirect=b.example", "redirect= more than once"),
        ("-", "is no term"),
    ],
)
def test_a_term_that_is_none_is_named(word: str, words: str) -> None:
    with pytest.raises(SpfSyntax, match=words):
        parse(f"v=spf1 {word} -all")


@pytest.mark.parametrize(
    ("spec", "address", "expanded"),
    [  # after RFC 7208 §7.4, for postmaster@email.example.com
        ("%{d}", ADDRESS, "email.example.com"),
        ("%{d2}", ADDRESS, "example.com"),
        ("%{dr}", ADDRESS, "com.example.email"),
        ("%{d2r}", ADDRESS, "example.email"),
        ("%{l}.%{o}", ADDRESS, "postmaster.email.example.com"),
        ("%{s}", ADDRESS, "postmaster@email.example.com"),
        ("%{ir}.%{v}._spf.%{d2}", ADDRESS, "25.2.0.192.in-addr._spf.example.com"),
        ("%{i}.%{v}", _SIX, f"2.0.0.1.0.d.b.8.{'0.' * 22}2.5.ip6"),
        ("%%.%_.%-", ADDRESS, "%. .%20"),
        ("%{p}", ADDRESS, "unknown"),
    ],
)
def test_macros_are_expanded_as_receivers_do(spec: str, address: Address, expanded: str) -> None:
    assert expand(spec, "email.example.com", address) == expanded


def test_a_stranger_is_meant_by_no_list_that_depends_on_who_sends(
    dns: DnsServer, ask: Asking
) -> None:
    record = "v=spf1 exists:%{i}.list.example -all"
    walk = spf_walk.Walk(ask(), None)
    assert spf_walk.result(walk, LETTERS, record) == "fail"
    assert walk.lookups == 1
    assert dns.asked == []
