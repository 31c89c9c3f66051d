"""Plain-text letters that survive any mail client: short lines, broken at spaces only."""

import unicodedata

import regex

_GRAPHEME = regex.compile(r"\X")
# Plain Latin and Cyrillic: every character a grapheme of one column. Most letters are nothing else,
# and counting their graphemes word by word was most of the work of building a mail.
_NARROW = regex.compile("[ -~\u00a0-\u02ff\u0400-\u0482\u048a-\u052f\u2013\u2014\u2018-\u201e]*")
_LIST_ITEM = regex.compile(r"\s*(?:[-*•–]|\(?\p{Nd}{1,3}[.)])\s+")


def wrap_letter(text: str, width: int = 72) -> str:
    """Break lines longer than `width` columns at spaces.

    Line ends in the text stay. What follows in a list item is indented below its first word. The
    last paragraph, where it has two lines or more, is the signature: its lines are never broken.
    A single word longer than a line stays whole.
    """
    lines = text.split("\n")
    end = _signature_start(lines)
    wrapped = [part for line in lines[:end] for part in _wrap(line, width)]
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


def _wrap(line: str, width: int) -> list[str]:
    line = line.rstrip()
    if columns(line) <= width:
        return [line]
    item = _LIST_ITEM.match(line)
    head = item.group() if item else line[: len(line) - len(line.lstrip())]
    indent = " " * columns(head)
    done, current = [], head
    for word in regex.split("[ \t]+", line[len(head) :]):
        joined = current + word if not current.strip() or current == head else f"{current} {word}"
        if columns(joined) > width and current not in (head, indent):
            done.append(current)
            joined = indent + word
        current = joined
    return [*done, current]
