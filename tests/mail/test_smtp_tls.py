"""TLS and log-in: verified or not at all, and never a word in clear that belongs inside."""

import ssl
from base64 import b64encode
from dataclasses import replace

import pytest
from tests.mail.certificates import Authority
from tests.mail.dialogues import handed_over, letters
from tests.mail.scripted_server import PLAIN_OFFERS, Answer, Fault, Script, ScriptedServer

from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.smtp import ConnectFailed, Letter, Pending, Route, Security, Timeouts, connect

LETTER = b"Subject: a\r\n\r\ntext\r\n"
ENCRYPTED = pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
OFFERS = ("STARTTLS", *PLAIN_OFFERS)
PLAIN = b"AUTH PLAIN " + b64encode(b"\0us@er\0p:ss")


def script_for(
    security: Security, tls: ssl.SSLContext, answers: dict[str, Answer | list[Answer]] | None = None
) -> Script:
    return Script(
        answers or {},
        offers=OFFERS,
        offers_in_tls=(*PLAIN_OFFERS, "AUTH LOGIN plain"),
        tls=tls,
        tls_from_the_start=security is Security.TLS,
    )


def route_to(server: ScriptedServer, security: Security, authority: Authority) -> Route:
    timeouts = Timeouts(*[5.0] * 7)
    return Route("127.0.0.1", server.port, security, ca_file=authority.ca_file, timeouts=timeouts)


def failure(route: Route) -> Outcome:
    with pytest.raises(ConnectFailed) as failed:
        connect(route)
    return failed.value.outcome


@ENCRYPTED
def test_a_letter_goes_through_tls_and_not_a_word_of_it_in_clear(
    security: Security, authority: Authority
) -> None:
    with ScriptedServer(script_for(security, authority.server())) as server:
        route = replace(route_to(server, security, authority), username="us@er", password="p:ss")
        server.script.answers["AUTH"] = b"235 2.7.0 ok\r\n"
        with connect(route) as connection:
            offered = connection.offer("b@bounce.example", "a@company.example", LETTER)
            assert isinstance(offered, Pending)
            server.wait_until(lambda: server.text == LETTER)
            assert server.messages == []
            assert connection.commit(offered).kind is Kind.ACCEPTED
            assert connection.usable
    assert server.messages == [LETTER]
    assert PLAIN in server.lines
    expected = b"EHLO localhost\r\nSTARTTLS\r\n" if security is Security.STARTTLS else b""
    assert server.clear == expected
    assert server.lines.count(b"EHLO localhost") == (2 if expected else 1)


@ENCRYPTED
@pytest.mark.parametrize(
    ("flaw", "reason"),
    [
        ("expired", "certificate has expired"),
        ("wrong host", "IP address mismatch"),
        ("self-signed", "self-signed certificate"),
    ],
)
def test_a_certificate_that_proves_nothing_ends_the_dialogue(
    security: Security, flaw: str, reason: str, authority: Authority
) -> None:
    tls = {
        "expired": lambda: authority.server(days=-1),
        "wrong host": lambda: authority.server("127.0.0.2"),
        "self-signed": lambda: authority.server(trusted=False),
    }[flaw]()
    with ScriptedServer(script_for(security, tls)) as server:
        outcome = failure(route_to(server, security, authority))
    assert reason in outcome.text.replace("self signed", "self-signed")
    assert outcome == Outcome(Kind.TEMPORARY, Phase.TLS, Cause.RELAY, text=outcome.text)
    assert b"MAIL" not in server.clear
    assert b"AUTH" not in server.clear


def test_an_unknown_authority_is_not_trusted_by_default(authority: Authority) -> None:
    with ScriptedServer(script_for(Security.TLS, authority.server())) as server:
        outcome = failure(replace(route_to(server, Security.TLS, authority), ca_file=None))
    assert (outcome.phase, outcome.cause) == (Phase.TLS, Cause.RELAY)


