"""The form: nothing is sent before it is agreed to, and nothing typed is ever lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from tests import builders, writers
from tests.public import forms
from tests.public.conftest import BRANCH, CONSENT, LETTER, WRITE

from picketline.domain import campaigns
from picketline.domain.loading import load
from picketline.models import Campaign, Consent, Delivery, Supporter
from picketline.public import letters


def post(client: Client, **changes: Any) -> Any:
    return client.post(WRITE, {**LETTER, "step": "preview", **changes})


def kept(page: str) -> dict[str, str]:
    """What a page's form would send again of the letter."""
    return {name: value for name, value in forms.values(page).items() if name in LETTER}


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else ""


def test_the_own_paragraph_is_asked_for_first(client: Client, campaign: Campaign) -> None:
    page = client.get(WRITE).content.decode()
    assert page.index('name="own_words"') < page.index('name="name"')
    for said in ("Why do you write? (en)", "Be polite. (en)", "Her family. (en)"):
        assert said in page


def test_the_preview_shows_each_letter_whole_and_in_its_language(
    client: Client, campaign: Campaign
) -> None:
    page = post(client, **BRANCH).content.decode()
    assert '<div class="letter" lang="ru" dir="ltr">' in page
    assert "Dear Owners, (en)" in page
    assert "Dear Directors, (ru)" in page
    assert page.count("I drive a crane myself.") == 4  # two letters, a reading, a hidden field
    assert "Secretary, Crane Drivers’ Union, branch 3" in page
    assert Supporter.objects.count() == 0


def test_a_letter_in_another_language_stands_beside_its_reading(
    client: Client, campaign: Campaign
) -> None:
    page = post(client).content.decode()
    assert page.count("letter--reading") == 1
    assert "Dear Directors, (en)" in page


def test_a_french_reader_reads_the_campaigns_own_language_beside_the_russian_letter(
    client: Client, campaign: Campaign
) -> None:
    answer = client.post(WRITE.replace("/en/", "/fr/"), {**LETTER, "step": "preview"})
    page = answer.content.decode()
    assert '<div class="letter letter--reading" lang="en" dir="ltr">' in page
    assert "Dear Directors, (ru)" in page


def test_one_language_may_be_chosen_for_all(client: Client, campaign: Campaign) -> None:
    page = post(client, letter_language="ru").content.decode()
    assert page.count('<div class="letter" lang="ru" dir="ltr">') == 2


def test_one_letter_to_all_targets_is_shown_once_with_all_their_names(
    client: Client, campaign: Campaign
) -> None:
    load(builders.content(addressing="all"))
    page = post(client).content.decode()
    assert page.count("As it will be sent") == 1
    assert "To The owner (en) and The company (en)" in page


def test_no_consent_is_ticked_beforehand(client: Client, campaign: Campaign) -> None:
    page = post(client).content.decode()
    boxes = re.findall(r'<input type="checkbox"[^>]*>', page)
    assert len(boxes) == 3
    assert not any("checked" in box for box in boxes)


def test_a_letter_without_own_words_is_told_so_and_not_stopped(
    client: Client, campaign: Campaign
) -> None:
    answer = post(client, own_words="")
    assert answer.status_code == 200
    assert "You have not added words of your own yet." in answer.content.decode()


@pytest.mark.parametrize("letter", [LETTER, {**LETTER, **BRANCH}], ids=["person", "branch"])
def test_changing_something_brings_everything_back(
    client: Client, campaign: Campaign, letter: dict[str, str]
) -> None:
    preview = kept(post(client, **letter).content.decode())
    assert preview == letter
    again = client.post(WRITE, {**preview, "step": "change"})
    assert again.status_code == 200
    assert kept(again.content.decode()) == letter


def test_changing_the_language_keeps_what_was_typed(client: Client, campaign: Campaign) -> None:
    page = client.get(WRITE).content.decode()
    button = r'<button form="letter" name="step" value="change" formaction="/ar/[^"]*write/"'
    assert re.search(button, page)
    halfway = {**LETTER, "email": "not yet", "name": ""}
    arabic = client.post(WRITE.replace("/en/", "/ar/"), {**halfway, "step": "change"})
    assert arabic.status_code == 200
    assert kept(arabic.content.decode()) == halfway


