"""The form of a letter: what comes out of it, and a sentence for every reason to refuse."""

from __future__ import annotations

from typing import Any

import pytest
import regex
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from picketline.domain.letters import Signature
from picketline.forms.fields import ADDRESS_REFUSALS, REFUSALS
from picketline.forms.letters import ConsentForm, LetterForm
from picketline.mail.addresses import AddressReason
from picketline.models import Consent, Supporter
from picketline.text.plain import Reason

PERSON = {
    "own_words": "I drive a crane.\r\n\r\n\r\n\r\nPlease answer. ",
    "name": "  Ana   Núñez ",
    "email": " Ana@Mail.Example ",
    "country": "ES",
    "signs_as": "person",
    "replies": "alias",
}
BRANCH = {
    "signs_as": "organisation",
    "organisation": "Crane Drivers",
    "role": "Secretary",
    "members": "1200",
}


def form(**changes: Any) -> LetterForm:
    """The form, filled in for one person but for ``changes``."""
    return LetterForm({**PERSON, **changes}, letter_languages=["en", "ru"])


def valid(**changes: Any) -> LetterForm:
    filled = form(**changes)
    assert filled.is_valid(), filled.errors
    return filled


def test_what_was_typed_comes_out_clean() -> None:
    submission = valid().submission("fr", frozenset({Consent.Kind.SEND}))
    assert submission.own_words == "I drive a crane.\n\nPlease answer."
    assert submission.signature == Signature(name="Ana Núñez", country="ES")
    assert submission.address == "Ana@mail.example"
    assert submission.page_language == "fr"
    assert submission.replies is Supporter.Replies.ALIAS
    assert submission.consents == {Consent.Kind.SEND}


def test_an_organisation_signs_with_role_and_members() -> None:
    assert valid(**BRANCH).signature() == Signature(
        name="Ana Núñez",
        country="ES",
        organisation="Crane Drivers",
        role="Secretary",
        members=1200,
    )


@pytest.mark.parametrize("field", ["organisation", "role", "members"])
def test_an_organisation_without_one_of_its_fields_is_asked_for_it(field: str) -> None:
    filled = form(**{**BRANCH, field: " "})
    assert not filled.is_valid()
    assert set(filled.errors) == {field}


def test_a_person_is_not_held_to_the_organisations_fields() -> None:
    filled = valid(organisation="http://x.example", role="\x00", members="many")
    assert filled.signature() == Signature(name="Ana Núñez", country="ES")


@pytest.mark.parametrize(
    ("typed", "members"),
    [
        ("1200", 1200),
        ("1,200", 1200),
        ("1 200", 1200),
        ("1\u202f200", 1200),
        ("1.200", 1200),
        ("1’200", 1200),
        ("١٢٠٠", 1200),
        ("10 000 000", 10_000_000),
        (" 7 ", 7),
    ],
)
def test_members_are_read_as_people_write_them(typed: str, members: int) -> None:
    assert valid(**{**BRANCH, "members": typed}).signature().members == members


@pytest.mark.parametrize("language", ["", "en", "ru"])
def test_letters_can_be_in_a_language_there_is_a_model_in(language: str) -> None:
    assert valid(letter_language=language).cleaned_data["letter_language"] == language


def test_another_language_is_not_offered() -> None:
    assert set(form(letter_language="de").errors) == {"letter_language"}


@pytest.mark.parametrize("language", ["en", "fr", "ru", "kk", "ar"])
def test_countries_are_offered_in_the_pages_language(language: str) -> None:
    names = {"en": "Spain", "fr": "Espagne", "ru": "Испания", "kk": "Испания", "ar": "إسبانيا"}
    with translation.override(language):
        offered = dict(form().fields["country"].choices)  # type: ignore[attr-defined]
    assert offered["ES"] == names[language]


def test_every_reason_to_refuse_has_its_sentence() -> None:
    assert set(REFUSALS) == set(Reason)
    assert set(ADDRESS_REFUSALS) == set(AddressReason)


@pytest.mark.parametrize("field", ["name", "email", "country", "signs_as", "replies"])
def test_what_is_needed_is_asked_for_in_a_sentence(field: str) -> None:
    [message] = form(**{field: ""}).errors[field]
    assert message.startswith("Please ")


def test_an_empty_paragraph_is_not_refused() -> None:
    assert valid(own_words="").cleaned_data["own_words"] == ""


def test_nothing_typed_is_lost_between_the_steps() -> None:
    filled = form(**BRANCH)
    assert dict(filled.kept) == {"letter_language": "", **PERSON, **BRANCH}


def test_consents_are_given_one_by_one() -> None:
    assert not ConsentForm({"consent_updates": "on"}).is_valid()
    given_two = ConsentForm({"consent_send": "on", "consent_updates": "on"})
    assert given_two.is_valid()
    assert given_two.consents() == {Consent.Kind.SEND, Consent.Kind.UPDATES}


@given(st.dictionaries(st.sampled_from([*PERSON, *BRANCH]), st.text()))
def test_no_text_breaks_the_form(typed: dict[str, str]) -> None:
    filled = form(**typed)
    if filled.is_valid():
        name = filled.submission("en", frozenset()).signature.name
        assert not regex.search(r"[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}]", name)
