"""Rendering makes one letter for each target, in its language, with everything typed as data."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
from tests import builders, writers

from picketline.domain import drafts
from picketline.domain.folders import (
    DemandEntry,
    DemandStep,
    DemandWords,
    TargetEntry,
    TargetWords,
    When,
)
from picketline.domain.letters import (
    NoModelLetter,
    Signature,
    render,
    signature_block,
    unsigned,
)
from picketline.domain.loading import load
from picketline.models import Campaign, DemandStatus, ModelLetter

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def with_targets(number: int) -> Campaign:
    """A campaign with this many targets, each with texts in both languages."""
    keys = [f"office-{place}" for place in range(number)]
    entries = [
        TargetEntry(key=key, role="company", language="ru", address=f"{key}@company.example")
        for key in keys
    ]
    names = {key: TargetWords(name=key, salutation=f"Dear {key},") for key in keys}
    return builders.campaign(
        slug=f"harbour-{number}",
        targets=tuple(entries),
        words=tuple(builders.words(language, targets=names) for language in ("en", "ru")),
    )


def test_each_target_is_written_to_once_in_order_and_in_its_own_language(
    campaign: Campaign,
) -> None:
    owner, company = render(campaign, "My words.", writers.DOCKER)

    assert (owner.target_key, owner.language) == ("owner", "en")
    assert (company.target_key, company.language) == ("company", "ru")
    assert owner.body == (
        "Dear Owners, (en)\n\nI write about the harbour.\n\nMy words.\n\n"
        "1. Her reinstatement (en)\n\nJo Docker\nFrance"
    )
    assert company.body.startswith("Dear Directors, (ru)\n")
    assert "1. Her reinstatement (ru)" in company.body
    assert company.body.endswith("Jo Docker\nФранция")


def test_a_role_has_its_own_model_letter_where_there_is_one(campaign: Campaign) -> None:
    owner, company = render(campaign, "", writers.DOCKER)

    assert owner.subject == "The harbour (en owner)"
    assert company.subject == "The harbour (ru)"
    assert ModelLetter.objects.get(pk=owner.model_letter_id).role == "owner"


def test_the_writer_may_choose_one_language_for_all(campaign: Campaign) -> None:
    letters = render(campaign, "", writers.DOCKER, "ru")

    assert [letter.language for letter in letters] == ["ru", "ru"]
    assert letters[0].subject == "The harbour (ru)"
    assert "Dear Owners, (ru)" in letters[0].body


def test_a_language_without_a_model_letter_leaves_each_target_its_own(campaign: Campaign) -> None:
    assert render(campaign, "", writers.DOCKER, "kk") == render(campaign, "", writers.DOCKER)


def test_a_target_whose_language_has_no_letter_gets_the_default() -> None:
    campaign = builders.campaign()
    ModelLetter.objects.filter(language="ru").update(current=False)

    assert [letter.language for letter in render(campaign, "", writers.DOCKER)] == ["en", "en"]


def test_a_letter_to_all_at_once_is_the_same_for_each_and_greets_them_all() -> None:
    campaign = builders.campaign(addressing="all")
    owner, company = render(campaign, "My words.", writers.DOCKER)
    assert (owner.subject, owner.body, owner.language) == (company.subject, company.body, "en")
    assert "Dear Owners, (en)\nDear Directors, (en)" in owner.body
    assert owner.model_letter_id == company.model_letter_id
    russian, _ = render(campaign, "", writers.DOCKER, "ru")
    assert russian.language == "ru"


def test_without_any_model_letter_nothing_can_be_rendered(campaign: Campaign) -> None:
    ModelLetter.objects.filter(role="").update(current=False)
    with pytest.raises(NoModelLetter, match="company"):
        render(campaign, "", writers.DOCKER)


def test_the_languages_offered_are_those_of_general_letters_the_default_first() -> None:
    campaign = builders.campaign(
        default_language="ru",
        letters=(
            builders.letter("en"),
            builders.letter("ar"),
            builders.letter("ru"),
            builders.letter("kk", role="owner"),
        ),
    )
    assert drafts.read(campaign).languages == ["ru", "ar", "en"]


def test_an_old_version_of_a_letter_is_not_used(campaign: Campaign) -> None:
    changed = builders.letter("ru", body=builders.BODY + "\nNew.")
    load(builders.content(letters=(builders.letter("en"), changed)))

    owner, company = render(campaign, "", writers.DOCKER)
    assert company.body.endswith("\nNew.")
    assert owner.subject == "The harbour (en)"  # the owner's own letter has left the folder


def test_a_retired_target_is_not_written_to(campaign: Campaign) -> None:
    only = builders.content().targets[0]
    words = tuple(
        builders.words(language, targets={"owner": TargetWords(name="Owner", salutation="Dear")})
        for language in ("en", "ru")
    )
    load(builders.content(targets=(only,), words=words))

    assert [letter.target_key for letter in render(campaign, "", writers.DOCKER)] == ["owner"]


def test_withdrawn_demands_are_left_out_and_the_rest_numbered_on(campaign: Campaign) -> None:
    keys = ("shifts", "pay", "inquiry")
    history = {"2025-05-01": "Asked for.", "2025-06-01": "Given up."}
    steps = {
        "shifts": (DemandStep(on=When.parse("2025-05-01"), status="open"),),
        "pay": (
            DemandStep(on=When.parse("2025-05-01"), status="open"),
            DemandStep(on=When.parse("2025-06-01"), status="withdrawn"),
        ),
        "inquiry": (
            DemandStep(on=When.parse("2025-05-01"), status="withdrawn"),
            DemandStep(on=When.parse("2025-06-01"), status="open"),
        ),
    }
    demands = tuple(DemandEntry(key=key, history=steps[key]) for key in keys)
    texts = {key: DemandWords(text=f"The {key}.", history=history) for key in keys}
    words = tuple(builders.words(language, demands=texts) for language in ("en", "ru"))
    load(builders.content(demands=demands, words=words))

    assert DemandStatus.objects.count() == 5
    for letter in render(campaign, "", writers.DOCKER):
        assert "\n\n1. The shifts.\n2. The inquiry.\n\n" in letter.body


def test_a_demand_not_yet_translated_stands_in_the_default_language(campaign: Campaign) -> None:
    campaign.demands.get().texts.get(language="ru").delete()

    company = render(campaign, "", writers.DOCKER)[1]
    assert "1. Her reinstatement (en)" in company.body


def test_a_salutation_not_yet_translated_is_the_default_one(campaign: Campaign) -> None:
    campaign.targets.get(key="company").texts.get(language="ru").delete()

    assert render(campaign, "", writers.DOCKER)[1].body.startswith("Dear Directors, (en)\n")


def test_without_words_of_ones_own_no_gap_is_left(campaign: Campaign) -> None:
    body = render(campaign, " \n ", writers.DOCKER)[0].body

    assert "I write about the harbour.\n\n1. Her" in body


HOSTILE = [
    "{signature}",
    "{salutation} {own_words} {demands} {unknown}",
    "{{ 7*7 }} {% include 'x' %} %(number)s ${x} \\1 \\g<0>",
    "<script>alert(1)</script> & <b>bold</b>",
    "=HYPERLINK(1) \u202e \u0000 '; DROP TABLE picketline_letter; --",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_template_syntax_in_what_was_typed_stays_what_it_is(campaign: Campaign, text: str) -> None:
    signature = Signature(name=text, country="FR", organisation=text, role=text, members=2)
    for letter in render(campaign, text, signature):
        assert letter.body.count(text) == 4  # words, name, role, organisation
        assert "{salutation}" not in letter.body.replace(text, "")


def test_template_syntax_in_a_demand_stays_what_it_is() -> None:
    text = "{own_words} and {{ 7*7 }}"
    demands = {"reinstatement": DemandWords(text=text, history={"2025-05-01": "", "2025-06": ""})}
    words = tuple(builders.words(language, demands=demands) for language in ("en", "ru"))
    campaign = builders.campaign(words=words)

    assert f"1. {text}\n" in render(campaign, "Mine.", writers.DOCKER)[0].body


def test_a_signature_says_for_whom_an_organisation_speaks() -> None:
    assert signature_block(writers.UNION, "en") == (
        "Ann Chair\nchair, Crane Drivers\non behalf of 1,200 members\nKazakhstan"
    )


@pytest.mark.parametrize(
    ("signature", "lines"),
    [
        (Signature("Jo", "FR"), ["Jo", "France"]),
        (Signature("Jo", "FR", organisation="We"), ["Jo", "We", "France"]),
        (Signature("Jo", "FR", role="chair"), ["Jo", "France"]),
        (
            Signature("Jo", "FR", organisation="We", members=1),
            ["Jo", "We", "on behalf of 1 member", "France"],
        ),
    ],
)
def test_a_signature_has_no_empty_lines(signature: Signature, lines: list[str]) -> None:
    assert signature_block(signature, "en").split("\n") == lines


def test_rendering_asks_the_database_as_often_for_many_targets_as_for_few() -> None:
    few, many = with_targets(2), with_targets(8)
    with CaptureQueriesContext(connection) as for_few:
        assert len(render(few, "Words.", writers.DOCKER)) == 2
    with CaptureQueriesContext(connection) as for_many:
        assert len(render(many, "Words.", writers.DOCKER)) == 8

    assert len(for_many) == len(for_few)


def test_rendering_needs_one_query(
    campaign: Campaign, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        render(campaign, "Words.", writers.DOCKER)


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "mark"), [("en", ""), ("ar", "\u200f")])
def test_the_dots_of_a_letter_to_begin_with_have_its_direction(language: str, mark: str) -> None:
    offered = tuple(builders.letter(each) for each in ("en", "ru", "ar"))
    campaign = builders.campaign(letters=offered)
    lines = unsigned(drafts.read(campaign), language).body.splitlines()
    assert lines.count(f"{mark}[…]") == 2
