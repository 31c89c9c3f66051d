"""One letter, all the way: from the home page to four targets' mailboxes and back, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.journeys.conftest import Demo, eventually, fetch

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("demo")]

TARGETS = {
    "office@samruk-kazyna.example": "Dear ",
    "office@kazmunaigas.example": "Уважаем",
    "office@karazhanbasmunai.example": "Уважаем",
    "office@mangistau.example": "Құрметті",
}
ORGANISERS = "organisers@zhanaozen-solidarity.example"
OWN_WORDS = "I repair pipelines in Gdańsk, and I know what a night shift in winter is."


def _write(page: Page, name: str, address: str) -> None:
    page.get_by_role("link", name=re.compile("Zhanaozen")).first.click()
    page.get_by_role("link", name=re.compile("Write")).first.click()
    page.get_by_label("Your own words").fill(OWN_WORDS)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your e-mail address").fill(address)
    page.get_by_label("Your country").select_option("PL")
    page.get_by_label("on behalf of an organisation").check()
    page.get_by_label("Name of the organisation").fill("Shipyard branch 12")
    page.get_by_label("Your role there").fill("secretary")
    page.get_by_label("How many members").fill("340")
    page.get_by_label(re.compile("an address of ours, which passes the text on to me")).check()
    page.get_by_role("button", name="Read the letters").click()
    for box in page.get_by_role("checkbox").all():
        expect(box).not_to_be_checked()
    page.get_by_label(re.compile("^Send my letters")).check()
    page.get_by_role("button", name="Send", exact=True).click()


def _link(message: dict[str, Any]) -> str:
    found = re.search(r"http://\S+/(?:confirm|letters)/\S+", message["text"])
    assert found is not None
    return found[0]


def _from_the_mailbox_of(address: str, subject: str) -> Callable[[dict[str, Any]], bool]:
    return lambda message: message["mailbox"] == address and subject in message["subject"]


def _figure(page: Page, label: str) -> int:
    """A public number of the campaign, 0 where it is not shown yet."""
    page.goto(page.url)
    found = re.search(rf"([\d,]+)\s+{label}", page.locator("main").inner_text())
    return int(found[1].replace(",", "")) if found else 0


@pytest.mark.parametrize(
    ("name", "scripts"), [("Zofia Kowalska", True), ("Jan Nowak", False)], ids=["js", "no js"]
)
def test_a_letter_reaches_every_target_once(
    name: str, scripts: bool, demo: Demo, open_page: Callable[..., Page]
) -> None:
    address = f"{name.split()[0].lower()}@shipyard.example"
    page = open_page("en/", java_script_enabled=scripts)
    _write(page, name, address)
    assert {cookie["name"] for cookie in page.context.cookies()} <= {"csrf"}

    [mail] = demo.wait_for(_from_the_mailbox_of(address, "confirm"), 1)
    assert OWN_WORDS not in mail["text"]
    assert name not in mail["text"]
    for _ in range(3):
        fetch(_link(mail))
    assert _letters_from(name, demo) == []

    page.goto(_link(mail))
    expect(page.get_by_text(OWN_WORDS).first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Send these")).click()
    [copy] = demo.wait_for(_from_the_mailbox_of(address, "copy"), 1)
    _every_target_has_it_once(demo, name)

    page.goto(_link(mail))
    expect(page.get_by_text("Accepted by their server").first).to_be_visible()
    assert page.url == _link(copy)


def _letters_from(name: str, demo: Demo) -> list[dict[str, Any]]:
    return [m for m in demo.messages() if m["mailbox"] in TARGETS and name in m["text"]]


def _every_target_has_it_once(demo: Demo, name: str) -> None:
    demo.wait_for(lambda m: m["mailbox"] in TARGETS and name in m["text"], len(TARGETS))
    letters = _letters_from(name, demo)
    assert sorted(message["mailbox"] for message in letters) == sorted(TARGETS)
    for message in letters:
        assert message["text"].startswith(TARGETS[message["mailbox"]])
        assert message["text"].count("night shift") == 1
        assert "shipyard.example" not in message["text"]
    copies = demo.wait_for(lambda m: m["mailbox"] == ORGANISERS and name in m["text"], 1)
    assert len(copies) == 1


def test_the_public_numbers_follow(demo: Demo, open_page: Callable[..., Page]) -> None:
    page = open_page("en/campaigns/zhanaozen-2011/")
    before = _figure(page, "members")
    writer = open_page("en/")
    _write(writer, "Ewa Mazur", "ewa@shipyard.example")
    [mail] = demo.wait_for(_from_the_mailbox_of("ewa@shipyard.example", "confirm"), 1)
    writer.goto(_link(mail))
    writer.get_by_role("button", name=re.compile("^Send these")).click()
    eventually(lambda: _figure(page, "members") == before + 340)


def _open_letter(page: Page, demo: Demo, name: str, target: str) -> str:
    """Send a letter, and open it in the mailbox of a target; returns the writer's address."""
    address = f"{name.split()[0].lower()}@shipyard.example"
    _write(page, name, address)
    [mail] = demo.wait_for(_from_the_mailbox_of(address, "confirm"), 1)
    page.goto(_link(mail))
    page.get_by_role("button", name=re.compile("^Send these")).click()
    [letter] = demo.wait_for(lambda m: m["mailbox"] == target and name in m["text"], 1)
    page.goto(f"{demo.mailbox}messages/{letter['id']}")
    return address


def _status_page(page: Page, demo: Demo, address: str) -> None:
    [copy] = demo.wait_for(_from_the_mailbox_of(address, "copy"), 1)
    page.goto(_link(copy))


def _says(page: Page, words: str) -> bool:
    page.reload()
    return page.get_by_text(words).count() == 1


def test_an_answer_comes_back_as_text_to_whoever_wrote(
    demo: Demo, open_page: Callable[..., Page]
) -> None:
    page = open_page("en/")
    address = _open_letter(page, demo, "Marek Zieliński", "office@mangistau.example")
    page.get_by_label(re.compile("^Answer as")).fill(
        "Біз сұрауларыңызды қарадық.\nhttp://x.example/"
    )
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("status")).to_contain_text("on its way")

    [forwarded] = demo.wait_for(_from_the_mailbox_of(address, "An answer to your letter"), 1)
    assert "> Біз сұрауларыңызды қарадық." in forwarded["text"]
    assert "http://x.example" not in forwarded["text"]
    assert "another address" not in forwarded["text"]
    _status_page(page, demo, address)
    assert _says(page, "They answered on")


def test_an_undeliverable_letter_is_told_to_whoever_wrote(
    demo: Demo, open_page: Callable[..., Page]
) -> None:
    page = open_page("en/")
    address = _open_letter(page, demo, "Anna Wójcik", "office@kazmunaigas.example")
    page.get_by_role("button", name="Send it back as undeliverable").click()
    expect(page.get_by_role("status")).to_contain_text("has gone back")
    _status_page(page, demo, address)
    eventually(lambda: _says(page, "sent it back as undeliverable"))
