"""TLS: the way to the relay as the worker goes it, and the way of others to our exchangers."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from ipaddress import ip_address
from time import time

from picketline.mail.domain_check.findings import Finding, Level, shown
from picketline.mail.opening import ConnectFailed, open_dialogue
from picketline.mail.outcomes import Phase
from picketline.mail.replies import BadReply
from picketline.mail.routes import Route, Security, Timeouts
from picketline.mail.wire import Wire

_CHECK = "TLS"
_DAYS_AHEAD = 14
_PATIENCE = 10.0  # seconds for one reply
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Protection:
    """What a verified connection is protected by."""

    version: str
    days_left: int


class _Examined(Wire):
    """A stream whose protection can be looked at, once there is one."""

    def protection(self) -> _Protection:
        """The version of TLS, and how long the certificate holds."""
        assert isinstance(self._socket, ssl.SSLSocket)  # noqa: S101 - start_tls has returned
        certificate = self._socket.getpeercert() or {}
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        return _Protection(self._socket.version() or "", int((ends - time()) // _DAY))

    def say(self, line: bytes, wanted: int) -> tuple[str, ...]:
        """The lines of the answer to a command. Raises `BadReply` where it has another code."""
        if line:
            self.send(line + b"\r\n", _PATIENCE)
        reply = self.read(_PATIENCE)
        if reply.code != wanted:
            raise BadReply(f"it answered {reply.code} {reply.text}")
        return reply.lines


def relay(route: Route) -> list[Finding]:
    """What is wrong with the way to the mail server that we hand over to, login included."""
    subject = f"{route.host}:{route.port}"
    patient = replace(route, timeouts=_timeouts(_PATIENCE))
    try:
        wire, _ = open_dialogue(patient)
    except ConnectFailed as failure:
        outcome = failure.outcome
        said = shown(f"{outcome.code or ''} {outcome.text}".strip())
        what = f"The mail server cannot be used: it fails at {outcome.phase} ({said})."
        advice = " Its certificate must be valid, and name this host." if _is_tls(failure) else ""
        return [Finding(_CHECK, subject, Level.FAULT, what + advice)]
    wire.close()
    if route.security is Security.NONE:
        return [_unprotected(route, subject)]
    try:
        found = _look(route.host, route, ehlo=route.ehlo, ca_file=route.ca_file)
    except (OSError, BadReply) as error:
        what = f"The mail server's certificate could not be looked at: {shown(str(error))}."
        return [Finding(_CHECK, subject, Level.WARNING, what)]
    return [_lasting(subject, found)]


def exchanger(
    host: str, address: str, port: int, ehlo: str, ca_file: str | None = None
) -> list[Finding]:
    """How others reach one of our mail exchangers: STARTTLS at this address, verified as `host`.

    Many senders do without proof, so nothing here is a fault.
    """
    subject = f"{host}:{port}"
    route = Route(address, port, Security.STARTTLS)
    try:
        found = _look(host, route, ehlo=ehlo, ca_file=ca_file)
    except ssl.SSLError as error:
        what = f"Its certificate does not prove the exchanger: {shown(str(error))}."
        return [Finding(_CHECK, subject, Level.WARNING, what)]
    except (OSError, BadReply) as error:
        reason = shown(str(error) or type(error).__name__)
        what = f"No TLS could be had at {address} ({reason}); some networks close this way."
        return [Finding(_CHECK, subject, Level.WARNING, what)]
    return [_lasting(subject, found)]


def _look(name: str, route: Route, *, ehlo: str, ca_file: str | None) -> _Protection:
    wire = _Examined(route.host, route.port, _PATIENCE)
    try:
        if route.security is Security.TLS:
            wire.start_tls(name, ca_file, _PATIENCE)
        wire.say(b"", 220)
        offers = wire.say(b"EHLO " + ehlo.encode("ascii"), 250)
        if route.security is Security.STARTTLS:
            if not any(offer.upper().split() == ["STARTTLS"] for offer in offers[1:]):
                raise BadReply("it does not offer STARTTLS")
            wire.say(b"STARTTLS", 220)
            wire.start_tls(name, ca_file, _PATIENCE)
        return wire.protection()
    finally:
        wire.close()


def _lasting(subject: str, found: _Protection) -> Finding:
    what = f"Verified, {found.version}; the certificate holds for {found.days_left} days."
    if found.days_left >= _DAYS_AHEAD:
        return Finding(_CHECK, subject, Level.OK, what)
    return Finding(_CHECK, subject, Level.WARNING, f"{what} Renew it.")


def _unprotected(route: Route, subject: str) -> Finding:
    if _is_this_machine(route.host):
        what = "The mail server is on this machine, so that no TLS is needed."
        return Finding(_CHECK, subject, Level.OK, what)
    what = "Letters travel to the mail server unprotected."
    advice = f"PICKETLINE_SMTP_URL=smtp://{route.host}:{route.port}?security=starttls"
    return Finding(_CHECK, subject, Level.WARNING, what, advice)


def _is_tls(failure: ConnectFailed) -> bool:
    return failure.outcome.phase is Phase.TLS and isinstance(failure.__cause__, ssl.SSLError)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _timeouts(seconds: float) -> Timeouts:
    return Timeouts(connect=seconds, greeting=seconds, command=seconds)
