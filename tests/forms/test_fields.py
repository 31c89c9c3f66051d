"""Form fields: what they make of what people type, and which sentence each refusal has."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from picketline.forms.fields import (
    ADDRESS_REFUSALS,
    REFUSALS,
    AddressField,
    CountryField,
    LineField,
    MembersField,
    WordsField,
)
from picketline.mail.addresses import AddressReason
from picketline.text.plain import Reason

EMPTY = gettext_lazy("Please choose")
NAME = LineField(max_graphemes=70, person=True, empty=EMPTY)
ORGANISATION = LineField(max_graphemes=120, empty=EMPTY)
WORDS = WordsField(max_graphemes=1000)
ADDRESS = AddressField()
COUNTRY = CountryField()
MEMBERS = MembersField(most=10_000_000)
FIELDS = [NAME, ORGANISATION, WORDS, ADDRESS, COUNTRY, MEMBERS]


def test_every_reason_has_its_own_sentence_in_every_language() -> None:
    for language in ("en", "fr", "ru", "kk", "ar"):
        with translation.override(language):
            for sentences in (REFUSALS, ADDRESS_REFUSALS):
                spoken = [str(sentence) for sentence in sentences.values()]
                assert len(set(spoken)) == len(spoken)
                assert all(sentence.endswith(".") for sentence in spoken)
    assert set(REFUSALS) == set(Reason)
    assert set(ADDRESS_REFUSALS) == set(AddressReason)


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.text(max_size=3), max_size=2)))
def test_no_input_does_worse_than_being_refused(value: object) -> None:
    for field in FIELDS:
        try:
            field.clean(value)
        except ValidationError:
            continue


@given(st.text(min_size=1))
def test_what_a_line_accepts_is_one_line_and_stays_as_it_is(value: str) -> None:
    try:
        line = NAME.clean(value)
    except ValidationError:
        return
    assert line
    assert len(line.splitlines()) == 1
    assert NAME.clean(line) == line


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("  Ana \u00a0  Núñez ", "Ana Núñez"),
        ("A\u200bna", "Ana"),
        ("E\u0301va", "Éva"),
        ("<script>", "<script>"),
    ],
)
def test_a_line_is_tidied(typed: str, line: str) -> None:
    assert NAME.clean(typed) == line


def test_only_a_persons_name_may_not_look_like_an_account() -> None:
    assert ORGANISATION.clean("@theharbour") == "@theharbour"
    with pytest.raises(ValidationError, match="name of an account"):
        NAME.clean("@theharbour")


def test_own_words_may_be_missing_and_lose_only_what_nobody_sees() -> None:
    assert WORDS.clean("") == WORDS.clean(" \r\n ") == WORDS.clean(None) == ""
    assert WORDS.clean("one  \r\n\r\n\r\n\r\ntwo\n") == "one\n\ntwo"


def test_own_words_are_counted_as_their_reader_counts() -> None:
    assert WORDS.clean("👩‍🔧" * 300)
    with pytest.raises(ValidationError, match="too long"):
        WORDS.clean("e\u0301" * 1001)


def test_an_address_at_this_site_is_refused_and_its_neighbour_is_not() -> None:
    field = AddressField()
    field.own_domains = ("letters.example",)
    for own in ("a@letters.example", "a@reply.Letters.Example"):
        with pytest.raises(ValidationError, match="an address of this site"):
            field.clean(own)
    assert field.clean("a@otherletters.example") == "a@otherletters.example"


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" ana@mail.example ", "ana@mail.example"),
        ("Ana+Kraft@MAIL.example", "Ana+Kraft@mail.example"),
        ("ana@exаmple.example", "ana@xn--exmple-4nf.example"),
    ],
)
def test_an_address_keeps_its_local_part_and_shows_its_real_domain(
    typed: str, address: str
) -> None:
    assert ADDRESS.clean(typed) == address


@pytest.mark.parametrize("nowhere", ["XX", "kz", "Kazakhstan", "KZ\n\x00"])
def test_a_country_is_one_of_those_offered(nowhere: str) -> None:
    assert all(COUNTRY.clean(code) == code for code, _ in COUNTRY.choices)
    with pytest.raises(ValidationError, match="from the list"):
        COUNTRY.clean(nowhere)


@pytest.mark.parametrize(("typed", "members"), [("", None), ("١٬٢٠٠", 1200), ("0012", 12)])
def test_members_are_counted_or_not_given(typed: str, members: int | None) -> None:
    assert MEMBERS.clean(typed) == members


@pytest.mark.parametrize(
    "typed", ["0", "-1", "1.5", "12,34", "many", "²", "1e3", "10000001", "9" * 5000]
)
def test_what_is_no_number_of_members_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match="number of members"):
        MEMBERS.clean(typed)


@pytest.mark.parametrize(
    "line",
    ["Union http://spam.example", "www.spam.example", "write to x@spam.example", "+49 30 1234567"],
)
def test_an_organisation_is_no_place_for_advertising(line: str) -> None:
    with pytest.raises(ValidationError):
        ORGANISATION.clean(line)


@pytest.mark.parametrize("line", ["LabourStart.org", "GEW Berlin, Gruppe 12", "IG Metall 1899"])
def test_an_organisation_may_be_called_like_its_site_or_its_year(line: str) -> None:
    assert ORGANISATION.clean(line) == line
