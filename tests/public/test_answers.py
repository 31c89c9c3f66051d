"""What the campaign's page says of targets' replies, and of writing from one's own mailbox."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qs, unquote, urlsplit

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests import writers
from tests.domain.incoming.arrivals import handed_over
from tests.public.pages import read

from picketline.domain import campaigns
from picketline.mail import mailto
from picketline.models import (
    Campaign,
    CampaignCount,
    Delivery,
    IncomingMessage,
    ModelLetter,
    PublishedReply,
    Target,
)

PAGE = "/en/campaigns/harbour/"
OWN = f"{PAGE}own-mailbox/"


def publish(campaign: Campaign, text: str, language: str = "en", key: str = "owner") -> None:
    PublishedReply.objects.create(
        campaign=campaign,
        target=Target.objects.get(campaign=campaign, key=key),
        text=text,
        language=language,
        replied_on=date(2025, 6, 3),
        published_on=date(2025, 6, 4),
    )


def test_a_published_reply_stands_there_as_text_with_day_and_target(
    client: Client, campaign: Campaign
) -> None:
    publish(campaign, "We regret.\n<script>alert(1)</script>")
    page = read(client.get(PAGE))
    answer = page.one("figure", class_="answer")
    assert "The owner (en) 3 June 2025" in answer.text
    assert answer.one("p", class_="letter__body").raw == "We regret.\n<script>alert(1)</script>"
    (way,) = [each for each in page.all("a") if "They answered on 3 June 2025" in each.text]
    assert way.attrs["href"] == f"#{answer.attrs['id']}"


def test_each_answer_is_marked_with_the_language_it_is_in(
    client: Client, campaign: Campaign
) -> None:
    for text, language in (("Нет.", "ru"), ("لا.", "ar"), ("?", "")):
        publish(campaign, text, language)
    quotes = read(client.get(PAGE)).all("blockquote")
    assert [(each.lang, each.dir) for each in quotes] == [
        ("ru", "ltr"),
        ("ar", "rtl"),
        ("en", "auto"),
    ]


def test_the_answer_of_a_target_that_is_written_to_no_more_stays(
    client: Client, campaign: Campaign
) -> None:
    publish(campaign, "No.", key="company")
    Target.objects.filter(key="company").update(retired_at=timezone.now())
    assert "The company (en)" in read(client.get(PAGE)).one("figure", class_="answer").text


def test_a_page_without_answers_says_nothing_of_them(client: Client, campaign: Campaign) -> None:
    assert "answered" not in client.get(PAGE).content.decode()


def test_more_answers_need_no_more_queries(client: Client, campaign: Campaign) -> None:
    publish(campaign, "One.")

    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            client.get(PAGE)
        return len(made)

    few = queries()
    for number in range(4):
        publish(campaign, f"Answer {number}", key="company")
    assert queries() == few


def test_the_page_tells_how_to_write_from_ones_own_mailbox(
    client: Client, campaign: Campaign
) -> None:
    page = read(client.get(PAGE))
    envelope = page.one("dl", class_="envelope")
    assert [each.text for each in envelope.all("dt")] == ["To", "CC"]
    assert [each.text for each in envelope.all("dd")] == [
        "office@owner.example",
        "office@company.example",
        "harbour@copies.picketline.example",
    ]
    assert len(envelope.all("wbr")) == 3
    link = urlsplit(next(a.attrs["href"] for a in page.all("a") if "mailto:" in a.attrs["href"]))
    assert unquote(link.path) == "office@owner.example,office@company.example"
    wanted = parse_qs(link.query)
    assert wanted["cc"] == ["harbour@copies.picketline.example"]
    assert wanted["subject"] == ["The harbour (en)"]
    (body,) = wanted["body"]
    assert body.startswith("Dear Owners, (en)\r\nDear Directors, (en)\r\n")
    assert body.count("[…]") == 2
    assert "1. Her reinstatement (en)" in body
    whole = read(client.get(OWN)).one("div", class_="letter__body")
    assert body.replace("\r\n", "\n") == whole.raw


def test_a_letter_that_is_too_long_for_a_link_can_still_be_read(
    client: Client, campaign: Campaign
) -> None:
    ModelLetter.objects.filter(language="ru").update(body="Уважаемые! " * 100 + "{demands}")
    page = read(client.get("/ru/campaigns/harbour/"))
    link = next(a.attrs["href"] for a in page.all("a") if "mailto:" in a.attrs["href"])
    assert len(link) <= mailto.LONGEST
    assert "subject" in parse_qs(urlsplit(link).query)
    assert "body" not in parse_qs(urlsplit(link).query)
    (way,) = page.all("a", href="/ru/campaigns/harbour/own-mailbox/")
    assert "Уважаемые!" in read(client.get(way.attrs["href"])).text


def test_without_a_letter_to_all_there_is_a_link_all_the_same(
    client: Client, campaign: Campaign
) -> None:
    ModelLetter.objects.filter(role="").update(role="embassy")
    page = read(client.get(PAGE))
    assert page.all("a", href=OWN) == []
    assert read(client.get(OWN)).all("div", class_="letter") == []
    link = next(a.attrs["href"] for a in page.all("a") if "mailto:" in a.attrs["href"])
    assert link.endswith("?cc=harbour@copies.picketline.example")


def test_a_campaign_that_takes_no_letters_asks_for_no_copies(
    client: Client, campaign: Campaign
) -> None:
    campaigns.close("harbour")
    assert "copies.picketline.example" not in client.get(PAGE).content.decode()
    assert client.get(OWN).status_code == 409


def test_both_ways_of_writing_are_one_number_that_says_what_it_is_made_of(
    client: Client, campaign: Campaign
) -> None:
    for kind, total in (("supporters", 1200), ("copies", 34)):
        CampaignCount.objects.create(campaign=campaign, kind=kind, total=total)
    figures = read(client.get(PAGE)).one("ul", class_="figures").text
    assert "1,234 people and organisations have written" in figures
    assert "34 of them from their own mailboxes" in figures
    assert "1,234" in client.get("/en/").content.decode()


def test_the_writers_page_says_on_which_day_they_answered(
    client: Client, campaign: Campaign
) -> None:
    supporter, token = writers.confirmed(campaign)
    letter = handed_over(Delivery.objects.filter(mail_class="letter").earliest("pk"))
    now = timezone.now()
    IncomingMessage.objects.create(
        door="reply",
        state="sorted",
        kind="reply",
        delivery=letter,
        supporter=supporter,
        received_at=now.replace(year=2025, month=6, day=3),
        examine_at=now,
    )
    page = client.get(f"/en/letters/{token}/").content.decode()
    assert page.count("They answered on") == 1
    assert "3 June 2025" in page
