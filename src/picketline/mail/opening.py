"""The opening of an SMTP dialogue: greeting, EHLO, STARTTLS, AUTH (RFC 5321, 3207, 4954)."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

from picketline.mail.outcomes import Outcome, Phase, broken_off, classify
from picketline.mail.replies import BadReply, Reply
from picketline.mail.routes import Route, Security
from picketline.mail.wire import Wire


class ConnectFailed(Exception):
    """No connection could be had, which is no letter's fault. `outcome` has the phase and why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(f"{outcome.phase}: {outcome.code or ''} {outcome.text}")
        self.outcome = outcome


def open_dialogue(route: Route) -> tuple[Wire, dict[str, str]]:
    """A stream on which MAIL may follow, and the extensions offered: keyword to parameters.

    Raises `ConnectFailed`.
    """
    with _failing(Phase.CONNECT):
        wire = Wire(route.host, route.port, route.timeouts.connect)
    try:
        return wire, _introduce(wire, route)
    except BaseException:
        wire.close()
        raise


def explained(error: Exception) -> str:
    """A network error in words, without data of the letter."""
    return str(error) or type(error).__name__


@contextmanager
def _failing(phase: Phase) -> Iterator[None]:
    """Whatever the network does in this block means that no connection could be had."""
    try:
        yield
    except (OSError, BadReply) as error:
        raise ConnectFailed(broken_off(phase, explained(error))) from error


def _introduce(wire: Wire, route: Route) -> dict[str, str]:
    """Everything up to the first MAIL; returns the extensions that hold from then on."""
    if route.security is Security.TLS:
        _protect(wire, route)
    with _failing(Phase.GREETING):
        greeting = wire.read(route.timeouts.greeting)
    if greeting.code != 220:
        raise ConnectFailed(classify(Phase.GREETING, greeting))
    extensions = _hello(wire, route)
    if route.security is Security.STARTTLS:
        if "STARTTLS" not in extensions:
            raise ConnectFailed(broken_off(Phase.TLS, "the server does not offer STARTTLS"))
        _ask(wire, route, Phase.TLS, b"STARTTLS", 220)
        _protect(wire, route)
        extensions = _hello(wire, route)
    if route.username is not None and route.password is not None:
        _log_in(wire, route, route.username.encode(), route.password.encode(), extensions)
    return extensions


def _protect(wire: Wire, route: Route) -> None:
    with _failing(Phase.TLS):
        wire.start_tls(route.host, route.ca_file, route.timeouts.command)


def _hello(wire: Wire, route: Route) -> dict[str, str]:
    """The extensions the server offers, keyword to parameters, both in capitals.

    A server that does not know EHLO is greeted with HELO (RFC 5321 §3.2) and offers nothing,
    but never where TLS is asked for: then it is one that somebody has tampered with.
    """
    name = route.ehlo.encode("ascii")
    try:
        reply = _ask(wire, route, Phase.EHLO, b"EHLO " + name, 250)
    except ConnectFailed as refusal:
        if refusal.outcome.code not in (500, 502) or route.security is not Security.NONE:
            raise
        _ask(wire, route, Phase.EHLO, b"HELO " + name, 250)
        return {}
    offers = [line.upper().partition(" ") for line in reply.lines[1:]]
    return {keyword: parameters for keyword, _, parameters in offers}


def _log_in(wire: Wire, route: Route, user: bytes, secret: bytes, offers: dict[str, str]) -> None:
    mechanisms = offers.get("AUTH", "").split()
    if "PLAIN" in mechanisms:
        token = b64encode(b"\0" + user + b"\0" + secret)
        _ask(wire, route, Phase.AUTH, b"AUTH PLAIN " + token, 235)
    elif "LOGIN" in mechanisms:
        _ask(wire, route, Phase.AUTH, b"AUTH LOGIN", 334)
        _ask(wire, route, Phase.AUTH, b64encode(user), 334)
        _ask(wire, route, Phase.AUTH, b64encode(secret), 235)
    else:
        raise ConnectFailed(broken_off(Phase.AUTH, "the server offers neither PLAIN nor LOGIN"))


def _ask(wire: Wire, route: Route, phase: Phase, line: bytes, wanted: int) -> Reply:
    with _failing(phase):
        wire.send(line + b"\r\n", route.timeouts.command)
        reply = wire.read(route.timeouts.command)
    if reply.code != wanted:
        raise ConnectFailed(classify(phase, reply))
    return reply
