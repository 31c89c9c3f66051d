"""What the examination of an incoming message found: plain facts, and their JSON.

Every text in a report came from outside. It is bounded and holds no controls, but nothing in it
is proven except what `Authentication.dkim` says was valid.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Kind(StrEnum):
    """What sort of message it is, as far as the message alone can tell."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    UNSUBSCRIBE = "unsubscribe"
    MESSAGE = "message"  # written by a person: reply, copy or neither, says who knows the letters


class BadReport(ValueError):
    """These bytes are not a report. The text names the field, never its content."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is listed and never opened.

    `name` is safe to save under, and to show through `inert_text.defanged`. `size` in bytes and
    `sha256_hex` are those of the file, its transfer encoding undone.
    """

    name: str
    content_type: str
    size: int
    sha256_hex: str


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a server says became of a letter of ours.

    `action` and `status` are those of RFC 3464, lower-case, "" where it names none. `final` means
    that the server gave up; `permanent` that it would give up again. `original_envelope` is the
    envelope sender or envelope id that the notice names, "" where it names none. `source` says
    who understood it: "rfc3464", "library", "postfix-expired".
    """

    action: str
    status: str
    final: bool
    permanent: bool
    recipient: str
    diagnostic: str
    original_message_id: str
    original_envelope: str
    source: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """A reader pressed "this is spam" (ARF, RFC 5965)."""

    feedback_type: str
    original_message_id: str
    original_recipient: str
    reported_domain: str


@dataclass(frozen=True, slots=True)
class AuthResult:
    """One verdict of an Authentication-Results field (RFC 8601).

    To be believed only where `authserv` is our own and the field stands above all foreign ones.
    """

    authserv: str
    method: str
    result: str
    domain: str


@dataclass(frozen=True, slots=True)
class DkimVerdict:
    """What our own check of one DKIM signature said; `reason` is "" where it is valid."""

    domain: str
    selector: str
    valid: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Authentication:
    """`results` as the fields claim, topmost first; `dkim` as checked by us."""

    results: tuple[AuthResult, ...] = ()
    dkim: tuple[DkimVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What one message says.

    `automatic` is why it counts as automatic mail, "" where a person wrote it. `forwarded`: it
    was passed on by somebody else than its writer. `text` is inert: see `inert_text`.
    """

    kind: Kind
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    from_address: str
    from_name: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    automatic: str
    forwarded: bool
    from_list: bool
    text: str
    truncated: bool
    attachments: tuple[Attachment, ...]
    bounce: Bounce | None
    complaint: Complaint | None
    authentication: Authentication


def to_json(report: Report) -> bytes:
    """The report as JSON in ASCII."""
    return json.dumps(asdict(report)).encode("ascii")


def from_json(octets: bytes) -> Report:
    """The report that `to_json` wrote: every field, of its type, and no other. Raises BadReport."""
    try:
        value = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise BadReport("this is not JSON") from error
    return cast(Report, _record(Report, value, "report"))


def _record(kind: Any, value: object, where: str) -> object:
    if not isinstance(value, dict) or value.keys() != {field.name for field in fields(kind)}:
        raise BadReport(f"{where}: not the fields of {kind.__name__}")
    types = get_type_hints(kind)
    return kind(**{name: _read(types[name], part, name) for name, part in value.items()})


def _tuple(kind: Any, value: object, where: str) -> object:
    if not isinstance(value, list):
        raise BadReport(f"{where}: not a list")
    return tuple(_read(get_args(kind)[0], part, where) for part in value)


def _option(kind: Any, value: object, where: str) -> object:
    present = next(part for part in get_args(kind) if part is not NoneType)
    return None if value is None else _read(present, value, where)


def _kind(_kind: Any, value: object, where: str) -> object:
    try:
        return Kind(str(value))
    except ValueError as error:
        raise BadReport(f"{where}: no such kind") from error


def _plain(kind: Any, value: object, where: str) -> object:
    if type(value) is not kind:
        raise BadReport(f"{where}: not {kind.__name__}")
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise BadReport(f"{where}: characters that no database takes")
    return value


def _reader(kind: Any) -> Callable[[Any, object, str], object]:
    if is_dataclass(kind):
        return _record
    if kind is Kind:
        return _kind
    return {tuple: _tuple, UnionType: _option}.get(get_origin(kind), _plain)


def _read(kind: Any, value: object, where: str) -> object:
    return _reader(kind)(kind, value, where)
