"""Every address answers with protective headers, and only what is public may be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from picketline.domain import supporters
from picketline.models import Campaign

TOKEN = "a" * 32
FORMS = {"/en/campaigns/harbour/write/"}
KEPT = {"/en/", "/en/campaigns/harbour/", "/en/campaigns/harbour/own-mailbox/"}
SAME_FOR_ALL = {"/robots.txt", "/favicon.ico"}
PROTECTION = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def _addresses(patterns: list[URLPattern | URLResolver], front: str = "/") -> Iterator[str]:
    for pattern in patterns:
        part = str(pattern.pattern).replace("<slug:slug>", "harbour")
        whole = front + part.replace("<str:token>", TOKEN)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, whole)
        else:
            yield whole


EVERYWHERE = sorted(_addresses(get_resolver().url_patterns))


def test_the_walk_over_the_addresses_finds_them() -> None:
    assert {"/", "/healthz", "/en/", f"/en/confirm/{TOKEN}/never/"} <= set(EVERYWHERE)


@pytest.mark.parametrize("address", [*EVERYWHERE, "/nowhere/", "/static/picketline.css"])
def test_every_answer_is_protected(client: Client, campaign: Campaign, address: str) -> None:
    for method in ("get", "head", "post", "options", "delete"):
        answer = getattr(client, method)(address)
        assert answer.status_code < 500, method
        assert PROTECTION.items() <= dict(answer.headers).items(), method
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert "Cache-Control" in answer.headers


def test_a_forged_form_is_answered_with_the_same_protection(browser: Client) -> None:
    for address in EVERYWHERE:
        assert PROTECTION.items() <= dict(browser.post(address).headers).items(), address


@pytest.mark.parametrize("address", sorted(set(EVERYWHERE) - KEPT - SAME_FOR_ALL))
def test_what_differs_by_visitor_is_never_stored(
    client: Client, campaign: Campaign, address: str
) -> None:
    assert client.get(address).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", sorted(KEPT))
def test_public_pages_may_be_kept_for_a_second(
    client: Client, campaign: Campaign, address: str
) -> None:
    answer = client.get(address, headers={"accept-language": "ru", "cookie": "django_language=ar"})
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    assert "Vary" not in answer.headers
    assert not answer.cookies


@pytest.mark.parametrize("address", sorted(set(EVERYWHERE) - FORMS))
def test_no_page_without_a_form_sets_a_cookie(
    client: Client, campaign: Campaign, address: str
) -> None:
    assert not client.get(address).cookies


def test_the_one_cookie_is_for_this_site_and_this_session_only(
    client: Client, campaign: Campaign
) -> None:
    [cookie] = client.get("/en/campaigns/harbour/write/").cookies.values()
    assert cookie.key == settings.CSRF_COOKIE_NAME
    assert cookie["samesite"] == "Strict"
    assert cookie["httponly"]
    assert not cookie["max-age"]
    assert not cookie["expires"]


def test_a_page_behind_a_secret_link_is_never_stored_and_sets_the_forms_cookie_alone(
    submit: Callable[..., str],
) -> None:
    token = submit()
    answers = [Client().get(f"/en/confirm/{token}/")]
    status = f"/en/letters/{supporters.confirm(token)}/"
    answers += [Client().get(status), Client().get(f"{status}erase/")]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert list(answer.cookies) == [settings.CSRF_COOKIE_NAME]
    client = Client()
    client.post(f"{status}erase/")
    assert not client.get(status).cookies
