"""Model letters filled in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.text.placeholders import Problem, check, fill

LETTER = (
    "{salutation}\n\nI write.\n\n{own_words}\n\nDo this:\n\n{demands}\n\nYours,\n\n{signature}\n"
)
VALUES = {
    "salutation": "Dear Sir,",
    "own_words": "I know this work.",
    "demands": "1. Free her.",
    "signature": "Maria\nFrance",
}


def test_every_placeholder_is_filled() -> None:
    assert fill(LETTER, VALUES) == (
        "Dear Sir,\n\nI write.\n\nI know this work.\n\nDo this:\n\n1. Free her.\n\n"
        "Yours,\n\nMaria\nFrance\n"
    )


@pytest.mark.parametrize("words", ["", "  ", "\n"])
def test_without_own_words_their_paragraph_vanishes(words: str) -> None:
    text = fill(LETTER, VALUES | {"own_words": words})

    assert "I write.\n\nDo this:" in text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{own_words}\n\nB\n", "B\n"),
        ("A\n\n{own_words}\n", "A"),
        ("A\n{own_words}\nB", "A\nB"),
        ("A\n\n{own_words}\n\n{demands}\n\nB", "A\n\nB"),
        ("A\n\n\n{own_words}\n\n\nB", "A\n\n\nB"),
        ("{own_words}", ""),
        ("A {own_words} B\n\n\nC", "A  B\n\n\nC"),
    ],
)
def test_a_vanished_paragraph_leaves_no_hole(template: str, text: str) -> None:
    assert fill(template, {"own_words": "", "demands": ""}) == text


@given(st.text("{}salutionwrdeg_ \n%$", max_size=30))
def test_what_a_supporter_writes_is_never_read_as_a_template(words: str) -> None:
    marked = "«" + words + "»"

    assert fill("{own_words}|{signature}", {"own_words": marked, "signature": "S"}) == marked + "|S"


@pytest.mark.parametrize(
    "text",
    [
        "{unknown}",
        "{{signature}}",
        "{{ 7*7 }}",
        "{% include %}",
        "{",
        "}",
        "{}",
        "{ signature }",
        "${x} %(x)s",
    ],
)
def test_other_braces_stay_as_they_are(text: str) -> None:
    assert fill(text, VALUES) == text


def test_a_placeholder_without_a_value_stays() -> None:
    assert fill("{salutation} {demands}", {"salutation": "Dear"}) == "Dear {demands}"


def test_a_good_letter_has_no_problems() -> None:
    assert check(LETTER) == []
    assert check(LETTER.replace("{demands}", "")) == []


def test_what_is_missing_is_named() -> None:
    assert check("{demands} {{signature}}") == [
        Problem(1, "{salutation} is missing"),
        Problem(1, "{own_words} is missing"),
        Problem(1, "{signature} is missing"),
    ]


@pytest.mark.parametrize("name", ["salutation", "own_words", "demands", "signature"])
def test_nothing_may_be_there_twice(name: str) -> None:
    assert check(f"{LETTER}\n{{{name}}}") == [
        Problem(15, f"{{{name}}} is there for the second time")
    ]


def test_an_unknown_placeholder_is_named_with_its_line() -> None:
    (problem,) = check(LETTER.replace("Yours,", "Yours, {name}"))

    assert problem.line == 11
    assert problem.message.startswith("{name} is unknown; there are {salutation}, ")
