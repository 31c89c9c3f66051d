"""Every page a visitor meets: usable by everybody, light, in one piece, whatever the screen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page, Response, expect
from tests.journeys.conftest import Demo

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("demo")]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
CAMPAIGN = "campaigns/zhanaozen-2011/"
ARABIC = "ar/campaigns/marsa-al-hudhud-sample/"
PAGES = [
    *("en/", f"ru/{CAMPAIGN}", f"kk/{CAMPAIGN}write/", ARABIC, f"{ARABIC}write/"),
    *(f"{ARABIC}own-mailbox/", "fr/privacy/"),
]
SCREENS = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}


def faults(page: Page) -> list[str]:
    """What axe-core has to say against a page, a line for each rule."""
    page.evaluate(AXE)
    found: dict[str, Any] = json.loads(page.evaluate("axe.run().then(r => JSON.stringify(r))"))
    return [
        f"{rule['id']}: {[node['html'][:120] for node in rule['nodes']]}"
        for rule in found["violations"]
    ]


def _fill(page: Page, address: str) -> None:
    page.locator("#id_own_words").fill("I was a docker for thirty years.")
    page.locator("#id_name").fill("Karim Haddad")
    page.locator("#id_email").fill(address)
    page.locator("#id_country").select_option("TN")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_usable_by_everybody(
    path: str, scheme: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(path, viewport=SCREENS["phone"], color_scheme=scheme)
    assert faults(page) == []


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("path", PAGES)
def test_nothing_sticks_out_of_the_screen(
    path: str, screen: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(path, viewport=SCREENS[screen])
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


def test_errors_stand_beside_their_fields_and_lose_nothing(open_page: Callable[..., Page]) -> None:
    page = open_page(f"en/{CAMPAIGN}write/")
    _fill(page, "karim@localhost")
    page.get_by_role("button", name="Read the letters").click()
    field = page.locator("#id_email")
    assert field.get_attribute("aria-invalid") == "true"
    assert "id_email_error" in (field.get_attribute("aria-describedby") or "")
    assert field.input_value() == "karim@localhost"
    assert page.locator("#id_own_words").input_value() == "I was a docker for thirty years."
    assert faults(page) == []


def test_the_pages_behind_the_form_are_usable_too(
    demo: Demo, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{ARABIC}write/", viewport=SCREENS["phone"])
    _fill(page, "karim@port.example")
    page.locator("button[value=preview]").click()
    assert faults(page) == []
    page.locator("#id_consent_send").check()
    page.locator("button[value=send]").click()
    assert faults(page) == []
    [mail] = demo.wait_for(lambda m: m["mailbox"] == "karim@port.example", 1)
    link = re.search(r"http://\S+/ar/confirm/\S+", mail["text"])
    assert link is not None
    page.goto(link[0])
    assert faults(page) == []
    page.locator("form.dock button").click()
    assert page.locator("html").get_attribute("dir") == "rtl"
    assert faults(page) == []
    page.goto(f"{page.url}erase/")
    assert faults(page) == []


@pytest.mark.parametrize("language", ["en", "ru", "kk", "ar"])
def test_a_first_visit_weighs_less_than_sixty_kilobytes(
    language: str, demo: Demo, open_page: Callable[..., Page]
) -> None:
    sizes: list[int] = []

    def weigh(answer: Response) -> None:
        sizes.append(answer.request.sizes()["responseBodySize"])

    page = open_page("healthz")
    page.on("response", weigh)
    page.goto(f"{demo.site}{language}/{CAMPAIGN}", wait_until="networkidle")
    assert sizes
    assert sum(sizes) < 60_000


def test_a_letter_can_be_written_by_keyboard_alone(open_page: Callable[..., Page]) -> None:
    page = open_page(f"en/{CAMPAIGN}write/")
    page.locator("#id_own_words").focus()
    page.keyboard.type("Typed without a mouse.")
    for text in ("Karim Haddad", "karim.keys@port.example"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Tab")
    page.keyboard.type("Tunisia")
    page.locator("button[value=preview]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Typed without a mouse.").first).to_be_visible()