def test_sending_needs_the_first_consent_and_forgets_no_other(
    client: Client, campaign: Campaign
) -> None:
    answer = post(client, step="send", consent_updates="on")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert 'href="#id_consent_send"' in page
    assert re.search(r'id="id_consent_updates"[^>]*checked', page)
    assert kept(page) == LETTER
    assert Supporter.objects.count() == 0


def test_sending_keeps_the_letter_and_asks_for_confirmation(
    client: Client, campaign: Campaign
) -> None:
    answer = post(client, step="send", **BRANCH, **CONSENT, consent_show_name="on")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/en/campaigns/harbour/sent/")
    supporter = Supporter.objects.get()
    assert (supporter.state, supporter.members, supporter.country) == ("unconfirmed", 1200, "ES")
    assert {each.kind for each in supporter.consents.all()} == {
        Consent.Kind.SEND,
        Consent.Kind.SHOW_NAME,
    }
    assert [each.mail_class for each in Delivery.objects.all()] == ["confirmation"]


def test_what_is_kept_is_what_was_shown(client: Client, campaign: Campaign) -> None:
    post(client, step="send", **CONSENT)
    token = writers.link(Supporter.objects.get())
    page = client.get(f"/en/confirm/{token}/").content.decode()
    assert "Dear Owners, (en)" in page
    assert "Dear Directors, (ru)" in page
    assert "Ana Núñez" in page


def test_the_page_after_sending_is_the_same_for_everyone(
    client: Client, campaign: Campaign
) -> None:
    sent = "/en/campaigns/harbour/sent/"
    before = client.get(sent).content
    post(client, step="send", **CONSENT)
    assert client.get(sent).content == before


@pytest.mark.parametrize("step", ["preview", "send", "nonsense", ""])
def test_every_fault_is_named_beside_its_field_and_nothing_is_lost(
    client: Client, campaign: Campaign, step: str
) -> None:
    typed = {**LETTER, **BRANCH, "email": "ana at mail", "members": "many", "country": ""}
    answer = client.post(WRITE, {**typed, **CONSENT, "step": step})
    page = answer.content.decode()
    assert answer.status_code == 400
    for field in ("email", "members", "country"):
        assert f'href="#id_{field}"' in page
        assert f'id="id_{field}_error"' in page
        tag = found(rf'(<(?:input|select)[^>]*id="id_{field}"[^>]*>)', page)
        assert 'aria-invalid="true"' in tag
        assert f"id_{field}_error" in found(r'aria-describedby="([^"]*)"', tag)
    assert kept(page) == typed
    assert Supporter.objects.count() == 0


def test_a_campaign_that_closed_meanwhile_gives_the_words_back(
    client: Client, campaign: Campaign
) -> None:
    campaigns.close("harbour")
    for step in ("preview", "send"):
        answer = post(client, step=step, **CONSENT)
        assert answer.status_code == 409
        assert "I drive a crane myself." in answer.content.decode()
    assert client.get(WRITE).status_code == 409
    assert Supporter.objects.count() == 0


def test_a_campaign_that_closes_at_that_moment_gives_the_words_back(
    client: Client, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object) -> None:
        raise campaigns.CampaignClosed("harbour")

    monkeypatch.setattr(letters, "submit", closed)
    answer = post(client, step="send", **CONSENT)
    assert answer.status_code == 409
    assert "I drive a crane myself." in answer.content.decode()


@pytest.mark.parametrize("step", ["preview", "send"])
def test_an_expired_token_loses_nothing(campaign: Campaign, step: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(WRITE, {**LETTER, **CONSENT, "step": step})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "Everything you typed is still here." in page
    assert kept(page) == LETTER
    assert Supporter.objects.count() == 0
    token = found(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    fresh = {**LETTER, **CONSENT, "step": "send", "csrfmiddlewaretoken": token}
    assert strict.post(WRITE, fresh).status_code == 302


@pytest.mark.parametrize("origin", ["null", "https://evil.example"])
def test_a_form_from_elsewhere_is_refused(campaign: Campaign, origin: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    page = strict.get(WRITE).content.decode()
    token = found(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    data = {**LETTER, **CONSENT, "step": "send", "csrfmiddlewaretoken": token}
    answer = strict.post(WRITE, data, headers={"origin": origin})
    assert answer.status_code == 403
    assert LETTER["email"] not in answer.content.decode(), "another site's letter, ready to send"
    assert Supporter.objects.count() == 0


def test_a_forged_form_for_an_unknown_campaign_finds_no_page(client: Client, db: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/en/campaigns/nowhere/write/", LETTER).status_code == 404
