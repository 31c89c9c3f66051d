"""Lists of tags, `name=value; name=value`, as DKIM and DMARC write them: RFC 6376 §3.2."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class NoTagList(Exception):
    """The text is no list of tags. The text of the error says why, without a full stop."""


def read_tags(text: str) -> dict[str, str]:
    """The values by name, in the order written. Raises `NoTagList`."""
    tags: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip():
            continue
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals or not _NAME.fullmatch(name):
            raise NoTagList(f"{part.strip()[:60]!r} has no form of name=value")
        if name in tags:
            raise NoTagList(f"it has {name}= twice")
        tags[name] = value
    return tags


def write_tags(tags: dict[str, str]) -> str:
    """The list as one text."""
    return "; ".join(f"{name}={value}" for name, value in tags.items())
