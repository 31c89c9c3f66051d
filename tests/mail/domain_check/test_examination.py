"""The whole examination: a good zone is content, an empty one becomes good by what it is told."""

import pytest
from tests.dns_server import DnsServer, Fault
from tests.mail.domain_check.conftest import Asking
from tests.mail.domain_check.zones import (
    ADDRESS,
    DOMAIN,
    KEYS,
    LETTERS,
    SENDER,
    STREAMS,
    good_zone,
    levels,
    records_of,
)
from tests.mail.scripted_server import Script, ScriptedServer

from picketline.mail.domain_check import asking, examination
from picketline.mail.domain_check.findings import (
    Level,
    Sender,
    address_records,
    shown,
    txt_record,
)


def test_a_good_zone_has_nothing_to_mend(ask: Asking) -> None:
    found = examination.domain(ask(), SENDER, KEYS)
    assert set(levels(found)) == {Level.OK}
    assert [finding.publish for finding in found if finding.publish] == []
    assert {finding.check for finding in found} == {"SPF", "DKIM", "DMARC", "PTR", "MX"}
    assert len(found) == 4 + 1 + 4 + 4 + 1 + 6


def test_an_empty_zone_becomes_good_by_publishing_what_is_said() -> None:
    who = Sender(DOMAIN, f"mail.{DOMAIN}", (ADDRESS,))
    with DnsServer() as dns:
        server = [f"127.0.0.1:{dns.port}"]
        found = examination.domain(asking.asker(server), who, KEYS)
        assert Level.FAULT in levels(found)
        dns.publish(records_of(found))
        again = examination.domain(asking.asker(server), who, KEYS)
    assert set(levels(again)) == {Level.OK}


@pytest.mark.parametrize("record", good_zone())
def test_any_record_that_is_missing_is_missed_and_told(
    dns: DnsServer, ask: Asking, record: str
) -> None:
    name, kind, _ = record.split(None, 2)
    dns.remove(name, kind)
    found = examination.domain(ask(), SENDER, KEYS)
    assert set(levels(found)) > {Level.OK}
    dns.publish(records_of(found))
    assert set(levels(examination.domain(ask(), SENDER, KEYS))) == {Level.OK}


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED])
def test_what_could_not_be_asked_is_a_warning_that_asks_to_publish_nothing(
    dns: DnsServer, ask: Asking, fault: Fault
) -> None:
    names = {record.split()[0] for record in good_zone()}
    dns.faults = dict.fromkeys([*names, f"_dmarc.{LETTERS}"], fault)
    dns.faults |= {f"_dmarc.{label}.{DOMAIN}": fault for label in STREAMS}
    found = examination.domain(ask(), SENDER, KEYS)
    assert set(levels(found)) == {Level.WARNING}
    assert records_of(found) == ""
    assert "could not be checked" in found[0].what


def test_the_addresses_of_the_sender_are_those_of_its_name(dns: DnsServer, ask: Asking) -> None:
    assert examination.sender(ask(), DOMAIN, SENDER.ehlo, []) == (SENDER, [])
    assert examination.sender(ask(), DOMAIN, None, [ADDRESS]) == (
        Sender(DOMAIN, None, (ADDRESS,)),
        [],
    )
    assert dns.asked == [(f"mail.{DOMAIN}", "A"), (f"mail.{DOMAIN}", "AAAA")]


@pytest.mark.parametrize(
    ("ehlo", "level"),
    [(None, Level.WARNING), ("gone.example", Level.FAULT), ("slow.example", Level.WARNING)],
)
def test_a_sender_without_addresses_is_asked_for_them(
    dns: DnsServer, ask: Asking, ehlo: str | None, level: Level
) -> None:
    dns.faults["slow.example"] = Fault.SERVFAIL
    who, found = examination.sender(ask(), DOMAIN, ehlo, [])
    assert who == Sender(DOMAIN, ehlo, ())
    assert levels(found) == [level]
    assert "ive --" in found[0].what


def test_every_exchanger_is_tried_once(dns: DnsServer, ask: Asking) -> None:
    dns.publish(f"mail.{DOMAIN} A 127.0.0.1")
    with ScriptedServer(Script()) as server:
        found = examination.exchangers(ask(), SENDER, STREAMS, server.port)
    assert [(each.check, each.subject) for each in found] == [
        ("TLS", f"mail.{DOMAIN}:{server.port}")
    ]
    assert server.lines[0] == f"EHLO mail.{DOMAIN}".encode()


def test_long_texts_are_split_and_a_strangers_signs_are_escaped() -> None:
    assert txt_record("a.example", "x" * 300) == f'a.example. TXT "{"x" * 255}" "{"x" * 45}"'
    assert txt_record("a.example", 'a"b\\c\x1bd') == r'a.example. TXT "a\"b\\c\027d"'
    assert txt_record("a.example", "") == 'a.example. TXT ""'
    assert shown("a\x1b[1m" + "x" * 200) == "a?[1m" + "x" * 155 + "…"
    assert address_records("a.example", []) == ""
