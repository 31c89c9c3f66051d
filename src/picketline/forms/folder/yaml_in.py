"""The part of YAML that campaign folders use, read with the line of everything.

Mappings, lists and scalars, nothing else: no anchors, aliases, tags or several documents, no key
twice, no deep nesting. Nothing is constructed: a scalar stays the text it was written as, together
with what YAML would take it for.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from picketline.forms.folder.faults import Faults

MAX_DEPTH = 8
MAX_NODES = 20_000

_KINDS = {
    "tag:yaml.org,2002:str": "text",
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "yes or no",
    "tag:yaml.org,2002:null": "nothing",
}


@dataclass(frozen=True)
class Scalar:
    """A scalar as written; ``kind`` is what YAML takes it for, such as ``text`` or ``a date``."""

    line: int
    value: str
    kind: str


@dataclass(frozen=True)
class Sequence:
    """A list."""

    line: int
    items: tuple[Value, ...]


@dataclass(frozen=True)
class Mapping:
    """A mapping; ``lines`` has the line of each key."""

    line: int
    entries: dict[str, Value]
    lines: dict[str, int]


Value = Scalar | Sequence | Mapping


class _Refused(Exception):
    """The text uses YAML that no campaign folder needs."""

    def __init__(self, line: int, sentence: str) -> None:
        self.line = line
        super().__init__(sentence)


class _Loader(yaml.SafeLoader):
    """PyYAML's parser, stopped at the first event that does not belong."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Refuse what could make a small file large or deep, before it does."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused(line, "Anchors and aliases (& and *) are not used in these files.")
        if getattr(event, "tag", None) is not None:
            raise _Refused(line, "Tags (!) are not used in these files.")
        self._nodes += 1
        if self._depth >= MAX_DEPTH or self._nodes > MAX_NODES:
            raise _Refused(line, "This is nested too deeply or too long to be a campaign.")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def parse(text: str, first_line: int, faults: Faults) -> Mapping | None:
    """The mapping that ``text`` is, or None with a fault noted.

    ``first_line`` is the line of the file that ``text`` begins at.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
    except _Refused as refusal:
        faults.add(refusal.line + first_line, str(refusal))
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = (mark.line if mark else 0) + first_line
        faults.add(line, f"This is not YAML: {error.problem or error.context}.")
        return None
    finally:
        loader.dispose()
    if not isinstance(node, yaml.MappingNode):
        faults.add(first_line, "This must be a mapping: lines of the form “key: value”.")
        return None
    return _mapping(node, first_line, faults)


def _value(node: yaml.Node, first_line: int, faults: Faults) -> Value:
    line = node.start_mark.line + first_line
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, first_line, faults)
    if isinstance(node, yaml.SequenceNode):
        return Sequence(line, tuple(_value(item, first_line, faults) for item in node.value))
    return Scalar(line, node.value, _KINDS.get(node.tag, "something else"))


def _mapping(node: yaml.MappingNode, first_line: int, faults: Faults) -> Mapping:
    mapping = Mapping(node.start_mark.line + first_line, {}, {})
    for key, value in node.value:
        line = key.start_mark.line + first_line
        if not isinstance(key, yaml.ScalarNode):
            faults.add(line, "A key must be one word.")
        elif key.value in mapping.entries:
            first = mapping.lines[key.value]
            faults.add(line, f"{key.value}: this key is here twice, first on line {first}.")
        else:
            mapping.entries[key.value] = _value(value, first_line, faults)
            mapping.lines[key.value] = line
    return mapping
