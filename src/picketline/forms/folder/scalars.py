"""What a single value may be.

Each function gives it back as it is kept, or raises ``ValueError`` with the rest of a sentence that
begins with the field's name.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from picketline.domain.folders import When
from picketline.forms.folder.files import is_language
from picketline.forms.folder.yaml_in import Scalar
from picketline.mail.addresses import MAX_LOCAL_LENGTH, AddressRefused, parse_address
from picketline.text.plain import Refused, clean_line

MAX_KEY = 80
MAX_LISTED = 10

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WHOLE_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def line(scalar: Scalar, limit: int) -> str:
    """One line of text of at most ``limit`` characters."""
    _require_text(scalar)
    try:
        text = clean_line(scalar.value, max_graphemes=limit, max_bytes=4 * limit)
    except Refused as refusal:
        raise ValueError(f"cannot be used: {refusal}.") from None
    if len(text) > limit:
        raise ValueError(f"is longer than {limit} characters.")
    return text


def campaign_slug(scalar: Scalar) -> str:
    """A slug that is also the local part of the campaign's address (RFC 5321, 4.5.3.1.1)."""
    if len(scalar.value) > MAX_LOCAL_LENGTH:
        raise ValueError(f"must have at most {MAX_LOCAL_LENGTH} characters: mail is sent from it.")
    return slug(scalar)


def slug(scalar: Scalar) -> str:
    """A name for use in addresses: small letters, digits and single hyphens."""
    if len(scalar.value) > MAX_KEY or not _SLUG.fullmatch(scalar.value):
        raise ValueError(f"must be small letters a–z, digits and hyphens, at most {MAX_KEY}.")
    return scalar.value


def one_of(words: Collection[str]) -> Callable[[Scalar], str]:
    """One of some words."""

    def read(scalar: Scalar) -> str:
        if scalar.value not in words:
            raise ValueError(f"is “{_short(scalar.value)}”, but there is only: {_some(words)}.")
        return scalar.value

    return read


def language(scalar: Scalar) -> str:
    """A language tag in its usual spelling."""
    _require_text(scalar)
    if not is_language(scalar.value):
        raise ValueError(f"is “{_short(scalar.value)}”, which is no language tag like kk or pt-BR.")
    return scalar.value


def url(scalar: Scalar, limit: int) -> str:
    """The address of a page on the web."""
    text = line(scalar, limit)
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = None
    if not sound or " " in text:
        raise ValueError("must be a web address that begins with https:// or http://.")
    return text


def when(scalar: Scalar) -> When:
    """A day, a month or a year."""
    try:
        return When.parse(scalar.value)
    except ValueError:
        raise ValueError("must be a date: 2011-05-24, 2011-05 or 2011.") from None


def day(scalar: Scalar) -> datetime.date:
    """A day."""
    if not _WHOLE_DATE.fullmatch(scalar.value):
        raise ValueError("must be a day like 2011-05-24.")
    return when(scalar).on


def address(scalar: Scalar) -> str:
    """An e-mail address that mail can go to."""
    try:
        return parse_address(scalar.value)
    except AddressRefused as refusal:
        raise ValueError(f"cannot be used: {refusal}.") from None


def number(scalar: Scalar) -> int:
    """A whole number above zero."""
    if not re.fullmatch(r"[1-9][0-9]{0,6}", scalar.value):
        raise ValueError("must be a whole number above 0.")
    return int(scalar.value)


def rate(scalar: Scalar) -> float:
    """So many in a minute: a number above zero, perhaps less than one."""
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,4})?", scalar.value) or not float(scalar.value):
        raise ValueError("must be a number above 0, like 6 or 0.5.")
    return float(scalar.value)


def office_hours(scalar: Scalar) -> tuple[datetime.time, datetime.time]:
    """From when to when on one day."""
    found = re.fullmatch(r"([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2})", scalar.value)
    try:
        opens, closes = map(datetime.time.fromisoformat, found.groups() if found else ("", ""))
    except ValueError:
        raise ValueError("must be hours of a day like 09:00-17:30.") from None
    if not opens < closes:
        raise ValueError("must end after it begins, on the same day.")
    return opens, closes


def time_zone(scalar: Scalar) -> str:
    """The name of a time zone in the IANA database."""
    name = line(scalar, MAX_KEY)
    if name not in available_timezones():
        raise ValueError(f"is “{_short(name)}”, which is no time zone like Asia/Almaty.")
    return name


def _require_text(scalar: Scalar) -> None:
    if scalar.kind == "nothing":
        raise ValueError("is empty.")
    if scalar.kind != "text":
        raise ValueError(f"must be text; YAML takes this for {scalar.kind}: put it in quotes.")


def _some(words: Collection[str]) -> str:
    first = list(words)[:MAX_LISTED]
    return ", ".join([*first, "…"] if len(words) > MAX_LISTED else first) or "nothing"


def _short(text: str) -> str:
    return text if len(text) <= MAX_KEY else f"{text[:MAX_KEY]}…"
