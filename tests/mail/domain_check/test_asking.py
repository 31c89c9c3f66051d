"""Questions to the DNS: silence is told from absence, and hostile answers end quickly."""

import socket
from ipaddress import ip_address

import pytest
from dns import resolver
from tests.dns_server import DnsServer, Fault
from tests.mail.domain_check.conftest import Asking
from tests.mail.domain_check.zones import LETTERS

from picketline.mail.domain_check import asking
from picketline.mail.domain_check.asking import NoServer, NotAnswered


def test_what_does_not_exist_is_empty_and_asked_for_once(dns: DnsServer, ask: Asking) -> None:
    asker = ask()
    assert asking.texts(asker, "no.picket.example") == []
    assert asking.texts(asker, "No.Picket.Example.") == []
    assert asking.names(asker, LETTERS, "CNAME") == []
    assert len(dns.asked) == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.SERVFAIL, "failed, refused"),
        (Fault.REFUSED, "failed, refused"),
        (Fault.SILENCE, "came in time"),
        (Fault.NONSENSE, "no "),
    ],
)
def test_a_server_without_an_answer_is_not_an_answer(
    dns: DnsServer, ask: Asking, fault: Fault, words: str
) -> None:
    dns.faults[LETTERS] = fault
    asker = ask()
    asker.patience = 0.2
    for _ in range(2):
        with pytest.raises(NotAnswered, match=words):
            asking.texts(asker, LETTERS)
    assert asker.questions == 1


def test_what_is_too_long_for_udp_comes_by_tcp(dns: DnsServer, ask: Asking) -> None:
    dns.faults[LETTERS] = Fault.TRUNCATED
    assert asking.texts(ask(), LETTERS) == ["v=spf1 ip4:192.0.2.25 -all"]
    assert dns.over_tcp == 1


def test_a_name_is_answered_behind_an_alias_but_not_in_a_circle(
    dns: DnsServer, ask: Asking
) -> None:
    dns.add("www.picket.example CNAME mail.picket.example.")
    dns.add("one.example CNAME two.example.")
    dns.add("two.example CNAME one.example.")
    assert asking.addresses(ask(), "www.picket.example") == [ip_address("192.0.2.25")]
    with pytest.raises(NotAnswered, match="circle"):
        asking.addresses(ask(), "one.example")


def test_names_that_cannot_be_asked_for_are_no_answers(ask: Asking) -> None:
    with pytest.raises(NotAnswered, match="EmptyLabel"):
        asking.texts(ask(), "a..example")
    with pytest.raises(NotAnswered, match="LabelTooLong"):
        asking.texts(ask(), "x" * 64 + ".example")


def test_texts_are_joined_and_free_of_what_is_not_ascii(dns: DnsServer, ask: Asking) -> None:
    dns.add(r'odd.example TXT "one\195\169" "two"')
    assert asking.texts(ask(), "odd.example") == ["one??two"]


def test_names_come_by_preference(dns: DnsServer, ask: Asking) -> None:
    for line in ("MX 20 B.example.", "MX 5 c.example.", "MX 10 a.example.", "MX 0 ."):
        dns.add(f"many.example {line}")
    expected = ["", "c.example", "a.example", "b.example"]
    assert asking.names(ask(), "many.example", "MX") == expected


def test_an_asker_asks_so_much_and_no_more(
    dns: DnsServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_QUESTIONS", 2)
    asker = ask()
    asking.texts(asker, "one.example")
    asking.texts(asker, "two.example")
    with pytest.raises(NotAnswered, match="too many"):
        asking.texts(asker, "three.example")
    assert len(dns.asked) == 2


def test_slow_servers_end_the_examination(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WHOLE_TIME", -1.0)
    with pytest.raises(NotAnswered, match="too slow"):
        asking.texts(ask(), LETTERS)


@pytest.mark.parametrize("server", ["127.0.0.1", "localhost:5353", "[::1]:5353", "::1"])
def test_a_name_server_is_a_host_with_a_port_or_without(server: str) -> None:
    if ":" in server.removesuffix(":5353") and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    (found,) = asking.asker([server]).resolver.nameservers
    assert str(found).endswith("@5353" if "5353" in server else "@53")


@pytest.mark.parametrize("server", ["", "a:b", "host:99999", "user@127.0.0.1", "127.0.0.1/x"])
def test_nonsense_is_no_name_server(server: str) -> None:
    with pytest.raises(NoServer, match="give HOST or HOST:PORT"):
        asking.asker([server])


def test_a_name_server_without_an_address_cannot_be_asked() -> None:
    with pytest.raises(NoServer, match="has no address"):
        asking.asker(["a..b"])


def test_a_system_without_any_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver.Resolver, "read_resolv_conf", _unconfigured)
    with pytest.raises(NoServer, match="--nameserver"):
        asking.asker()


def test_without_one_given_the_systems_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver.Resolver, "read_resolv_conf", _configured)
    assert asking.asker().resolver.nameservers == ["192.0.2.53"]


def _configured(made: resolver.Resolver, file: object) -> None:
    made.nameservers = ["192.0.2.53"]


def _unconfigured(made: object, file: object) -> None:
    raise resolver.NoResolverConfiguration
