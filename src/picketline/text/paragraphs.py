"""Plain-text letters that survive any mail client: short lines, broken at spaces only."""

import re
import unicodedata
from collections.abc import Callable

import regex

_GRAPHEME = regex.compile(r"\X")
# Plain Latin, Cyrillic and Arabic: every character a grapheme of one column. Most letters are
# nothing else, and counting graphemes word by word was most of the work of building a mail.
_NARROW = re.compile(
    "[ -~\u00a0-\u02ff\u0400-\u0482\u048a-\u052f\u060c\u061b\u061f\u0621-\u064a\u0660-\u0669"
    "\u2013\u2014\u2018-\u201e\u2026\u2116]*"
)
_BLANKS = re.compile("[ \t]+")
_LIST_ITEM = re.compile(r"\s*(?:[-*•–]|\(?\d{1,3}[.)])\s+")


def wrap_letter(text: str, width: int = 72) -> str:
    """Break lines longer than `width` columns at spaces.

    Line ends in the text stay. What follows in a list item is indented below its first word. The
    last paragraph, where it has two lines or more, is the signature: its lines are never broken.
    A single word longer than a line stays whole.
    """
    lines = text.split("\n")
    end = _signature_start(lines)
    measure = len if _NARROW.fullmatch(text.replace("\n", " ")) else columns
    wrapped = [part for line in lines[:end] for part in _wrap(line, width, measure)]
    return "\n".join(wrapped + [line.rstrip() for line in lines[end:]])


def columns(text: str) -> int:
    """How many columns a text takes: two for wide East Asian characters, one for any other."""
    if _NARROW.fullmatch(text):
        return len(text)
    return sum(
        2 if unicodedata.east_asian_width(found.group()[0]) in "WF" else 1
        for found in _GRAPHEME.finditer(text)
    )


def _signature_start(lines: list[str]) -> int:
    last = len(lines)
    while last and not lines[last - 1].strip():
        last -= 1
    start = last
    while start and lines[start - 1].strip():
        start -= 1
    return start if last - start > 1 else len(lines)


def _wrap(line: str, width: int, measure: Callable[[str], int]) -> list[str]:
    line = line.rstrip()
    if measure(line) <= width:
        return [line]
    item = _LIST_ITEM.match(line)
    head = item.group() if item else line[: len(line) - len(line.lstrip())]
    indent = " " * measure(head)
    words = line[len(head) :]
    if "  " in words or "\t" in words:
        words = _BLANKS.sub(" ", words)
    if measure is len:
        return _fill_narrow(words, width, head, indent)
    return _fill(words.split(" "), width, head, indent)


def _fill_narrow(text: str, width: int, head: str, indent: str) -> list[str]:
    """Where a character is a column, the places to break can be searched for backwards."""
    done, prefix = [], head
    while len(prefix) + len(text) > width:
        cut = text.rfind(" ", 0, max(width - len(prefix) + 1, 0))
        cut = cut if cut > 0 else text.find(" ")
        if cut < 0:
            break
        done.append(prefix + text[:cut])
        text, prefix = text[cut + 1 :], indent
    return [*done, prefix + text]


def _fill(words: list[str], width: int, head: str, indent: str) -> list[str]:
    done, current = [], head
    for word in words:
        joined = current + word if not current.strip() or current == head else f"{current} {word}"
        if columns(joined) > width and current not in (head, indent):
            done.append(current)
            joined = indent + word
        current = joined
    return [*done, current]
