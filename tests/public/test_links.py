"""The secret links: reading changes nothing, repeating changes nothing, wrong ones look alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests import writers
from tests.public.conftest import BRANCH

from picketline.domain import campaigns
from picketline.models import Campaign, CountEntry, Delivery, Supporter, Suppression
from picketline.seal import tokens

Submit = Callable[..., str]


def everything() -> list[object]:
    """Every row of every table of ours."""
    found = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - our own tables
            found.append((table, sorted(map(repr, cursor.fetchall()))))
    return found


def status_link(token: str) -> str:
    return f"/en/letters/{tokens.derive(token, tokens.STATUS)}/"


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete"])
@pytest.mark.parametrize("headers", [{}, {"sec-purpose": "prefetch"}], ids=["plain", "prefetch"])
def test_no_program_that_only_looks_confirms(
    client: Client, submit: Submit, method: str, headers: dict[str, str]
) -> None:
    token = submit()
    before = everything()
    for link in (f"/en/confirm/{token}/", f"/en/confirm/{token}/never/"):
        getattr(client, method)(link, headers=headers)
    assert everything() == before


def test_the_confirmation_page_shows_the_letters_and_one_button(
    client: Client, submit: Submit
) -> None:
    token = submit()
    page = client.get(f"/en/confirm/{token}/").content.decode()
    assert page.count("I drive a crane myself.") == 2
    assert page.count(f'action="/en/confirm/{token}/"') == 1
    assert page.count(f'action="/en/confirm/{token}/never/"') == 1


def test_confirming_queues_a_letter_to_each_target(client: Client, submit: Submit) -> None:
    token = submit(**BRANCH)
    answer = client.post(f"/en/confirm/{token}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, status_link(token))
    letters = Delivery.objects.filter(mail_class="letter")
    assert sorted(each.target.key for each in letters if each.target) == ["company", "owner"]
    assert {each.kind: each.delta for each in CountEntry.objects.all()} == {
        "supporters": 1,
        "members": 1200,
    }


def test_a_repeated_click_shows_the_same_page_and_counts_once(
    client: Client, submit: Submit
) -> None:
    token = submit()
    client.post(f"/en/confirm/{token}/")
    before = everything()
    for visitor in (client, Client()):
        for method in ("get", "post"):
            answer = getattr(visitor, method)(f"/en/confirm/{token}/")
            assert (answer.status_code, answer.headers["Location"]) == (302, status_link(token))
    assert everything() == before


def test_a_second_letter_from_an_address_is_told_so(client: Client, submit: Submit) -> None:
    first = submit()
    client.post(f"/en/confirm/{first}/")
    second = submit(email="ANA@mail.example")
    answer = client.post(f"/en/confirm/{second}/")
    assert answer.status_code == 409
    assert "You have already written in this campaign." in answer.content.decode()


def test_a_campaign_that_closed_meanwhile_takes_no_confirmation(
    client: Client, submit: Submit
) -> None:
    token = submit()
    campaigns.close("harbour")
    assert "This campaign is closed" in client.get(f"/en/confirm/{token}/").content.decode()
    assert client.post(f"/en/confirm/{token}/").status_code == 409
    assert Supporter.objects.get().state == "unconfirmed"


def test_never_writing_again_forgets_the_letter(client: Client, submit: Submit) -> None:
    token = submit()
    answer = client.post(f"/en/confirm/{token}/never/")
    assert answer.status_code == 200
    assert "/never/" not in answer.content.decode()  # nothing that could only be answered by 405
    assert Suppression.objects.count() == 1
    assert client.get(f"/en/confirm/{token}/").status_code == 410


def bad_links(good: str) -> dict[str, str]:
    status = tokens.derive(good, tokens.STATUS)
    return {
        "wrong": "a" * 32,
        "truncated": good[:-1],
        "other case": good.upper(),
        "other purpose": status,
        "with a tail": f"{good}x",
        "not ASCII": "ё" * 32,
    }


def test_every_bad_link_gets_the_same_page(client: Client, submit: Submit) -> None:
    cancelled, good = submit(email="jo@mail.example"), submit()
    client.post(f"/en/confirm/{cancelled}/never/")
    confirmed = submit(email="ann@mail.example")
    client.post(f"/en/confirm/{confirmed}/")
    status = tokens.derive(confirmed, tokens.STATUS)
    bad = [f"confirm/{link}/" for link in (cancelled, *bad_links(good).values())]
    bad += [f"letters/{link}/" for link in (cancelled, confirmed, status[:-1], status.upper())]
    bad += [f"letters/{status[:-1]}/erase/"]
    answers = [client.get(f"/en/{link}") for link in bad]
    assert {answer.status_code for answer in answers} == {410}
    own_link = r'href="/\w\w/(?:confirm|letters)/[^"]*"'
    assert len({re.sub(own_link, "", answer.content.decode()) for answer in answers}) == 1


def test_an_expired_link_looks_like_a_wrong_one(client: Client, submit: Submit) -> None:
    token = submit()
    Supporter.objects.update(created_at=timezone.now() - timedelta(days=7, minutes=1))
    for method in ("get", "post"):
        assert getattr(client, method)(f"/en/confirm/{token}/").status_code == 410


@pytest.mark.parametrize("action", ["", "withdraw/", "erase/", "consents/"])
def test_a_status_link_is_of_no_use_before_confirmation(
    client: Client, submit: Submit, action: str
) -> None:
    link = status_link(submit()) + action
    answer = client.post(link, {"consent": "updates"}) if action else client.get(link)
    assert answer.status_code == 410


def test_the_status_page_tells_of_each_target(client: Client, submit: Submit) -> None:
    token = submit()
    client.post(f"/en/confirm/{token}/")
    page = client.get(status_link(token)).content.decode()
    for told in ("The owner (en)", "The company (en)", "Waiting for its turn.", "Ana Núñez"):
        assert told in page


def test_reading_the_status_page_changes_nothing(client: Client, submit: Submit) -> None:
    token = submit()
    client.post(f"/en/confirm/{token}/")
    before = everything()
    for link in ("", "withdraw/", "erase/", "consents/"):
        client.get(status_link(token) + link)
    assert everything() == before


def test_withdrawing_cancels_what_has_not_been_sent(client: Client, submit: Submit) -> None:
    token = submit()
    client.post(f"/en/confirm/{token}/")
    answer = client.post(f"{status_link(token)}withdraw/")
    assert answer.headers["Location"] == status_link(token)
    page = client.get(status_link(token)).content.decode()
    assert "You have withdrawn your letters" in page
    assert page.count("Cancelled before it was sent.") == 2
    assert "/withdraw/" not in page


def test_an_optional_consent_is_taken_back_where_it_was_given(
    client: Client, submit: Submit
) -> None:
    token = submit(consent_updates="on")
    client.post(f"/en/confirm/{token}/")
    assert "Send me no updates" in client.get(status_link(token)).content.decode()
    client.post(f"{status_link(token)}consents/", {"consent": "updates"})
    assert "Send me no updates" not in client.get(status_link(token)).content.decode()


def test_erasing_asks_first_and_then_forgets(client: Client, submit: Submit) -> None:
    token = submit()
    client.post(f"/en/confirm/{token}/")
    link = status_link(token)
    asked = client.get(f"{link}erase/").content.decode()
    assert f'action="{link}erase/"' in asked
    assert client.post(f"{link}erase/").headers["Location"] == link
    page = client.get(link).content.decode()
    assert "were erased on" in page
    assert "Ana" not in page
    assert client.get(f"{link}erase/").headers["Location"] == link


@pytest.mark.parametrize("action", ["withdraw/", "erase/", "consents/"])
def test_every_change_needs_the_token_of_our_form(
    client: Client, submit: Submit, action: str
) -> None:
    token = submit()
    client.post(f"/en/confirm/{token}/")
    before = everything()
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(status_link(token) + action, {"consent": "updates"})
    assert answer.status_code == 403
    assert "Nothing was changed." in answer.content.decode()
    assert everything() == before


def test_more_supporters_need_no_more_queries(
    client: Client, campaign: Campaign, submit: Submit
) -> None:
    token = submit()
    client.post(f"/en/confirm/{token}/")

    def queries() -> int:
        with CaptureQueriesContext(connection) as made:
            client.get(status_link(token))
        return len(made)

    few = queries()
    for number in range(3):
        writers.confirmed(campaign, address=f"w{number}@writers.example")
    assert queries() == few
