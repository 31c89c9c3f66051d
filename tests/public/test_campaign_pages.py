"""What visitors read: the home page and the campaign pages, in each language."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests import builders, writers

from picketline.domain import campaigns
from picketline.domain.folders import TargetEntry, TargetWords
from picketline.models import Campaign, CampaignCount, PublicName

PAGE = "/en/campaigns/harbour/"


def read(client: Client, address: str = PAGE) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_tells_the_whole_case(client: Client, campaign: Campaign) -> None:
    page = read(client)
    for told in (
        "Bring her back (en)",
        "A crane driver was dismissed (en).",
        "<h2>What happened</h2>",
        "She is dismissed. (en)",
        "Crane Driver",
        "Her reinstatement (en)",
        "Offered another job. (en)",
        "Dockers’ Union (sample)",
        'href="https://gazette.example/1"',
        'href="/en/campaigns/harbour/write/"',
    ):
        assert told in page


def test_days_say_no_more_than_is_known(client: Client, campaign: Campaign) -> None:
    page = read(client)
    assert '<time datetime="2025-04-10">10 April 2025</time>' in page
    assert '<time datetime="2025-06">June 2025</time>' in page
    assert '<time datetime="2025-04">' in page


def test_the_latest_step_is_the_demands_status(client: Client, campaign: Campaign) -> None:
    assert '<span class="badge badge--partly">met in part</span>' in read(client)


def test_targets_stand_below_their_owner(client: Client, campaign: Campaign) -> None:
    page = read(client)
    assert page.index("The owner (en)") < page.index("The company (en)")
    assert "owned by The owner (en)" in page


def test_a_page_without_its_language_says_so_and_marks_what_it_shows(
    client: Client, campaign: Campaign
) -> None:
    page = read(client, "/ar/campaigns/harbour/")
    assert '<html lang="ar" dir="rtl">' in page
    assert '<h1 lang="en" dir="ltr">Bring her back (en)</h1>' in page
    assert 'class="note section"' in page


def test_a_page_in_its_language_needs_no_marks(client: Client, campaign: Campaign) -> None:
    assert "<h1>Bring her back (ru)</h1>" in read(client, "/ru/campaigns/harbour/")


def test_every_language_has_an_address_of_its_own(client: Client, campaign: Campaign) -> None:
    page = read(client)
    for code in ("fr", "ru", "kk", "ar"):
        assert f'href="/{code}/campaigns/harbour/" lang="{code}" hreflang="{code}"' in page
    assert '<link rel="canonical" href="http' in page


def test_names_are_shown_as_text(client: Client, campaign: Campaign) -> None:
    supporter = writers.submit(campaign)
    PublicName.objects.create(
        supporter=supporter, campaign=campaign, name="<script>x</script>", country="FR", position=1
    )
    page = read(client)
    assert "<script>" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "France" in page


def test_numbers_are_the_ones_summed_up(client: Client, campaign: Campaign) -> None:
    CampaignCount.objects.create(campaign=campaign, kind="supporters", total=12345)
    assert "12,345" in read(client)


@pytest.mark.parametrize("state", ["draft", "checked", "archived"])
def test_what_is_not_public_is_not_there(client: Client, campaign: Campaign, state: str) -> None:
    Campaign.objects.update(state=state)
    assert client.get(PAGE).status_code == 404
    assert "Bring her back" not in read(client, "/en/")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (lambda: campaigns.suspend("harbour"), "This campaign is suspended"),
        (lambda: campaigns.close("harbour", "partly won"), "It was won in part."),
        (
            lambda: Campaign.objects.update(closes_on=datetime.date(2020, 1, 1)),
            "This campaign is closed",
        ),
    ],
    ids=["suspended", "closed", "over"],
)
def test_a_campaign_that_takes_no_letters_offers_no_form(
    client: Client, campaign: Campaign, end: Callable[[], object], said: str
) -> None:
    end()
    page = read(client)
    assert said in page
    assert "/write/" not in page
    assert "Bring her back (en)" in read(client, "/en/")


def test_the_home_page_lists_open_campaigns_first(client: Client, campaign: Campaign) -> None:
    builders.campaign(slug="quarry")
    campaigns.close("quarry", "won")
    page = read(client, "/en/")
    assert page.index("/campaigns/harbour/") < page.index("/campaigns/quarry/")
    assert "badge--won" in page


def queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as made:
        read(client, address)
    return len(made)


@pytest.mark.parametrize("address", ["/en/", PAGE, f"{PAGE}write/"])
def test_more_supporters_need_no_more_queries(
    client: Client, campaign: Campaign, address: str
) -> None:
    few = queries(client, address)
    for number in range(5):
        supporter = writers.submit(campaign)
        PublicName.objects.create(
            supporter=supporter, campaign=campaign, name="Jo", country="FR", position=number
        )
    assert queries(client, address) == few


def test_more_targets_facts_and_campaigns_need_no_more_queries(
    client: Client, campaign: Campaign
) -> None:
    few, home = queries(client, PAGE), queries(client, "/en/")
    keys = [f"ministry-{number}" for number in range(5)]
    more = tuple(
        TargetEntry(key=key, role="ministry", language="en", address=f"{key}@m.example")
        for key in keys
    )
    names = {key: TargetWords(name=key, salutation="Dear all,") for key in keys}
    content = builders.content()
    words = [dataclasses.replace(page, targets={**page.targets, **names}) for page in content.words]
    builders.campaign(slug="large", targets=(*content.targets, *more), words=tuple(words))
    assert queries(client, "/en/campaigns/large/") == few
    assert queries(client, "/en/") == home


def test_the_root_leads_to_the_readers_language(client: Client, db: None) -> None:
    answer = client.get("/", headers={"accept-language": "kk, en;q=0.5"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/kk/")
    assert answer.headers["Vary"] == "Accept-Language"
    assert answer.headers["Cache-Control"] == "no-store"


def test_health_needs_the_database(client: Client, db: None) -> None:
    with CaptureQueriesContext(connection) as made:
        assert client.get("/healthz").content == b"ok"
    assert len(made) == 1


def test_crawlers_are_kept_from_secret_links(client: Client, db: None) -> None:
    robots = client.get("/robots.txt").content.decode()
    assert "Disallow: /*/confirm/" in robots
    assert "Disallow: /*/letters/" in robots


@pytest.mark.parametrize("page", ["harbour/write/", "harbour/sent/"])
def test_forms_are_kept_out_of_indexes(client: Client, campaign: Campaign, page: str) -> None:
    assert '<meta name="robots" content="noindex">' in read(client, f"/en/campaigns/{page}")
