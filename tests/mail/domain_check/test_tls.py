"""TLS: the way to the relay and to the exchangers, as far as a stranger can see it."""

import socket
import ssl

import pytest
from tests.mail.certificates import Authority
from tests.mail.domain_check.zones import levels
from tests.mail.scripted_server import PLAIN_OFFERS, Fault, Script, ScriptedServer

from picketline.mail.domain_check import tls
from picketline.mail.domain_check.findings import Level
from picketline.mail.routes import Route, Security

_OFFERS = (*PLAIN_OFFERS, "STARTTLS")


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "_PATIENCE", 1.0)


def _route(server: ScriptedServer, security: Security, authority: Authority) -> Route:
    return Route("127.0.0.1", server.port, security, ca_file=authority.ca_file)


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [(30, Level.OK, "holds for 29 days"), (5, Level.WARNING, "holds for 4 days. Renew it.")],
)
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_relay_with_a_valid_certificate_is_asked_how_long_it_holds(
    authority: Authority, security: Security, days: int, level: Level, words: str
) -> None:
    script = Script(
        offers=_OFFERS,
        tls=authority.server(days=days),
        tls_from_the_start=security is Security.TLS,
    )
    with ScriptedServer(script) as server:
        (found,) = tls.relay(_route(server, security, authority))
    assert found.level is level
    assert words in found.what
    assert "TLSv1.3" in found.what
    assert found.subject == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("fault", ["expired", "strange", "of another host", "old"])
def test_a_relay_that_cannot_prove_itself_is_a_fault(authority: Authority, fault: str) -> None:
    context = {
        "expired": lambda: authority.server(days=-1),
        "strange": lambda: authority.server(trusted=False),
        "of another host": lambda: authority.server("127.0.0.2"),
        "old": lambda: _old(authority.server()),
    }[fault]()
    with ScriptedServer(Script(offers=_OFFERS, tls=context)) as server:
        (found,) = tls.relay(_route(server, Security.STARTTLS, authority))
    assert found.level is Level.FAULT
    assert "fails at tls" in found.what
    assert "Its certificate must be valid" in found.what or fault == "old"


def _old(context: ssl.SSLContext) -> ssl.SSLContext:
    """Speaks nothing newer than TLS 1.1, which OpenSSL itself calls insecure."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_relay_on_this_machine_needs_no_tls(host: str) -> None:
    with ScriptedServer() as server:
        (found,) = tls.relay(Route(host, server.port, Security.NONE))
    assert found.level is Level.OK
    assert "on this machine" in found.what


def test_a_relay_elsewhere_without_tls_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    monkeypatch.setattr(tls, "_is_this_machine", lambda host: False)
    with ScriptedServer() as server:
        (found,) = tls.relay(_route(server, Security.NONE, authority))
    assert found.level is Level.WARNING
    assert found.publish.endswith(f":{server.port}?security=starttls")


def test_a_relay_that_is_not_there_or_refuses_is_a_fault(authority: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    (found,) = tls.relay(Route("localhost", port, Security.NONE))
    assert (found.level, "fails at connect" in found.what) == (Level.FAULT, True)
    with ScriptedServer(Script(answers={"GREETING": b"554 go \x1b[31maway\r\n"})) as server:
        (found,) = tls.relay(_route(server, Security.NONE, authority))
    assert "fails at greeting (554 go" in found.what
    assert "\x1b" not in found.what


def test_a_relay_that_refuses_the_login_is_a_fault(authority: Authority) -> None:
    offers = (*PLAIN_OFFERS, "AUTH PLAIN")
    script = Script(
        offers=_OFFERS,
        offers_in_tls=offers,
        tls=authority.server(),
        answers={"AUTH": b"535 5.7.8 no\r\n"},
    )
    with ScriptedServer(script) as server:
        route = Route(
            "127.0.0.1", server.port, Security.STARTTLS, "user", "secret", "h", authority.ca_file
        )
        (found,) = tls.relay(route)
    assert (found.level, "fails at auth (535" in found.what) == (Level.FAULT, True)
    assert "secret" not in found.what


def test_a_certificate_that_could_not_be_looked_at_is_a_warning(authority: Authority) -> None:
    greetings = [b"220 come in\r\n", b"421 too many\r\n"]
    script = Script(offers=_OFFERS, tls=authority.server(), answers={"GREETING": list(greetings)})
    with ScriptedServer(script) as server:
        (found,) = tls.relay(_route(server, Security.STARTTLS, authority))
    assert found.level is Level.WARNING
    assert "it answered 421 too many" in found.what


def _exchanger(server: ScriptedServer, authority: Authority) -> list[Level]:
    found = tls.exchanger("127.0.0.1", "127.0.0.1", server.port, "doctor", authority.ca_file)
    return levels(found)


def test_an_exchanger_is_reached_by_starttls_on_its_port(authority: Authority) -> None:
    with ScriptedServer(Script(offers=_OFFERS, tls=authority.server(days=20))) as server:
        assert _exchanger(server, authority) == [Level.OK]
    assert server.lines[0] == b"EHLO doctor"


@pytest.mark.parametrize(
    ("script", "trusted", "words"),
    [
        (Script(), True, "does not offer STARTTLS"),
        (Script(offers=_OFFERS, answers={"STARTTLS": b"454 not now\r\n"}), True, "454 not now"),
        (Script(answers={"GREETING": Fault.SILENCE}), True, "timed out"),
        (Script(answers={"EHLO": b"nonsense\r\n"}), True, "not an SMTP reply"),
        (Script(offers=_OFFERS), False, "does not prove the exchanger"),
    ],
    ids=["no offer", "refusal", "silence", "nonsense", "untrusted"],
)
def test_an_exchanger_without_proven_tls_is_no_more_than_a_warning(
    authority: Authority, script: Script, trusted: bool, words: str
) -> None:
    script.tls = authority.server(trusted=trusted)
    with ScriptedServer(script) as server:
        (found,) = tls.exchanger("127.0.0.1", "127.0.0.1", server.port, "doctor", authority.ca_file)
    assert found.level is Level.WARNING
    assert words in found.what
