"""YAML: strict on the way in, one form on the way out, and the same values on both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from picketline.forms.folder.faults import Faults
from picketline.forms.folder.yaml_in import Mapping, Scalar, Sequence, Value, parse
from picketline.forms.folder.yaml_out import Date, Keys, emit

# Surrogates cannot be stored or written as UTF-8; everything else can be in somebody's text.
HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(
        st.sampled_from("-?:,[]{}#&*!|>'\"%@`=<~ \n\t\r\\.0123456789eEx_+nNyYoOfF\x85\u2028\ufeff")
    ),
    st.sampled_from(["no", "NO", "Null", "~", "y", "off", "+1", "-1", ".inf", ".nan", "=", "<<"]),
    st.sampled_from(["1e3", "0o17", "0x1F", "1_000", "12:30:45", "2011-05-24", "---", "..."]),
    st.sampled_from(["", " ", "--- x", "- a", "? a", "a: b", "a #b", "a:", "!x", "&x", "*x", "%x"]),
    st.sampled_from(["\ufeffx", "x\x85y", "\U000e0041", "\u200fا"]),
)


def _read(text: str) -> Mapping:
    faults = Faults(Path("x.yaml"))
    mapping = parse(text, 1, faults)
    assert mapping is not None, faults.found
    return mapping


def _plain(value: Value) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.entries.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value.items]
    return value.value


def _fault(text: str, first_line: int = 1) -> str:
    faults = Faults(Path("x.yaml"))
    assert parse(text, first_line, faults) is None or faults.found
    (fault,) = faults.found
    return str(fault)


@given(HOSTILE)
@example("on")
@example("\ufffe")
def test_any_text_comes_back_as_itself_and_as_text(value: str) -> None:
    text = emit({"a": value, "list": [value, value], "b": {"c": value}})
    scalar = _read(text).entries["a"]
    assert scalar == Scalar(1, value, "text")
    expected = {"a": value, "list": [value, value], "b": {"c": value}}
    assert yaml.safe_load(text) == expected
    assert emit(expected) == text


@given(HOSTILE, HOSTILE)
def test_any_text_may_be_a_key(key: str, other: str) -> None:
    text = emit({key: {other: "x"}, f"{key}'": Keys((key, other))})
    assert _plain(_read(text)) == {key: {other: "x"}, f"{key}'": [key, other]}


_TREES = st.recursive(
    HOSTILE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(HOSTILE, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(HOSTILE, _TREES, min_size=1, max_size=3).filter(lambda tree: _depth(tree) < 8)
)
def test_any_tree_comes_back_as_itself(tree: dict[str, object]) -> None:
    assert _plain(_read(emit(tree))) == tree  # type: ignore[arg-type]


def _depth(tree: object) -> int:
    if isinstance(tree, dict):
        return 1 + max(map(_depth, tree.values()), default=0)
    if isinstance(tree, list):
        return 1 + max(map(_depth, tree), default=0)
    return 1


def test_the_canonical_form_reads_well() -> None:
    text = emit(
        {
            "title": "It's a “plain” text, isn't it?",
            "colon": "one: two",
            "country": "no",
            "on": Date("2011-05"),
            "sources": Keys(("a-1", "2011-05", "no")),
            "steps": [{"on": Date("2011"), "status": "open"}, {"on": Date("2012")}],
            "history": {"2011-05-24": "Тоқта", "empty": {}, "none": []},
        }
    )
    assert text == (
        "title: It's a “plain” text, isn't it?\n"
        'colon: "one: two"\n'
        'country: "no"\n'
        "on: 2011-05\n"
        'sources: [a-1, "2011-05", "no"]\n'
        "steps:\n"
        "  - on: 2011\n"
        "    status: open\n"
        "  - on: 2012\n"
        "history:\n"
        '  "2011-05-24": Тоқта\n'
        "  empty: {}\n"
        "  none: []\n"
    )


def test_every_value_knows_its_line() -> None:
    mapping = _read("a: x\nb:\n  - y\n  -\n    z\nc:\n  d: 1\n")
    assert mapping.lines == {"a": 1, "b": 2, "c": 6}
    assert mapping.entries["b"] == Sequence(3, (Scalar(3, "y", "text"), Scalar(5, "z", "text")))
    assert mapping.entries["c"] == Mapping(7, {"d": Scalar(7, "1", "a number")}, {"d": 7})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: x\na: y\n", "x.yaml:2: a: this key is here twice, first on line 1."),
        ("a: x\nb: &x 1\n", "x.yaml:2: Anchors and aliases (& and *) are not used"),
        ("a: x\nb: *x\n", "x.yaml:2: Anchors and aliases (& and *) are not used"),
        ("a: !!python/object/apply:os.system [x]\n", "x.yaml:1: Tags (!) are not used"),
        ("a: x\n\nb: !!binary x\n", "x.yaml:3: Tags (!) are not used"),
        ("a: x\nb: [\n", "x.yaml:3: This is not YAML"),
        ("a: 'x\n", "x.yaml:2: This is not YAML"),
        ("a: x\n  b: y\n", "x.yaml:2: This is not YAML: mapping values are not allowed here."),
        ("a: x\n\tb: y\n", "x.yaml:2: This is not YAML"),
        ("a: x\n---\nb: y\n", "x.yaml:2: This is not YAML: but found another document."),
        ("- a\n", "x.yaml:1: This must be a mapping"),
        ("", "x.yaml:1: This must be a mapping"),
        ("? [a, b]\n: x\n", "x.yaml:1: A key must be one word."),
        ("a: " + "[" * 100_000, "x.yaml:1: This is nested too deeply"),
        ("a: " + "{a: " * 100_000, "x.yaml:1: This is nested too deeply"),
        ("a: [" + "x," * 30_000, "x.yaml:1: This is nested too deeply or too long"),
    ],
)
def test_yaml_that_no_campaign_needs_is_refused_with_its_line(text: str, fault: str) -> None:
    assert _fault(text).startswith(fault)


def test_lines_count_from_where_the_text_begins_in_its_file() -> None:
    assert _fault("a: x\na: y\n", first_line=5) == (
        "x.yaml:6: a: this key is here twice, first on line 5."
    )


def test_a_billion_laughs_are_refused_at_the_first() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(30))
    assert _fault(bomb).startswith("x.yaml:1: Anchors")
