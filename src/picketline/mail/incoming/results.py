"""Authentication-Results fields (RFC 8601), read so that their own content cannot fool us."""

import re
from email.message import Message

from picketline.mail.incoming import fields
from picketline.mail.incoming.report import AuthResult

_MOST = 50  # results, and trace fields looked through
_LONGEST = 8000  # characters of a field
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TEXT = r'(?:"(?:[^"\\]|\\.)*"|[^\s;"])'
_PAIR = re.compile(rf"\s*([A-Za-z0-9][A-Za-z0-9_./-]*)\s*=\s*({_TEXT}+)(?=\s|$)")
_NAME = re.compile(rf"\s*({_TEXT}+)(?:\s+[0-9]+)?\s*")
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,20}")
_BY = re.compile(r"(?:^|\s)by\s+([^\s;()]+)", re.IGNORECASE)
# Which property names the domain that passed (RFC 8601 §2.7); the first that is there counts.
_DOMAIN_OF = {
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom", "smtp.mail", "smtp.envelope-from"),
    "dmarc": ("header.from",),
}


class _Malformed(ValueError):
    """The field cannot be understood with certainty."""


def read(message: Message) -> tuple[AuthResult, ...]:
    """The results, topmost first, without those that their place proves to be somebody else's.

    Of each server the topmost field counts, and only where all Received fields above it are that
    server's own (at, above or below its name) or inner ones (by an IP address or localhost):
    what a sender wrote lies below the Received field of the server that took the message. None
    where From does not name exactly one author: nobody could say whom a result is about.
    """
    if not fields.has_one_author(message):
        return ()
    above: list[str] = []
    found: dict[str, tuple[AuthResult, ...]] = {}
    for name, value in _trace(message):
        if name == "received":
            above.append(_receiver(value))
            continue
        try:
            server, results = _field(value)
        except _Malformed:
            break  # it may be our own server's: then the next under its name is a forgery
        if server not in found and all(_is_of(host, server) for host in above):
            found[server] = results
    return tuple(result for results in found.values() for result in results)[:_MOST]


def _trace(message: Message) -> list[tuple[str, str]]:
    named = ((key.lower(), str(value)) for key, value in message.raw_items())
    wanted = [
        # What is cut off could be the end of a domain: cut nothing, understand nothing.
        (key, fields.plain(value, _LONGEST) if len(value) <= _LONGEST else "(")
        for key, value in named
        if key in ("received", "authentication-results")
    ]
    return wanted[:_MOST]


def _receiver(value: str) -> str:
    try:
        found = _BY.search(" ".join(_clauses(value)))
    except _Malformed:
        return "?"
    return found[1].strip("[]").lower().rstrip(".") if found else "?"


def _is_of(host: str, server: str) -> bool:
    if host == "localhost" or re.fullmatch(r"[0-9.]+|(?:ipv6:)?[0-9a-f:]*:[0-9a-f:.]*", host):
        return True
    if "." not in host:
        return False
    return host == server or host.endswith(f".{server}") or server.endswith(f".{host}")


def _field(value: str) -> tuple[str, tuple[AuthResult, ...]]:
    """The server's name and its results. Raises _Malformed: then none of them is believed."""
    first, *rest = _clauses(value)
    server = _server(first)
    claims = rest if server else [first, *rest]  # Exchange writes no name
    results = [_result(server, clause) for clause in claims if clause.strip()]
    return server, tuple(result for result in results if result is not None)


def _server(clause: str) -> str:
    if _PAIR.match(clause):
        return ""
    found = _NAME.fullmatch(clause)
    if found is None:
        raise _Malformed
    return _unquoted(found[1]).lower().rstrip(".")


def _result(server: str, clause: str) -> AuthResult | None:
    """One `method=result property=value…`; None for "none"."""
    if clause.strip().lower() == "none":
        return None
    pairs, position = [], 0
    while found := _PAIR.match(clause, position):
        pairs.append((found[1].lower(), _unquoted(found[2])))
        position = found.end()
    if clause[position:].strip() or not pairs:
        raise _Malformed
    method, result = pairs[0][0].partition("/")[0], pairs[0][1].lower()
    if not (_WORD.fullmatch(method) and _WORD.fullmatch(result)):
        raise _Malformed
    return AuthResult(server, method, result, _domain(method, pairs[1:]))


def _domain(method: str, properties: list[tuple[str, str]]) -> str:
    """The domain that the result is about; "" where it names none, or two."""
    for wanted in _DOMAIN_OF.get(method, ()):
        named = {value for name, value in properties if name == wanted}
        if named:
            domain = named.pop().rpartition("@")[2].lower().rstrip(".")
            return domain if not named and _HOST.fullmatch(domain) else ""
    return ""


def _clauses(value: str) -> list[str]:
    """The parts between semicolons, without comments, which nest. Quoted strings stay whole."""
    clauses, depth, quoted, escaped = [""], 0, False, False
    for sign in value:
        if escaped or sign == "\\":
            escaped = not escaped and (quoted or depth > 0)
        elif sign == '"' and not depth:
            quoted = not quoted
        elif not quoted and sign in "()":
            depth = _nested(depth, sign)
            sign = " "  # noqa: PLW2901 - what stands for a comment
        elif not quoted and not depth and sign == ";":
            clauses.append("")
            continue
        if not depth:
            clauses[-1] += sign
    if depth or quoted:
        raise _Malformed
    return clauses


def _nested(depth: int, sign: str) -> int:
    deeper = depth + 1 if sign == "(" else depth - 1
    if deeper < 0:
        raise _Malformed
    return deeper


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text.replace('"', "")) if '"' in text else text
