"""YAML written in one way only: the canonical form of campaign folders.

Two spaces of indent, one line for each text, plain scalars where every reader of YAML takes them
for the text they are, else double quotes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Date:
    """A date, which is written without quotes."""

    iso: str


@dataclass(frozen=True)
class Number:
    """A number, which is written without quotes."""

    digits: str


@dataclass(frozen=True)
class Keys:
    """A list of keys, written in one line."""

    keys: tuple[str, ...]


Value = str | Date | Number | Keys | Sequence["Value"] | Mapping[str, "Value"]

_UNSAFE_START = re.compile(r"[-?:,\[\]{}#&*!|>'\"%@`=<~]|\.\.\.")
_UNSAFE_INSIDE = re.compile(r": |:$| #|[\t]")
_NUMBER_LIKE = re.compile(r"[-+.]?[0-9][0-9a-fA-FoxOX_.:eE+-]*")
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_WORDS_OF_YAML_1_1 = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_RESOLVER = yaml.SafeLoader("")
_TEXT = "tag:yaml.org,2002:str"
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
# Joiners and direction marks are Cf too, but are part of how Persian or Arabic is written.
_WRITTEN_AS_IS = frozenset("\u200c\u200d\u200e\u200f")


def emit(value: Mapping[str, Value]) -> str:
    """The mapping as YAML, ending with a line break; an empty one is the empty string."""
    return "".join(f"{line}\n" for line in _mapping(value))


def _mapping(value: Mapping[str, Value]) -> list[str]:
    return [line for key, item in value.items() for line in _entry(f"{_key(key)}:", item)]


def _entry(head: str, value: Value) -> list[str]:
    if isinstance(value, str):
        return [f"{head} {_text(value)}"]
    if isinstance(value, Date):
        return [f"{head} {value.iso}"]
    if isinstance(value, Number):
        return [f"{head} {value.digits}"]
    if isinstance(value, Keys):
        return [f"{head} [{', '.join(map(_key_in_list, value.keys))}]"]
    if not value:
        return [f"{head} {'{}' if isinstance(value, Mapping) else '[]'}"]
    if isinstance(value, Mapping):
        return [head, *(f"  {line}" for line in _mapping(value))]
    return [head, *(f"  {line}" for item in value for line in _item(item))]


def _item(value: Value) -> list[str]:
    if isinstance(value, Mapping) and value:
        first, *rest = _mapping(value)
        return [f"- {first}", *(f"  {line}" for line in rest)]
    return _entry("-", value)


def _key(key: str) -> str:
    # The field “on” is read as the word it is; only old readers of YAML take it for “true”.
    return key if key == "on" else _text(key)


def _key_in_list(key: str) -> str:
    return _text(key) if _SIMPLE_KEY.fullmatch(key) else _quoted(key)


def _text(value: str) -> str:
    return value if _is_plain(value) else _quoted(value)


def _is_plain(value: str) -> bool:
    """Whether YAML 1.1 and 1.2 alike read this, unquoted and in any place, as this text."""
    return (
        value.strip() == value != ""
        and not _UNSAFE_START.match(value)
        and not _UNSAFE_INSIDE.search(value)
        and not _NUMBER_LIKE.fullmatch(value)
        and value.lower() not in _WORDS_OF_YAML_1_1
        and all(map(_is_visible, value))
        and _kind(value) == _TEXT
    )


def _kind(value: str) -> str:
    """The tag that YAML gives to an unquoted scalar."""
    return str(_RESOLVER.resolve(yaml.ScalarNode, value, (True, False)))  # type: ignore[no-untyped-call]


def _is_visible(character: str) -> bool:
    if ord(character) & 0xFFFE == 0xFFFE:
        return False
    return (
        character in _WRITTEN_AS_IS or unicodedata.category(character) not in _INVISIBLE_CATEGORIES
    )


def _quoted(value: str) -> str:
    return f'"{"".join(map(_escaped, value))}"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _is_visible(character):
        return character
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
