"""A page as its reader gets it: elements with their text, and their language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
_COOKIE = re.compile("=[^;]+(?=;)")
_TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]+')


@dataclass
class Element:
    """An element; ``lang`` and ``dir`` are in force here, whoever set them."""

    tag: str
    attrs: dict[str, str]
    parent: Element | None
    parts: list[str | Element] = field(default_factory=list)

    @property
    def raw(self) -> str:
        """All text in it, as it stands."""
        return "".join(part if isinstance(part, str) else part.raw for part in self.parts)

    @property
    def text(self) -> str:
        """All text in it, with single spaces."""
        return " ".join(self.raw.split())

    @property
    def lang(self) -> str:
        """The language it is in."""
        return self._inherited("lang")

    @property
    def dir(self) -> str:
        """The direction it is read in."""
        return self._inherited("dir")

    def all(self, tag: str = "", **attrs: str) -> list[Element]:
        """The elements within that have this tag and these attributes, and of ``class_`` a word."""
        return [each for each in self._within() if each.matches(tag, attrs)]

    def one(self, tag: str = "", **attrs: str) -> Element:
        """The only such element."""
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} × {tag} {attrs}"
        return found[0]

    def matches(self, tag: str, attrs: dict[str, str]) -> bool:
        """Whether it is such an element."""
        wanted = dict(attrs)
        if wanted.pop("class_", "") not in ("", *self.attrs.get("class", "").split()):
            return False
        return tag in ("", self.tag) and wanted.items() <= self.attrs.items()

    def _within(self) -> Iterator[Element]:
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part._within()

    def _inherited(self, name: str) -> str:
        if name in self.attrs:
            return self.attrs[name]
        return self.parent._inherited(name) if self.parent else ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.parts.append(element)
        if tag not in _VOID:
            self.here = element

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.parts.append(data)


def read(answer: Any) -> Element:
    """The page of an answer, which must be well-formed."""
    reader = _Reader()
    reader.feed(answer.content.decode())
    reader.close()
    assert reader.here is reader.root, f"<{reader.here.tag}> is never closed"
    return reader.root


def told(answer: Any) -> tuple[int, dict[str, str], list[str], bytes]:
    """Everything an answer tells, without the random parts of what protects its form."""
    cookies = [_COOKIE.sub("=", each.OutputString()) for each in answer.cookies.values()]
    body = _TOKEN.sub(rb"\1", answer.content)
    return answer.status_code, dict(answer.headers), cookies, body
