"""Plain lines and texts: what is cleaned, what is refused and why."""

import unicodedata
from collections.abc import Callable

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from picketline.text.plain import Reason, Refused, clean_line, clean_text, graphemes

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=40) | st.text(
    st.sampled_from("aбع \t\r\n\u200b\u200c\u200d\u200e\u202e\u0301\ufeff\u2028\x00\ud800👩✊🏽ㅤ"),
    max_size=30,
)


def reason_for(clean: Callable[[], str]) -> Reason:
    with pytest.raises(Refused) as refusal:
        clean()
    return refusal.value.reason


@pytest.mark.parametrize(
    "name",
    [
        "Maria López",
        "O'Brien",
        "X",
        "N" * 70,
        "Наталья Соколова",
        "Ақжанат Әминов",
        "محمد علي",
        "می‌خواهم",
        "क्‍ष",
        "ක්‍ෂ",
        "สมชาย ใจดี",
        "山田太郎",
        "שלום\u200f",
        "נ\u05b8\u05bc\u0591",
        "Nguyễn Thị Ánh",
        "<b>Maria</b>",
        "<script>",
        "=HYPERLINK(1)",
        "+1",
        "-1",
        "＝SUM",
        "{{ 7*7 }}",
        "%(x)s ${x}",
        "Maria ✊🏽 👩‍🏭",
        "Dr. Ivan A.B.Petrov",
    ],
)
def test_a_name_of_any_script_is_kept(name: str) -> None:
    assert clean_line(name, name=True) == name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Maria \t", "Maria"),
        ("Maria  \u00a0 Lopez", "Maria Lopez"),
        ("山田\u3000太郎", "山田 太郎"),
        ("Lo\u0301pez", "López"),
        ("Ma\u200bria\ufeff", "Maria"),
        ("Ma\u00adri\u2060a", "Maria"),
        ("Maria\U000e0041\U000e0001", "Maria"),
        ("\t=1+1", "=1+1"),
    ],
)
def test_what_does_no_harm_is_put_right(typed: str, kept: str) -> None:
    assert clean_line(typed, name=True) == kept


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", Reason.EMPTY),
        (" \t ", Reason.EMPTY),
        ("\u200b\ufeff", Reason.EMPTY),
        ("ㅤ", Reason.EMPTY),
        ("\u2800", Reason.EMPTY),
        ("\u0301", Reason.EMPTY),
        ("N" * 71, Reason.TOO_LONG),
        ("𝔐" * 70 + "ü" * 100, Reason.TOO_LONG),
        ("क्षे" * 40, Reason.TOO_LONG),
        ("N" * 10_000_000, Reason.TOO_LONG),
        ("A\r\nBcc: x@y", Reason.LINE_BREAK),
        ("A\nB", Reason.LINE_BREAK),
        ("A\r", Reason.LINE_BREAK),
        ("A\u2028B", Reason.LINE_BREAK),
        ("A\u2029", Reason.LINE_BREAK),
        ("A\u0085B", Reason.LINE_BREAK),
        ("A\vB", Reason.LINE_BREAK),
        ("A\fB", Reason.LINE_BREAK),
        ("A\tB", Reason.CONTROL),
        ("A\x00", Reason.CONTROL),
        ("\x1b[31mA", Reason.CONTROL),
        ("A\x07", Reason.CONTROL),
        ("A\x9b", Reason.CONTROL),
        ("\ud800", Reason.BROKEN),
        ("A\ue000", Reason.BROKEN),
        ("A\uffff", Reason.BROKEN),
        ("A\u202eB", Reason.DIRECTION),
        ("A\u2066B", Reason.DIRECTION),
        ("محمد\u202e", Reason.DIRECTION),
        ("Maria\u200e", Reason.DIRECTION),
        ("Maria\u200f", Reason.DIRECTION),
        ("Mar\u200dia", Reason.INVISIBLE),
        ("Mar\u200cia", Reason.INVISIBLE),
        ("م\u200d\u200dم", Reason.INVISIBLE),
        ("\u200cم", Reason.INVISIBLE),
        ("👩\u200dx", Reason.INVISIBLE),
        ("A\u180e", Reason.INVISIBLE),
        ("A\ufff9", Reason.INVISIBLE),
        ("Z" + "\u0301" * 80, Reason.MARKS),
        ("م" + "\u064b\u200d" * 5 + "م", Reason.MARKS),
        ("@handle", Reason.HANDLE),
        ("＠handle", Reason.HANDLE),
        ("\u200b@SUM", Reason.HANDLE),
        ("http://spam.example", Reason.LINK),
        ("spam . example", Reason.LINK),
        ("t.me/x", Reason.LINK),
        ("s\u200bpam.com", Reason.LINK),
        ("maria@mail.example", Reason.EMAIL),
    ],
)
def test_a_name_with_a_fault_is_refused_by_its_name(value: str, reason: Reason) -> None:
    assert reason_for(lambda: clean_line(value, name=True)) is reason


