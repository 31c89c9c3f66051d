"""Every address answers with protective headers, and only what is public may be kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from picketline.models import Campaign

TOKEN = "a" * 32
FORMS = {"/en/campaigns/harbour/write/"}
KEPT = {"/en/", "/en/campaigns/harbour/"}
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
@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_every_answer_is_protected(
    client: Client, campaign: Campaign, method: str, address: str
) -> None:
    answer = getattr(client, method)(address)
    assert answer.status_code < 500
    for name, value in PROTECTION.items():
        assert answer.headers[name] == value
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "Cache-Control" in answer.headers


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


@pytest.mark.parametrize(
    ("site", "said"), [("https://x.example", True), ("http://x.example", False)]
)
def test_https_is_insisted_on_where_the_site_has_it(db: None, site: str, said: bool) -> None:
    with override_settings(SITE_URL=site):
        assert ("Strict-Transport-Security" in Client().get("/healthz").headers) is said


@pytest.mark.parametrize(
    "header",
    [
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Host",
        "X-Forwarded-Scheme",
        "X-Forwarded-Prefix",
        "Forwarded",
        "X-HTTP-Method-Override",
        "X-Host",
    ],
)
def test_headers_that_no_key_contains_change_nothing(
    client: Client, campaign: Campaign, header: str
) -> None:
    plain = client.get("/en/campaigns/harbour/").content
    assert client.get("/en/campaigns/harbour/", headers={header: "evil.example"}).content == plain


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a b", "x@evil"])
def test_a_foreign_host_is_refused(client: Client, db: None, host: str) -> None:
    answer = client.get("/en/", headers={"host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()