def test_a_missing_file_of_authorities_is_told(authority: Authority) -> None:
    with ScriptedServer(script_for(Security.TLS, authority.server())) as server:
        outcome = failure(
            replace(route_to(server, Security.TLS, authority), ca_file="/nonexistent.pem")
        )
    assert outcome.phase is Phase.TLS
    assert "No such file" in outcome.text


def test_without_starttls_on_offer_nothing_is_sent(authority: Authority) -> None:
    script = Script(offers=(*PLAIN_OFFERS, "AUTH PLAIN"))
    with ScriptedServer(script) as server:
        route = route_to(server, Security.STARTTLS, authority)
        outcome = failure(replace(route, username="user", password="secret"))
    assert outcome == Outcome(
        Kind.TEMPORARY, Phase.TLS, Cause.RELAY, text="the server does not offer STARTTLS"
    )
    assert server.clear == b"EHLO localhost\r\n"


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        (b"454 4.7.0 not now\r\n", 454, "4.7.0 not now"),
        (b"250 ok\r\n", 250, "ok"),
        (Fault.DROP, None, "the server closed the connection"),
    ],
)
def test_a_refused_starttls_ends_the_dialogue(
    said: Answer, code: int | None, text: str, authority: Authority
) -> None:
    script = script_for(Security.STARTTLS, authority.server(), {"STARTTLS": said})
    with ScriptedServer(script) as server:
        outcome = failure(route_to(server, Security.STARTTLS, authority))
    assert (outcome.kind, outcome.phase, outcome.cause) == (
        Kind.TEMPORARY,
        Phase.TLS,
        Cause.RELAY,
    )
    assert (outcome.code, outcome.text) == (code, text)
    assert server.clear == b"EHLO localhost\r\nSTARTTLS\r\n"


def test_text_injected_between_starttls_and_the_handshake_is_never_read_as_the_servers(
    authority: Authority,
) -> None:
    injected = b"220 go on\r\n250-mx.example\r\n250 AUTH PLAIN\r\n"
    script = script_for(Security.STARTTLS, authority.server(), {"STARTTLS": injected})
    with ScriptedServer(script) as server:
        outcome = failure(route_to(server, Security.STARTTLS, authority))
    assert outcome == Outcome(
        Kind.TEMPORARY,
        Phase.TLS,
        Cause.RELAY,
        text="the server sent text between STARTTLS and the handshake",
    )
    assert server.clear == b"EHLO localhost\r\nSTARTTLS\r\n"


def test_what_was_offered_in_clear_does_not_hold_inside_tls(authority: Authority) -> None:
    script = script_for(Security.STARTTLS, authority.server())
    script.offers_in_tls = ()
    with (
        ScriptedServer(script) as server,
        connect(route_to(server, Security.STARTTLS, authority)) as connection,
    ):
        offered = connection.offer("", "a@company.example", "é\r\n".encode())
    assert isinstance(offered, Outcome)
    assert offered.cause is Cause.POISON


def test_a_server_that_knows_only_login_is_given_that(authority: Authority) -> None:
    script = script_for(Security.TLS, authority.server())
    script.offers_in_tls = ("AUTH LOGIN",)
    user, secret = b64encode(b"us@er").decode(), b64encode(b"p:ss").decode()
    script.answers |= {
        "AUTH": b"334 VXNlcm5hbWU6\r\n",
        user.upper(): b"334 UGFzc3dvcmQ6\r\n",
        secret.upper(): b"235 ok\r\n",
    }
    with ScriptedServer(script) as server:
        route = route_to(server, Security.TLS, authority)
        connect(replace(route, username="us@er", password="p:ss")).close()
    assert server.lines[1:4] == [b"AUTH LOGIN", user.encode(), secret.encode()]


