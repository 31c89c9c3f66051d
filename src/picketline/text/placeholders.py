"""Model letters: four placeholders, filled in one pass, everything else literal."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

SALUTATION = "salutation"
OWN_WORDS = "own_words"
DEMANDS = "demands"
SIGNATURE = "signature"

_REQUIRED = (SALUTATION, OWN_WORDS, SIGNATURE)
_KNOWN = (*_REQUIRED, DEMANDS)

# A word in single braces; in doubled braces it is somebody else's template syntax, and text.
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")


@dataclass(frozen=True)
class Problem:
    """A fault of a template: its line, counted from 1, and a sentence."""

    line: int
    message: str


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put `values` in place of their `{name}`.

    Values are never read as templates; a `{word}` without a value stays as it is. Where a
    placeholder stands alone on its line and its value is blank, the line vanishes and so do the
    blank lines on one side of it.
    """
    template = _without_empty(template, {name for name in values if not values[name].strip()})
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def check(template: str) -> list[Problem]:
    """What is wrong with a model letter, in order of lines; empty when it can be used.

    Each of salutation, own_words and signature must be there exactly once, demands at most once,
    and no other `{word}` at all. What is missing is reported for line 1.
    """
    seen: set[str] = set()
    problems = []
    for number, line in enumerate(template.split("\n"), start=1):
        for name in _PLACEHOLDER.findall(line):
            if name not in _KNOWN:
                known = ", ".join(f"{{{each}}}" for each in _KNOWN)
                problems.append(Problem(number, f"{{{name}}} is unknown; there are {known}"))
            elif name in seen:
                problems.append(Problem(number, f"{{{name}}} is there for the second time"))
            seen.add(name)
    missing = [name for name in _REQUIRED if name not in seen]
    return [Problem(1, f"{{{name}}} is missing") for name in missing] + problems


def _without_empty(template: str, empty: set[str]) -> str:
    kept: list[str] = []
    vanished = False  # the line before, apart from blank ones, was taken out
    for line in template.split("\n"):
        alone = _PLACEHOLDER.fullmatch(line.strip())
        if alone and alone[1] in empty:
            vanished = True
        elif line.strip():
            kept.append(line)
            vanished = False
        elif not (vanished and _ends_blank(kept)):
            kept.append(line)
    while vanished and kept and not kept[-1].strip():
        kept.pop()
    return "\n".join(kept)


def _ends_blank(lines: list[str]) -> bool:
    return not lines or not lines[-1].strip()
