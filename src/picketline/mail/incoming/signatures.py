"""Our own check of DKIM signatures (RFC 6376, RFC 8301), stricter than the standard asks."""

import logging
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from picketline.mail.incoming.keys import KeyUnavailable, public_key
from picketline.mail.incoming.report import DkimVerdict

MOST = 5  # signatures that are checked
NO_ANSWER = "no answer from the DNS"
NOT_SUPPORTED = "an algorithm that is not checked"
UNKNOWN = frozenset({NO_ANSWER, NOT_SUPPORTED})
"""Reasons that leave open whether the signature is good."""

_MOST_SILENCES = 2  # questions without an answer; each holds up whoever examines for seconds
_LONGEST_FIELD = 4096
_FIELD = re.compile(rb"^dkim-signature[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
_FOREIGN_LINE = re.compile(rb"\r(?!\n)|\x00|\nFrom ")
_SPACES = re.compile(rb"[ \t]{64,}")
_MOST_SPACES = 200_000_000  # the sum of the squares of their lengths
_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,20}")
_SELECTOR = re.compile(r"[A-Za-z0-9_.-]{1,200}")
# Whoever adds a second of these changes what readers see, under a signature for the first.
_ONCE = frozenset(
    {b"from", b"sender", b"reply-to", b"to", b"cc", b"subject", b"date", b"message-id"}
    | {b"mime-version", b"content-type", b"content-transfer-encoding"}
)
_SILENT = logging.getLogger(f"{__name__}.library")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False  # it writes whole fields of strangers' mail


def check(raw: bytes, nameservers: tuple[str, ...]) -> tuple[DkimVerdict, ...]:
    """A verdict for each of the first five signatures, in the order of the fields.

    Valid is a signature by RSA of 1,024 bits or more with SHA-256 that covers From, To and Cc and
    the whole body, and has not expired. To and Cc, because else anybody who has a person's letter
    could send it on to us as if it had been sent to us. A message in which fields occur twice
    that may occur once, or whose header readers could read in two ways, has no valid signature.
    """
    if not _FIELD.search(_head(raw)):
        return ()
    import dkim

    try:
        message = dkim.DKIM(raw, logger=_SILENT)
    except (dkim.DKIMException, IndexError, ValueError):
        return (DkimVerdict("", "", valid=False, reason="malformed header"),)
    found = [value for name, value in message.headers if name.lower() == b"dkim-signature"]
    flaw = _flaw(raw, message.headers)
    verdicts: list[DkimVerdict] = []
    for index, field in enumerate(found[:MOST]):
        silences = sum(each.reason == NO_ANSWER for each in verdicts)
        known = flaw or (NO_ANSWER if silences >= _MOST_SILENCES else "")
        verdicts.append(_verdict(message, index, field, known, nameservers))
    return tuple(verdicts)


def _head(raw: bytes) -> bytes:
    end = _HEAD_ENDS.search(raw)
    return raw[: end.start()] if end else raw


def _flaw(raw: bytes, headers: list[tuple[bytes, bytes]]) -> str:
    """What keeps every signature of this message from being valid, or ""."""
    if _FOREIGN_LINE.search(_head(raw)):
        return "malformed header"
    counted = Counter(name.lower() for name, _ in headers)
    if any(counted[name] > 1 for name in _ONCE) or counted[b"from"] != 1:
        return "a field occurs twice"
    # The library takes the square of the length of each run of spaces.
    if sum(len(run[0]) ** 2 for run in _SPACES.finditer(raw)) > _MOST_SPACES:
        return "too many spaces"
    return ""


def _verdict(
    message: Any, index: int, field: bytes, known: str, nameservers: tuple[str, ...]
) -> DkimVerdict:
    tags = _tags(field)
    domain = tags.get(b"d", b"").decode("ascii", "replace").lower()
    selector = tags.get(b"s", b"").decode("ascii", "replace")
    if not (_DOMAIN.fullmatch(domain) and _SELECTOR.fullmatch(selector)):
        return DkimVerdict("", "", valid=False, reason="malformed")
    reason = known or _objection(tags, {name.lower() for name, _ in message.headers})
    reason = reason or _mathematics(message, index, domain, selector, nameservers)
    return DkimVerdict(domain, selector, valid=not reason, reason=reason)


def _tags(field: bytes) -> dict[bytes, bytes]:
    """The tags; none of them where the field is too long or malformed."""
    from dkim.util import InvalidTagValueList, parse_tag_value

    if len(field) > _LONGEST_FIELD:
        return {}
    try:
        tags: dict[bytes, bytes] = parse_tag_value(field)
    except InvalidTagValueList:
        return {}
    return tags


def _objection(tags: dict[bytes, bytes], present: set[bytes]) -> str:
    """What is wrong with the signature before any arithmetic, or ""."""
    signed = {name.strip().lower() for name in tags.get(b"h", b"").split(b":")}
    expires = tags.get(b"x", b"")
    if tags.get(b"a") == b"ed25519-sha256":
        return NOT_SUPPORTED
    if tags.get(b"a") != b"rsa-sha256":
        return "weak algorithm"
    if b"l" in tags:
        return "covers part of the body"
    if expires and (not expires.isdigit() or int(expires[:20]) < time.time()):
        return "expired"
    if b"from" not in signed:
        return "does not cover From"
    return "" if {b"to", b"cc"} & present <= signed else "does not cover To and Cc"


def _mathematics(
    message: Any, index: int, domain: str, selector: str, nameservers: tuple[str, ...]
) -> str:
    import dkim

    try:
        key = public_key(domain, selector, nameservers)
    except KeyUnavailable:
        return NO_ANSWER
    if key is None:
        return "no key"
    try:
        verified = message.verify(index, dnsfunc=_always(key))
    except dkim.KeyFormatError:
        return "weak key"
    except (dkim.DKIMException, ArithmeticError, LookupError, TypeError, ValueError) as error:
        return "altered" if "body hash" in str(error) else "malformed"
    return "" if verified else "altered"


def _always(key: bytes) -> Callable[..., bytes]:
    return lambda _name, timeout=0: key