@pytest.mark.parametrize(
    ("said", "code"),
    [(b"535 5.7.8 wrong\r\n", 535), (b"454 4.7.0 later\r\n", 454), (b"334 more?\r\n", 334)],
)
def test_a_refused_log_in_is_the_relays_matter(
    said: bytes, code: int, authority: Authority
) -> None:
    script = script_for(Security.TLS, authority.server(), {"AUTH": said})
    with ScriptedServer(script) as server:
        route = route_to(server, Security.TLS, authority)
        outcome = failure(replace(route, username="user", password="secret"))
    assert (outcome.kind, outcome.phase, outcome.cause, outcome.code) == (
        Kind.TEMPORARY,
        Phase.AUTH,
        Cause.RELAY,
        code,
    )


def test_a_log_in_in_no_known_way_is_not_tried(authority: Authority) -> None:
    script = script_for(Security.TLS, authority.server())
    script.offers_in_tls = ("AUTH CRAM-MD5",)
    with ScriptedServer(script) as server:
        route = route_to(server, Security.TLS, authority)
        outcome = failure(replace(route, username="user", password="secret"))
    assert (outcome.phase, outcome.text) == (
        Phase.AUTH,
        "the server offers neither PLAIN nor LOGIN",
    )


def test_where_tls_is_asked_for_nobody_is_greeted_in_the_old_way(authority: Authority) -> None:
    script = script_for(Security.STARTTLS, authority.server(), {"EHLO": b"502 what?\r\n"})
    with ScriptedServer(script) as server:
        outcome = failure(route_to(server, Security.STARTTLS, authority))
    assert (outcome.kind, outcome.phase, outcome.code) == (Kind.TEMPORARY, Phase.EHLO, 502)
    assert server.clear == b"EHLO localhost\r\n"


@ENCRYPTED
def test_letters_are_handed_over_inside_tls(security: Security, authority: Authority) -> None:
    with (
        ScriptedServer(script_for(security, authority.server())) as server,
        connect(route_to(server, security, authority)) as connection,
    ):
        outcomes = handed_over(connection, letters(5))
    assert [outcome.kind for outcome in outcomes] == [Kind.ACCEPTED] * 5
    assert server.messages == [letter.data for letter in letters(5)]


@ENCRYPTED
def test_a_large_letter_goes_through_tls(security: Security, authority: Authority) -> None:
    script = script_for(security, authority.server())
    script.offers_in_tls = ("PIPELINING",)
    large = Letter("", "a@company.example", (b"x" * 70 + b"\r\n") * 50_000)
    with (
        ScriptedServer(script) as server,
        connect(route_to(server, security, authority)) as connection,
    ):
        assert connection.hand_over(large, following=letters(1)[0]).kind is Kind.ACCEPTED
        assert connection.hand_over(letters(1)[0]).kind is Kind.ACCEPTED
    assert server.messages == [large.data, letters(1)[0].data]


@ENCRYPTED
def test_a_connection_lost_after_the_dot_is_uncertain_inside_tls_too(
    security: Security, authority: Authority
) -> None:
    script = script_for(security, authority.server(), {"DOT": Fault.DROP})
    with (
        ScriptedServer(script) as server,
        connect(route_to(server, security, authority)) as connection,
    ):
        offered = connection.offer("", "a@company.example", LETTER)
        assert isinstance(offered, Pending)
        outcome = connection.commit(offered)
    assert (outcome.kind, outcome.phase) == (Kind.UNCERTAIN, Phase.DOT)


def test_a_server_that_hangs_up_on_a_pending_letter_is_noticed_inside_tls_too(
    authority: Authority,
) -> None:
    script = script_for(Security.TLS, authority.server(), {"TEXT": Fault.DROP})
    script.text_size = len(LETTER)
    with ScriptedServer(script) as server:
        connection = connect(route_to(server, Security.TLS, authority))
        offered = connection.offer("", "a@company.example", LETTER)
    assert isinstance(offered, Pending)
    assert connection.commit(offered).phase is Phase.BODY
