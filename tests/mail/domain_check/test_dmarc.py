"""DMARC: a policy for every domain in From, where receivers find it, that protects."""

import pytest
from tests.dns_server import DnsServer
from tests.mail.domain_check.conftest import Asking
from tests.mail.domain_check.zones import DOMAIN, LETTERS, levels, records_of

from picketline.mail.domain_check import dmarc
from picketline.mail.domain_check.findings import Level


def _say(dns: DnsServer, *records: str, holder: str = DOMAIN) -> None:
    dns.remove(f"_dmarc.{holder}", "TXT")
    for record in records:
        dns.add(f'_dmarc.{holder} TXT "{record}"')


def test_the_organisations_policy_is_found(ask: Asking) -> None:
    (found,) = dmarc.findings(ask(), LETTERS)
    assert found.level is Level.OK
    assert found.what == f"_dmarc.{DOMAIN} asks for reject."


@pytest.mark.parametrize(
    "record",
    [
        "v=DMARC1; p=quarantine; sp=reject; adkim=s; aspf=s; pct=50",
        "v=DMARC1;p=Reject;rua=mailto:a@picket.example!10m, mailto:b@reports.picket.example",
        "v = DMARC1 ; p = none ; sp = reject",
    ],
)
def test_stricter_policies_are_as_good_since_all_our_domains_are_one(
    dns: DnsServer, ask: Asking, record: str
) -> None:
    _say(dns, record, "some other text")
    assert levels(dmarc.findings(ask(), LETTERS)) == [Level.OK]


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        ([], Level.FAULT, "no DMARC policy"),
        (["v=DMARC2; p=reject"], Level.FAULT, "no DMARC policy"),
        (["v=DMARC1; p=reject", "v=DMARC1; p=none"], Level.FAULT, "has 2 policies"),
        (["v=DMARC1"], Level.FAULT, "no usable p="),
        (["v=DMARC1; p=block"], Level.FAULT, "no usable p="),
        (["v=DMARC1; reject"], Level.FAULT, "cannot be read"),
        (["v=DMARC1; p=none"], Level.ADVICE, "p=none"),
        (["v=DMARC1; p=reject; sp=none"], Level.ADVICE, "sp=none"),
        (["v=DMARC1; p=reject; adkim=x; pct=101"], Level.WARNING, "adkim, pct"),
        (["v=DMARC1; p=reject; rua=dmarc@picket.example"], Level.WARNING, "no mailto: address"),
        (
            ["v=DMARC1; p=reject; rua=mailto:a@picket.example,https://b.example"],
            Level.WARNING,
            "no mailto: address",
        ),
        (["v=DMARC1; p=reject; rua=mailto:a@reports.example"], Level.ADVICE, "takes reports"),
    ],
)
def test_what_is_wrong_is_named_and_the_record_to_publish_mends_it(
    dns: DnsServer, ask: Asking, records: list[str], level: Level, words: str
) -> None:
    _say(dns, *records)
    found = dmarc.findings(ask(), LETTERS)
    assert levels(found) == [level]
    assert words in found[0].what
    dns.publish(records_of(found))
    assert levels(dmarc.findings(ask(), LETTERS)) == [Level.OK]


def test_a_policy_for_subdomains_that_means_nothing_is_named(dns: DnsServer, ask: Asking) -> None:
    _say(dns, "v=DMARC1; p=reject; sp=nothing")
    found = dmarc.findings(ask(), LETTERS)
    assert levels(found) == [Level.FAULT]
    dns.publish(found[0].publish)
    assert levels(dmarc.findings(ask(), LETTERS)) == [Level.OK]
    _say(dns, "v=DMARC1; p=reject; sp=nothing", holder=LETTERS)
    found = dmarc.findings(ask(), LETTERS)
    assert levels(found) == [Level.WARNING]
    dns.publish(found[0].publish)
    assert levels(dmarc.findings(ask(), LETTERS)) == [Level.OK]


def test_what_else_a_policy_says_is_kept(dns: DnsServer, ask: Asking) -> None:
    _say(dns, "v=DMARC1; p=none; rua=mailto:dmarc@picket.example; fo=1")
    (found,) = dmarc.findings(ask(), LETTERS)
    text = "v=DMARC1; p=quarantine; rua=mailto:dmarc@picket.example; fo=1"
    assert found.publish == f'_dmarc.{DOMAIN}. TXT "{text}"'


def test_the_domains_own_policy_counts_before_its_parents(dns: DnsServer, ask: Asking) -> None:
    _say(dns, "v=DMARC1; p=none", holder=LETTERS)
    (found,) = dmarc.findings(ask(), LETTERS)
    assert found.level is Level.ADVICE
    assert found.publish == f'_dmarc.{LETTERS}. TXT "v=DMARC1; p=quarantine"'


def test_a_policy_between_the_domain_and_the_organisation_may_be_missed(
    dns: DnsServer, ask: Asking
) -> None:
    _say(dns)
    _say(dns, "v=DMARC1; p=reject", holder="unions.picket.example")
    deep = "letters.unions.picket.example"
    found = dmarc.findings(ask(), deep)
    assert levels(found) == [Level.ADVICE]
    assert "older receivers" in found[0].what
    dns.publish(found[0].publish)
    assert levels(dmarc.findings(ask(), deep)) == [Level.OK]