def test_a_line_that_is_no_name_may_hold_a_web_address() -> None:
    assert clean_line("@union, https://union.example") == "@union, https://union.example"


def test_limits_count_what_a_reader_counts_and_what_a_server_stores() -> None:
    assert clean_line("👩‍🏭" * 30) == "👩‍🏭" * 30
    assert reason_for(lambda: clean_line("👩‍🏭" * 40)) is Reason.TOO_LONG
    assert reason_for(lambda: clean_line("abc", max_graphemes=2)) is Reason.TOO_LONG
    assert graphemes("👩‍🏭é🇰🇿") == 3


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        (" \n\n ", ""),
        ("ㅤ\n", ""),
        ("One\r\nTwo\rThree\n", "One\nTwo\nThree"),
        ("One  \n\n\n\n\tTwo ", "One\n\n\tTwo"),
        ("One\n.\nTwo\r.\r", "One\n.\nTwo\n."),
        ("\r\n.\r\nMAIL FROM:<x>", ".\nMAIL FROM:<x>"),
        ("Lo\u0301pez\u200b", "López"),
        ("{{ 7*7 }} {% include %} %(x)s ${x} {salutation}",) * 2,
        ("سلام\u200f (2011)",) * 2,
        ("👩‍👩‍👧 <b>",) * 2,
        ("x" * 1000,) * 2,
    ],
)
def test_a_text_keeps_its_words_and_loses_its_noise(typed: str, kept: str) -> None:
    assert clean_text(typed) == kept


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x" * 1001, Reason.TOO_LONG),
        ("x" * 50_000, Reason.TOO_LONG),
        ("A\u2028B", Reason.LINE_BREAK),
        ("A\x0bB", Reason.LINE_BREAK),
        ("A\x00B", Reason.CONTROL),
        ("\ud800", Reason.BROKEN),
        ("A\u202eB", Reason.DIRECTION),
        ("A\u200dB", Reason.INVISIBLE),
        ("A" + "\u0301" * 6, Reason.MARKS),
    ],
)
def test_a_text_with_a_fault_is_refused_by_its_name(value: str, reason: Reason) -> None:
    assert reason_for(lambda: clean_text(value)) is reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("See http://spam.example", Reason.LINK),
        ("mailto:maria@mail.example", Reason.EMAIL),
        ("Call +7 701 123 45 67", Reason.PHONE),
        ("Pay DE89 3704 0044 0532 0130 00", Reason.BANK_ACCOUNT),
        ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", Reason.ENCODED),
    ],
)
def test_contact_details_are_refused_only_where_they_must_not_be(
    value: str, reason: Reason
) -> None:
    assert clean_text(value) == value
    assert reason_for(lambda: clean_text(value, no_contact=True)) is reason


def test_an_honest_paragraph_passes_all_rules() -> None:
    words = (
        "In 2010-2011 I worked beside them. C087/87 and 98 bind Kazakhstan since 2000/01;\n"
        "on 2011-12-16 and 17.12.2011 at 15:30 people died. 989 lost their work, and\n"
        "1 800 000 tenge of wages. О чём тут спорить? Я с вами."
    )
    assert clean_text(words, no_contact=True) == words


def test_the_limit_in_bytes_can_be_given() -> None:
    assert reason_for(lambda: clean_text("ж" * 6, max_bytes=11)) is Reason.TOO_LONG


def safe(text: str, allowed: str = "") -> bool:
    refused = regex.compile(
        "[\\p{Cc}\\p{Cs}\\p{Co}\\p{Zl}\\p{Zp}\u202a-\u202e\u2066-\u2069\u200b\ufeff]"
    )
    rest = text.translate({ord(character): None for character in allowed})
    return not refused.search(rest) and not regex.search(r"\p{M}{5}", text)


@given(ANYTHING)
def test_whatever_line_is_accepted_is_safe_and_stable(value: str) -> None:
    try:
        line = clean_line(value)
    except Refused:
        return
    assert line
    assert safe(line)
    assert line == unicodedata.normalize("NFC", line).strip()
    assert clean_line(line) == line


@given(ANYTHING)
def test_whatever_text_is_accepted_is_safe_and_stable(value: str) -> None:
    try:
        text = clean_text(value, no_contact=True)
    except Refused:
        return
    assert safe(text, allowed="\n\t")
    assert text == unicodedata.normalize("NFC", text)
    assert clean_text(text, no_contact=True) == text
