"""Where mail is handed over: the SMTP URL an operator writes, understood once at the start."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_OPTIONS = frozenset({"security", "ca", "ehlo"})


class RouteError(ValueError):
    """The route makes no sense or would be unsafe. The text says what to do, and no password."""


class Security(StrEnum):
    """How the connection is protected. None of them ever turns into another on the way."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, each for one whole reply (or one block of 64 KiB): RFC 5321 §4.5.3.2."""

    connect: float = 30.0
    greeting: float = 300.0
    command: float = 300.0
    data_init: float = 120.0
    block: float = 180.0
    after_dot: float = 600.0
    quit: float = 5.0


@dataclass(frozen=True, slots=True)
class Route:
    """A server, the protection asked of it and who we say we are.

    `ca_file` replaces the system's certificate authorities (PEM). `ehlo` is fixed so that no
    mail tells the machine's name. Raises `RouteError` if a password would travel unprotected.
    """

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ehlo: str = "localhost"
    ca_file: str | None = None
    timeouts: Timeouts = Timeouts()

    def __post_init__(self) -> None:
        if (self.username is None) != (self.password is None):
            raise RouteError("an SMTP user needs a password, and the other way round")
        if self.username is not None and self.security is Security.NONE:
            raise RouteError("a password is sent over TLS only: use smtps:// or ?security=starttls")


def parse_route(url: str) -> Route:
    """Read `smtp://[user:password@]host[:port][?security=…&ca=FILE&ehlo=NAME]` or `smtps://…`.

    `smtp://` means STARTTLS, except without a password to this very machine, where it means
    none; `security=none` for another host must be written out. Ports: 25, with a password
    587, for smtps 465. This machine's relay gets 60 seconds after the dot, others 600.
    """
    if not url.isprintable() or " " in url:
        raise RouteError("the SMTP URL contains a space or a control character")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise RouteError("the host in the SMTP URL is not an address") from error
    if parts.scheme not in ("smtp", "smtps"):
        raise RouteError("the SMTP URL must begin with smtp:// or smtps://")
    if parts.path not in ("", "/") or parts.fragment:
        raise RouteError("the SMTP URL has something after the host; special characters: use %XX")
    host, options = _host(parts), _options(parts)
    local = _is_this_machine(host)
    username, password = _secret(parts.username), _secret(parts.password)
    port = _port(parts) or (465 if parts.scheme == "smtps" else 25 if username is None else 587)
    return Route(
        host=host,
        port=port,
        security=_security(parts.scheme, options.get("security"), local and username is None),
        username=username,
        password=password,
        ehlo=options.get("ehlo", "localhost"),
        ca_file=options.get("ca"),
        timeouts=Timeouts(after_dot=60.0) if local else Timeouts(),
    )


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) and not _is_address(host):
        raise RouteError("the SMTP URL needs a host name in ASCII, or an IP address")
    return host


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise RouteError("the port in the SMTP URL must be a number from 1 to 65535")
    return port


def _secret(quoted: str | None) -> str | None:
    if quoted is None:
        return None
    text = unquote(quoted)
    if not text or "\0" in text:
        raise RouteError("the user or the password in the SMTP URL is empty or contains NUL")
    return text


def _options(parts: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    unknown = sorted(set(options) - _OPTIONS)
    if unknown or len(options) != len(pairs) or "" in options.values():
        raise RouteError("the SMTP URL takes each of security, ca and ehlo once, and nothing else")
    if not _HOST.fullmatch(options.get("ehlo", "localhost").strip("[]")):
        raise RouteError("ehlo in the SMTP URL must be a host name or an address in brackets")
    return options


def _security(scheme: str, asked: str | None, may_be_plain: bool) -> Security:
    if scheme == "smtps":
        if asked not in (None, Security.TLS):
            raise RouteError("smtps:// means TLS from the first byte: leave security out")
        return Security.TLS
    if asked is None:
        return Security.NONE if may_be_plain else Security.STARTTLS
    if asked not in (Security.NONE, Security.STARTTLS):
        raise RouteError(
            "security in an smtp:// URL must be none or starttls; for TLS use smtps://"
        )
    return Security(asked)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)
