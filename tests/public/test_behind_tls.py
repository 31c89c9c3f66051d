"""A site at https behind a proxy that ends TLS: Django itself sees plain http."""

from __future__ import annotations

import re
import runpy

import pytest
from django.test import Client
from pytest_django import Settings
from tests.public.conftest import SEND, WRITE

import picketline.settings as in_force
from picketline.models import Campaign, Supporter

SITE = "https://letters.example"
FOLLOWS = (
    "SITE_URL",
    "ALLOWED_HOSTS",
    "CSRF_COOKIE_NAME",
    "CSRF_COOKIE_SECURE",
    "CSRF_TRUSTED_ORIGINS",
)


@pytest.fixture
def visitor(
    campaign: Campaign,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Client:
    """A browser at the site, whose address comes from the environment like a real one's."""
    site = getattr(request, "param", SITE)
    monkeypatch.setenv("PICKETLINE_SITE_URL", site)
    fresh = runpy.run_path(in_force.__file__)
    for name in FOLLOWS:
        setattr(settings, name, fresh[name])
    return Client(enforce_csrf_checks=True, headers={"host": site.partition("//")[2]})


def filled(visitor: Client) -> dict[str, str]:
    page = visitor.get(WRITE).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    return {**SEND, "csrfmiddlewaretoken": found[1]}


@pytest.mark.parametrize(
    "visitor", [SITE, f"{SITE}:8443", "http://letters.example:8000"], indirect=True
)
def test_the_form_of_this_site_is_taken(visitor: Client, settings: Settings) -> None:
    letter = filled(visitor)
    answer = visitor.post(WRITE, letter, headers={"origin": settings.SITE_URL})
    assert (answer.status_code, Supporter.objects.count()) == (302, 1)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.example",
        "https://letters.example.evil.example",
        "https://sub.letters.example",
        "https://letters.example:444",
    ],
)
def test_a_form_of_another_site_is_refused(visitor: Client, origin: str) -> None:
    letter = filled(visitor)
    assert visitor.post(WRITE, letter, headers={"origin": origin}).status_code == 403
    assert not Supporter.objects.exists()


def test_a_cookie_without_the_forms_token_is_not_enough(visitor: Client) -> None:
    filled(visitor)
    assert visitor.post(WRITE, SEND, headers={"origin": SITE}).status_code == 403
    wrong = {**SEND, "csrfmiddlewaretoken": "x" * 64}
    assert visitor.post(WRITE, wrong, headers={"origin": SITE}).status_code == 403


def test_the_cookie_belongs_to_this_host_alone_and_goes_over_https_only(visitor: Client) -> None:
    [cookie] = visitor.get(WRITE).cookies.values()
    assert cookie.key == "__Host-csrf"
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["path"], cookie["domain"], cookie["samesite"]) == ("/", "", "Strict")


@pytest.mark.parametrize("address", ["/en/", WRITE, "/nowhere/", "/healthz", "/en"])
def test_https_is_insisted_on(visitor: Client, address: str) -> None:
    said = visitor.get(address).headers["Strict-Transport-Security"]
    assert said == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("visitor", ["http://letters.example"], indirect=True)
def test_a_site_without_https_does_not_claim_it(visitor: Client) -> None:
    answer = visitor.get(WRITE)
    assert "Strict-Transport-Security" not in answer.headers
    assert [(cookie.key, cookie["secure"]) for cookie in answer.cookies.values()] == [("csrf", "")]
