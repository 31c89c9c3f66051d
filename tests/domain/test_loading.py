"""Loading makes rows say what the folder says, touches nothing else, and forgets no version."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from tests import builders

from picketline.domain.dumping import content_of
from picketline.domain.folders import (
    DemandEntry,
    DemandStep,
    FactEntry,
    FolderContent,
    OrganisationEntry,
    PersonEntry,
    TargetEntry,
    When,
)
from picketline.domain.loading import LoadReport, load
from picketline.models import (
    Organisation,
    Source,
)

pytestmark = pytest.mark.django_db


def _versions_of_all_rows() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, with the transaction that last wrote it."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_app_config("picketline").get_models(include_auto_created=True):
            table = model._meta.db_table
            cursor.execute(f"SELECT ctid::text, xmin::text, t.*::text FROM {table} t ORDER BY 1")  # noqa: S608
            found[table] = cursor.fetchall()
    return found


def _replace_words(content: FolderContent, language: str, **changes: Any) -> FolderContent:
    words = tuple(
        dataclasses.replace(page, **changes) if page.language == language else page
        for page in content.words
    )
    return dataclasses.replace(content, words=words)


def test_a_first_load_reports_everything_as_new() -> None:
    report = load(builders.content())
    assert report.slug == "harbour"
    assert {"campaign", "organisation dockers", "text ru", "fact dismissal"} <= set(report.new)
    assert {"target owner", "demand reinstatement", "letter en (owner)"} <= set(report.new)
    assert (report.changed, report.removed, report.same) == ((), (), 0)


def test_what_was_loaded_is_what_is_dumped() -> None:
    load(builders.content())
    assert content_of("harbour") == builders.content()


def test_loading_again_changes_no_row() -> None:
    first = load(builders.content())
    before = _versions_of_all_rows()
    again = load(builders.content())
    assert _versions_of_all_rows() == before
    assert again == LoadReport("harbour", (), (), (), same=len(first.new))
    assert not again.touched


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"closes_on": datetime.date(2030, 1, 1)}, ["campaign"]),
        ({"copies": "daily"}, ["campaign"]),
        ({"organisation": OrganisationEntry(slug="dockers", name="X")}, ["organisation dockers"]),
        (
            {"sources": tuple(reversed(builders.content().sources))},
            ["source gazette", "source report"],
        ),
        (
            {"facts": (FactEntry(key="dismissal", on=When.parse("2025"), sources=("gazette",)),)},
            ["fact dismissal"],
        ),
        (
            {
                "facts": (
                    FactEntry(
                        key="dismissal", on=When.parse("2025-04-10"), sources=("gazette", "report")
                    ),
                )
            },
            ["fact dismissal"],
        ),
        (
            {
                "people": (
                    PersonEntry(
                        key="crane-driver", status_on=When.parse("2025-04"), sources=("report",)
                    ),
                )
            },
            ["person crane-driver"],
        ),
        (
            {
                "demands": (
                    DemandEntry(
                        key="reinstatement",
                        history=(
                            DemandStep(on=When.parse("2025-05-01"), status="open"),
                            DemandStep(on=When.parse("2025-06"), status="met"),
                        ),
                    ),
                )
            },
            ["demand reinstatement"],
        ),
    ],
)
def test_a_change_is_stored_and_reported_by_its_name(
    changes: dict[str, Any], changed: list[str]
) -> None:
    load(builders.content())
    wanted = builders.content(**changes)
    report = load(wanted)
    assert sorted(report.changed) == changed
    assert (report.new, report.removed) == ((), ())
    assert content_of("harbour") == _as_dumped(wanted)


def _as_dumped(content: FolderContent) -> FolderContent:
    """Sources of an entry are dumped in the order of the campaign's sources."""
    order = [source.key for source in content.sources]
    people = tuple(
        dataclasses.replace(each, sources=tuple(sorted(each.sources, key=order.index)))
        for each in content.people
    )
    return dataclasses.replace(content, people=people)


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"title": "Another"}, "text ru"),
        ({"guidance": ("One",), "do_not_mention": ()}, "text ru"),
        ({"facts": {"dismissal": "Otherwise"}}, "fact dismissal"),
        (
            {
                "people": {
                    "crane-driver": dataclasses.replace(
                        builders.words("ru").people["crane-driver"], status="Well"
                    )
                }
            },
            "person crane-driver",
        ),
        (
            {
                "demands": {
                    "reinstatement": dataclasses.replace(
                        builders.words("ru").demands["reinstatement"], text="Otherwise"
                    )
                }
            },
            "demand reinstatement",
        ),
        (
            {
                "demands": {
                    "reinstatement": dataclasses.replace(
                        builders.words("ru").demands["reinstatement"],
                        history={"2025-05-01": "Otherwise", "2025-06": "Same"},
                    )
                }
            },
            "demand reinstatement",
        ),
    ],
)
def test_a_changed_text_is_stored_and_reported_by_its_owner(
    changes: dict[str, Any], changed: str
) -> None:
    load(builders.content())
    wanted = _replace_words(builders.content(), "ru", **changes)
    report = load(wanted)
    assert report.changed == (changed,)
    assert content_of("harbour") == wanted


