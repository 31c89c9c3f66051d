"""PTR: from the address to the name and back."""

from ipaddress import ip_address

import pytest
from tests.dns_server import DnsServer
from tests.mail.domain_check.conftest import Asking
from tests.mail.domain_check.zones import ADDRESS, DOMAIN, SENDER, levels, records_of

from picketline.mail.domain_check import reverse
from picketline.mail.domain_check.findings import Address, Level, Sender

_REVERSE = "25.2.0.192.in-addr.arpa"


def _say(dns: DnsServer, *names: str) -> None:
    dns.remove(_REVERSE, "PTR")
    for name in names:
        dns.add(f"{_REVERSE} PTR {name}.")


def test_a_name_that_leads_there_and_back_is_right(ask: Asking) -> None:
    assert levels(reverse.findings(ask(), SENDER, ADDRESS)) == [Level.OK]


@pytest.mark.parametrize(
    ("names", "zone", "level", "words"),
    [
        ([], [], Level.FAULT, "no reverse name"),
        (["gone.example"], [], Level.FAULT, "does not lead back"),
        (["other.example"], ["other.example A 192.0.2.99"], Level.FAULT, "does not lead back"),
        (["other.example"], ["other.example A 192.0.2.25"], Level.ADVICE, "is other.example"),
    ],
)
def test_what_is_wrong_is_named_and_the_record_to_publish_mends_it(
    dns: DnsServer, ask: Asking, names: list[str], zone: list[str], level: Level, words: str
) -> None:
    _say(dns, *names)
    for line in zone:
        dns.add(line)
    found = reverse.findings(ask(), SENDER, ADDRESS)
    assert levels(found) == [level]
    assert words in found[0].what
    assert f"{_REVERSE}. PTR mail.{DOMAIN}." in found[0].publish
    dns.publish(records_of(found))
    assert levels(reverse.findings(ask(), SENDER, ADDRESS)) == [Level.OK]


def test_the_name_in_ehlo_must_lead_to_the_address_and_keeps_its_others(
    dns: DnsServer, ask: Asking
) -> None:
    dns.publish(f"mail.{DOMAIN} A 192.0.2.99")
    dns.add("other.example A 192.0.2.25")
    _say(dns, "other.example")
    found = reverse.findings(ask(), SENDER, ADDRESS)
    assert levels(found) == [Level.WARNING]
    assert "does not lead to this address" in found[0].what
    dns.publish(records_of(found))
    assert levels(reverse.findings(ask(), SENDER, ADDRESS)) == [Level.OK]
    assert f"mail.{DOMAIN}. A 192.0.2.99" in found[0].publish


def test_an_ipv6_address_has_a_reverse_name_too(dns: DnsServer, ask: Asking) -> None:
    six = ip_address("2001:db8::25")
    (found,) = reverse.findings(ask(), SENDER, six)
    assert found.level is Level.FAULT
    dns.publish(found.publish)
    assert levels(reverse.findings(ask(), SENDER, six)) == [Level.OK]
    assert levels(reverse.findings(ask(), SENDER, ADDRESS)) == [Level.OK]


def test_where_the_name_in_ehlo_is_not_known_the_way_back_is_still_checked(
    dns: DnsServer, ask: Asking
) -> None:
    nobody = Sender(DOMAIN, None, (ADDRESS,))
    assert levels(reverse.findings(ask(), nobody, ADDRESS)) == [Level.ADVICE]
    _say(dns)
    assert levels(reverse.findings(ask(), nobody, ADDRESS)) == [Level.FAULT]


@pytest.mark.parametrize("text", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "fd00::1", "::1"])
def test_an_address_that_nobody_outside_can_see_has_no_reverse_name(
    dns: DnsServer, ask: Asking, text: str
) -> None:
    address: Address = ip_address(text)
    assert levels(reverse.findings(ask(), SENDER, address)) == [Level.WARNING]
    assert dns.asked == []


def test_two_thousand_reverse_names_are_not_all_followed(dns: DnsServer, ask: Asking) -> None:
    _say(dns, *(f"n{number}.example" for number in range(2_000)))
    assert levels(reverse.findings(ask(), SENDER, ADDRESS)) == [Level.FAULT]
    assert len(dns.asked) < 30
