"""Letters wrapped for any mail client."""

from hypothesis import given
from hypothesis import strategies as st

from picketline.text.paragraphs import columns, wrap_letter


def test_long_lines_are_broken_at_spaces() -> None:
    text = wrap_letter("Слово и дело " * 20)

    assert all(columns(line) <= 72 for line in text.split("\n"))
    assert text.split() == ["Слово", "и", "дело"] * 20


def test_short_lines_blank_lines_and_line_ends_stay() -> None:
    text = "Dear Sir,\n\n\nOne.\nTwo.\n\n1. a\n2. b\n\nYours,\n\nMaria\nFrance\n"

    assert wrap_letter(text) == text


def test_a_list_item_goes_on_below_its_first_word() -> None:
    for mark in ("- ", "10. ", "  • ", "(2) ", "٣. "):
        first, *rest = wrap_letter(mark + "word " * 30).split("\n")

        assert first.startswith(mark + "word")
        assert rest
        assert all(line.startswith(" " * len(mark) + "word") for line in rest)


def test_an_indented_line_keeps_its_indent() -> None:
    assert {line[:3] for line in wrap_letter("  " + "a b " * 40).split("\n")} <= {"  a", "  b"}


def test_the_lines_of_the_signature_are_never_broken() -> None:
    signature = "Maria Lopez\non behalf of the " + "very " * 20 + "long union\nFrance"

    text = wrap_letter("word " * 30 + "\n\n" + signature + "\n")

    assert text.endswith("\n\n" + signature + "\n")


def test_a_last_paragraph_of_one_line_is_no_signature() -> None:
    assert "\n" in wrap_letter("Dear Sir,\n\n" + "word " * 30)


def test_a_word_longer_than_a_line_stays_whole() -> None:
    word = "x" * 100

    assert wrap_letter(f"a {word} b") == f"a\n{word}\nb"
    assert wrap_letter(f"- {word} b") == f"- {word}\n  b"


def test_columns_are_what_a_terminal_shows() -> None:
    assert columns("añ") == 2
    assert columns("án") == 2
    assert columns("山田") == 4
    assert all(columns(line) <= 72 for line in wrap_letter("山田 " * 40).split("\n"))


def test_an_empty_letter_stays_empty() -> None:
    assert wrap_letter("") == ""
    assert wrap_letter("\n\n") == "\n\n"


@given(st.text("ab-1. \n\t山ж", max_size=300), st.integers(5, 40))
def test_wrapping_loses_no_word_and_is_stable(text: str, width: int) -> None:
    wrapped = wrap_letter(text, width)

    assert wrapped.split() == text.split()
    assert all(line == line.rstrip() for line in wrapped.split("\n"))
