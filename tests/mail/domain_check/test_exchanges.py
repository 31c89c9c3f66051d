"""MX: whatever is sent back to us must find a host."""

import pytest
from tests.dns_server import DnsServer
from tests.mail.domain_check.conftest import Asking
from tests.mail.domain_check.zones import DOMAIN, SENDER, levels, records_of

from picketline.mail.domain_check import exchanges
from picketline.mail.domain_check.findings import Level, Sender

_NAME = f"copies.{DOMAIN}"


def _say(dns: DnsServer, *records: str) -> None:
    dns.remove(_NAME, "MX")
    for record in records:
        dns.add(record)


def test_an_exchanger_with_an_address_is_right(ask: Asking) -> None:
    (found,) = exchanges.findings(ask(), SENDER, _NAME)
    assert found.level is Level.OK
    assert found.what == f"Mail goes to mail.{DOMAIN}."


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        ([], Level.FAULT, "no MX record"),
        ([f"{_NAME} A 192.0.2.25"], Level.WARNING, "own address"),
        ([f"{_NAME} MX 0 ."], Level.FAULT, "null MX"),
        ([f"{_NAME} MX 10 192.0.2.25."], Level.FAULT, "where a name must stand"),
        ([f"{_NAME} MX 10 gone.example."], Level.FAULT, "gone.example, where mail should go"),
        (
            [f"{_NAME} MX 10 alias.example.", f"alias.example CNAME mail.{DOMAIN}."],
            Level.FAULT,
            f"an alias; it must name mail.{DOMAIN}",
        ),
    ],
)
def test_what_is_wrong_is_named_and_the_record_to_publish_mends_it(
    dns: DnsServer, ask: Asking, records: list[str], level: Level, words: str
) -> None:
    _say(dns, *records)
    found = exchanges.findings(ask(), SENDER, _NAME)
    assert levels(found) == [level]
    assert words in found[0].what
    assert found[0].publish == f"{_NAME}. MX 10 mail.{DOMAIN}."
    dns.publish(records_of(found))
    assert levels(exchanges.findings(ask(), SENDER, _NAME)) == [Level.OK]


def test_the_address_of_our_own_host_is_to_be_published(dns: DnsServer, ask: Asking) -> None:
    dns.remove(f"mail.{DOMAIN}", "A")
    (found,) = exchanges.findings(ask(), SENDER, _NAME)
    assert found.publish == f"mail.{DOMAIN}. A 192.0.2.25"
    dns.publish(found.publish)
    assert levels(exchanges.findings(ask(), SENDER, _NAME)) == [Level.OK]
    nobody = Sender(DOMAIN, None, ())
    dns.remove(f"mail.{DOMAIN}", "A")
    assert levels(exchanges.findings(ask(), nobody, _NAME)) == [Level.FAULT]


def test_a_thousand_exchangers_are_not_all_followed(dns: DnsServer, ask: Asking) -> None:
    _say(dns, *(f"{_NAME} MX {number} n{number}.example." for number in range(1_000)))
    assert set(levels(exchanges.findings(ask(), SENDER, _NAME))) == {Level.FAULT}
    assert len(dns.asked) < 40
    assert len(exchanges.hosts(ask(), [_NAME])) == 10
