"""Whatever a request claims about hosts, our links lead to this site and nowhere else (T36)."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import Settings
from tests import writers
from tests.postoffice import parsed
from tests.public.conftest import SEND, WRITE
from tests.public.pages import told

from picketline.domain.outgoing import build
from picketline.domain.supporters import confirm
from picketline.models import Campaign, Delivery, Supporter

LIES = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Original-Host": "evil.example",
    "X-Original-URL": "/evil.example",
    "X-Rewrite-URL": "/evil.example",
    "X-Host": "evil.example",
    "X-HTTP-Method-Override": "DELETE",
    "Forwarded": "for=1.2.3.4;host=evil.example;proto=https",
    "Referer": "https://evil.example/",
}
# Ways to say another site, as the rest of an address.
ELSEWHERE = [
    "//evil.example",
    "//evil.example/",
    "///evil.example/..",
    "/\\evil.example",
    "/%5Cevil.example/",
    "/%2F%2Fevil.example",
    "/%09/evil.example",
    "/https://evil.example",
    "/https:///evil.example/",
    "/en//evil.example",
    "/en/%2Fevil.example/",
    "/javascript:alert(1)",
    "/en/campaigns/%0d%0aLocation:%20https://evil.example/",
    "/en/confirm/https:%2F%2Fevil.example/",
    "/?next=//evil.example",
    "/en?next=https://evil.example",
    "/privacy/?next=https://evil.example",
]


@pytest.mark.parametrize("host", ["", settings.SITE_URL.partition("//")[2], "TESTSERVER:8443"])
def test_pages_and_mails_take_their_links_from_the_settings(
    client: Client, campaign: Campaign, host: str, settings: Settings
) -> None:
    settings.SITE_URL = "https://letters.example"
    lies = {**LIES, **({"Host": host} if host else {})}
    page = client.get("/en/campaigns/harbour/", headers=lies).content.decode()
    assert client.post(WRITE, SEND, headers=lies).headers["Location"].startswith("/en/")
    mails = [_text("confirmation")]
    confirm(writers.link(Supporter.objects.get()))
    mails.append(_text("writer copy"))
    for text in (page, *mails):
        assert "evil" not in text
        assert "testserver" not in text.lower()
        assert "https://letters.example/en/" in text


def _text(mail_class: str) -> str:
    mail = Delivery.objects.get(mail_class=mail_class)
    return str(parsed(build(mail).data).get_content())


@pytest.mark.parametrize("address", ["/en/", "/en/campaigns/harbour/", "/fr/privacy/", "/", "/en"])
def test_no_header_changes_a_page(client: Client, campaign: Campaign, address: str) -> None:
    honest = told(client.get(address))
    for lie, value in LIES.items():
        assert told(client.get(address, headers={lie: value})) == honest, lie


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "testserver.evil.example",
        "testserver@evil.example",
        "evil.example:80",
        "testserver, evil.example",
        "a b",
        "[::1",
        "xn--testserver-",
        "testserver/evil",
    ],
)
def test_a_foreign_host_is_refused_without_an_echo(
    client: Client, campaign: Campaign, host: str
) -> None:
    for answer in (
        client.get("/en/", headers={"host": host}),
        client.post(WRITE, SEND, headers={"host": host}),
        client.get("/en", headers={"host": host}),
    ):
        assert answer.status_code == 400
        assert host not in answer.content.decode()
        assert "Location" not in answer.headers
    assert not Supporter.objects.exists()


@pytest.mark.parametrize("address", ELSEWHERE)
def test_no_address_leads_to_another_site(client: Client, campaign: Campaign, address: str) -> None:
    for language in ("en", "ar, en;q=0.5", "//evil.example"):
        answer = client.get(address, headers={"accept-language": language})
        goal = answer.headers.get("Location", "/")
        assert answer.status_code in (301, 302, 400, 404, 410)
        assert re.match(r"/(?![/\\])", goal), goal
        for link in re.findall(r'(?:href|action)="([^"]*)"', answer.content.decode()):
            assert "evil.example" not in link or re.match(r"/\w\w/", link), link


@pytest.mark.parametrize(
    "address",
    [
        "/xx/",
        "/de/campaigns/harbour/",
        "/en-GB/",
        "/EN/",
        "/en/campaigns/",
        "/en/campaigns/nowhere/",
        "/en/campaigns/nowhere/write/",
        "/en/campaigns/harbour/x.css",
        "/en/campaigns/harbour/%00/",
        "/en/campaigns/h%C3%A4rbour/",
        "/en/admin/",
        "/%FF%FE/",
        "/static/../settings.py",
        "/static/%2e%2e/settings.py",
    ],
)
def test_what_is_not_there_is_a_plain_404(client: Client, campaign: Campaign, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert "There is no such page." in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.cookies


def test_a_campaign_found_without_its_language_is_shown_in_the_readers(
    client: Client, campaign: Campaign
) -> None:
    answer = client.get("/campaigns/harbour/", headers={"accept-language": "tlh, ru;q=0.9"})
    assert answer.headers["Location"] == "/ru/campaigns/harbour/"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_icon_and_the_rules_for_crawlers_are_there_without_a_database(client: Client) -> None:
    assert client.get("/favicon.ico").headers["Location"] == "/static/favicon.svg"
    robots = client.get("/robots.txt").content.decode().splitlines()
    assert robots[0] == "User-agent: *"
    assert {"Disallow: /*/confirm/", "Disallow: /*/letters/"} <= set(robots)
