"""The preview keeps its word: what it shows is, letter by letter, what the worker sends."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests import writers
from tests.postoffice import parsed
from tests.public.conftest import BRANCH, LETTER, SEND, WRITE
from tests.public.pages import Element, read

from picketline.domain.outgoing import build
from picketline.domain.supporters import confirm
from picketline.models import Campaign, Delivery, Supporter
from picketline.text.paragraphs import wrap_letter

Letter = tuple[str, str, str]


def shown(page: Element) -> list[Letter]:
    """Language, subject and text of each letter that a page shows as it will be sent."""
    letters = [
        each for each in page.all(class_="letter") if "letter--reading" not in each.attrs["class"]
    ]
    return [
        (
            each.lang,
            each.one(class_="letter__subject").raw,
            wrap_letter(each.one(class_="letter__body").raw),
        )
        for each in letters
    ]


def sent(supporter: Supporter) -> list[Letter]:
    """The same of the mails that the worker builds, in the targets' order."""
    mails = supporter.deliveries.filter(mail_class="letter").order_by("target__position")
    built = [parsed(build(mail).data) for mail in mails]
    return [
        (mail["Content-Language"], mail["Subject"], "\n".join(mail.get_content().splitlines()))
        for mail in built
    ]


def previewed_and_confirmed(
    client: Client, language: str = "en", **changes: Any
) -> tuple[list[Letter], list[Letter], Supporter]:
    """What the preview showed, what the link's page showed, and who wrote, after confirming."""
    address = WRITE.replace("/en/", f"/{language}/")
    preview = read(client.post(address, {**LETTER, **changes, "step": "preview"}))
    assert client.post(address, {**SEND, **changes}).status_code == 302
    supporter = Supporter.objects.latest("pk")
    token = writers.link(supporter)
    again = read(client.get(f"/en/confirm/{token}/"))
    confirm(token)
    return shown(preview), shown(again), Supporter.objects.get(pk=supporter.pk)


@pytest.mark.parametrize("language", ["en", "fr", "ru", "ar"])
@pytest.mark.parametrize("letter_language", ["", "ru"])
def test_each_letter_is_sent_as_it_was_shown_whatever_the_page_speaks(
    client: Client, campaign: Campaign, language: str, letter_language: str
) -> None:
    preview, _, supporter = previewed_and_confirmed(
        client, language, **BRANCH, letter_language=letter_language
    )
    assert preview == sent(supporter)
    assert [letter[0] for letter in preview] == [letter_language or "en", "ru"]


@pytest.mark.parametrize(
    "words",
    [
        "\n.\n",
        "\r\n.\r\nMAIL FROM:<x>\r\n",
        "\r.\rQUIT\r",
        "one\n\n\n\ntwo   \n  three",
        "{{ 7*7 }} {% include 'x' %} %(own_words)s ${signature} {signature} {demands}",
        "<script>alert(1)</script> & <b>bold</b> \"quoted\" 'single'",
        "From here on\nFrom there on\n>From",
        "=?utf-8?q?=41?= =41 soft=\nbreak",
        "ұлы дала 日本語 שלום السلام عليكم 👩‍🔧",
        "word " * 199,
        "",
    ],
)
def test_words_of_every_kind_arrive_as_they_were_shown(
    client: Client, campaign: Campaign, words: str
) -> None:
    preview, again, supporter = previewed_and_confirmed(client, own_words=words)
    assert preview == again == sent(supporter)
    assert len(preview) == 2
    expected = wrap_letter("\n".join(words.split())).split()
    assert all(" ".join(expected) in " ".join(body.split()) for _, _, body in preview)


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "<b>Ana</b> & “Co”",
        "=1+1",
        "+1",
        "-1",
        "＝SUM",
        "O'Brien",
        "Ж",
        "A" * 70,
        "محمد علي",
        "שרה לוי",
        "สมชาย ใจดี",
        "山田太郎",
        "Nguyễn Thị Ánh",
        "{signature}",
        "%(name)s {{ name }}",
    ],
)
def test_names_of_every_kind_sign_the_letter_as_text(
    client: Client, campaign: Campaign, name: str
) -> None:
    preview, again, supporter = previewed_and_confirmed(client, name=name)
    assert preview == again == sent(supporter)
    assert all(name in body.split("\n") for _, _, body in preview)
    [letter, _] = supporter.deliveries.filter(mail_class="letter")
    assert parsed(build(letter).data)["From"].addresses[0].display_name == name


@pytest.mark.parametrize("address", ["`id`@mail.example", "a|b@mail.example", "a@exаmple.com"])
def test_a_strange_address_is_written_to_as_it_is_and_shown_in_plain_letters(
    client: Client, campaign: Campaign, address: str
) -> None:
    assert client.post(WRITE, {**SEND, "email": address}).status_code == 302
    recipient = build(Delivery.objects.get()).recipient
    assert recipient.isascii()
    assert recipient == address or recipient.partition("@")[2].startswith("xn--")


def test_a_foreign_letter_has_its_reading_beside_it_in_a_language_the_reader_knows(
    client: Client, campaign: Campaign
) -> None:
    page = read(client.post(WRITE.replace("/en/", "/fr/"), {**LETTER, "step": "preview"}))
    owner, company = page.all("details", class_="posting")
    assert [each.lang for each in owner.all(class_="letter")] == ["en"]
    letter, reading = company.all(class_="letter")
    assert (letter.lang, reading.lang) == ("ru", "en")
    assert "letter--reading" in reading.attrs["class"]
    assert "Dear Directors, (ru)" in letter.raw
    assert "Dear Directors, (en)" in reading.raw
    assert company.one("figcaption", class_="label--accent").lang == "fr"


def test_the_missing_consent_is_asked_for_beside_its_box(
    client: Client, campaign: Campaign
) -> None:
    optional = {"consent_show_name": "on", "consent_updates": "on"}
    page = read(client.post(WRITE, {**LETTER, **optional, "step": "send"}))
    box = page.one("input", name="consent_send")
    assert box.attrs["aria-describedby"] == page.one(class_="error").attrs["id"]
    assert "we may not send anything" in page.one(class_="error").text
    assert not Supporter.objects.exists()