def test_a_language_may_be_added_and_leave_again() -> None:
    load(builders.content())
    more = builders.content(
        words=(builders.words("en"), builders.words("kk"), builders.words("ru"))
    )
    assert load(more).new == ("text kk",)
    assert content_of("harbour") == more
    assert load(builders.content()).removed == ("text kk",)
    assert content_of("harbour") == builders.content()


def test_facts_people_demands_and_sources_that_leave_are_deleted() -> None:
    load(builders.content())
    bare = builders.content(sources=(), facts=(), people=(), demands=())
    for language in ("en", "ru"):
        bare = _replace_words(bare, language, facts={}, people={}, demands={})
    report = load(bare)
    assert set(report.removed) == {
        "fact dismissal",
        "person crane-driver",
        "demand reinstatement",
        "source gazette",
        "source report",
    }
    assert content_of("harbour") == bare
    assert not Source.objects.exists()


def test_two_campaigns_share_their_organisation_and_nothing_else() -> None:
    load(builders.content())
    load(builders.content(slug="quay", facts=()))
    assert Organisation.objects.count() == 1
    assert content_of("harbour") == builders.content()


def test_a_load_that_fails_leaves_everything_as_it_was() -> None:
    load(builders.content())
    before = _versions_of_all_rows()
    broken = TargetEntry(key="third", role="owner", language="en", address="x" * 300)
    words = [builders.words(each) for each in ("en", "ru")]
    targets = {**words[0].targets, "third": words[0].targets["owner"]}
    wanted = builders.content(
        copies="none",
        targets=(*builders.content().targets, broken),
        words=tuple(dataclasses.replace(page, targets=targets) for page in words),
    )
    with pytest.raises(Exception, match="too long"):
        load(wanted)
    assert _versions_of_all_rows() == before


def test_the_number_of_queries_of_a_dump_does_not_grow_with_the_campaign() -> None:
    load(builders.content())
    keys = [f"fact-{number}" for number in range(20)]
    languages = ("en", "kk", "ru", "uz")
    facts = dict.fromkeys(keys, "Something happened.")
    load(
        builders.content(
            slug="quay",
            facts=tuple(
                FactEntry(key=key, on=When.parse("2025"), sources=("gazette",)) for key in keys
            ),
            words=tuple(builders.words(each, facts=facts) for each in languages),
        )
    )
    counts = []
    for slug in ("harbour", "quay"):
        with CaptureQueriesContext(connection) as queries:
            content_of(slug)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 22


@pytest.fixture
def _closing() -> Iterator[None]:
    yield
    connections.close_all()


def _load_in_thread(content: FolderContent) -> LoadReport:
    try:
        return load(content)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_loads_of_one_campaign_at_the_same_time_wait_for_one_another() -> None:
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(_load_in_thread, [builders.content()] * 4))
    assert sorted(report.touched for report in reports) == [False, False, False, True]
    assert content_of("harbour") == builders.content()
