"""Outgoing mail: what stands in it, read from the bytes as a mail program reads them."""

from __future__ import annotations

import dataclasses
import re
import socket
from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import sha256

import pytest
from django.conf import settings
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.builders import words

from picketline.domain import letter_status, supporters
from picketline.domain.letters import render
from picketline.domain.outgoing import NotToBeSent, Outgoing, build
from picketline.mail.compose import HEADER_NAMES
from picketline.mail.headers import UnsafeMail
from picketline.models import Campaign, Delivery, Supporter, TargetVersion
from picketline.text.paragraphs import wrap_letter

pytestmark = pytest.mark.django_db

MailClass = Delivery.MailClass
ADDRESS = "jo@writers.example"


def _built(
    mail_class: MailClass, campaign: Campaign | None = None, **changes: object
) -> list[Outgoing]:
    """All mails of a class that follow from one writer's confirmed form."""
    supporter, _ = writers.confirmed(campaign or builders.campaign(), **changes)
    rows = Delivery.objects.filter(mail_class=mail_class, supporter=supporter).order_by("pk")
    return [build(row) for row in rows]


def _read(*mails: Outgoing) -> list[EmailMessage]:
    return [postoffice.parsed(mail.data) for mail in mails]


def _text(message: EmailMessage) -> str:
    text: str = message.get_content()
    return text.replace("\r\n", "\n")


def _fields(data: bytes) -> str:
    return data.partition(b"\r\n\r\n")[0].decode("ascii")


def test_a_letter_comes_from_our_domain_in_the_writers_name() -> None:
    owner, company = _built(MailClass.LETTER)
    (letter,) = _read(owner)
    assert letter["From"] == "Jo Docker <harbour@letters.picketline.example>"
    assert letter["To"] == owner.recipient == "office@owner.example"
    assert company.recipient == "office@company.example"
    assert letter["Cc"] is None
    assert letter["Auto-Submitted"] is None


def test_the_text_of_a_letter_is_what_was_shown() -> None:
    campaign = builders.campaign()
    own_words = "Моя мать.\n.\nFrom here on: {{ 7*7 }} %(x)s ${y}\n\n" + "long " * 60
    shown = render(campaign, own_words, writers.DOCKER)
    letters = _read(*_built(MailClass.LETTER, campaign, own_words=own_words))
    for letter, text in zip(letters, shown, strict=True):
        assert letter["Subject"] == text.subject
        assert letter["Content-Language"] == text.language
        assert _text(letter) == wrap_letter(text.body) + "\n"
        assert _text(letter).split() == text.body.split()
        assert max(map(len, _text(letter).splitlines())) <= 72


def test_a_letter_goes_to_each_target_in_its_own_language() -> None:
    assert [letter["Content-Language"] for letter in _read(*_built(MailClass.LETTER))] == [
        "en",
        "ru",
    ]


def test_answers_go_to_an_alias_unless_the_writer_chose_otherwise() -> None:
    campaign = builders.campaign()
    for mail in _built(MailClass.LETTER, campaign):
        local, _, domain = str(_read(mail)[0]["Reply-To"]).partition("@")
        assert domain == "reply.picketline.example"
        assert re.fullmatch(r"r\.[a-z2-7]{26}", local)
        assert mail.reply_hash == sha256(local[2:].encode()).digest()
        assert local[2:] not in mail.sender
    (mail, _) = _built(
        MailClass.LETTER,
        campaign,
        replies=Supporter.Replies.WRITER,
        address="Ann@Writers.example",
    )
    assert _read(mail)[0]["Reply-To"] == "Ann@Writers.example"
    assert mail.reply_hash is None


def test_a_letter_to_all_shows_every_target_and_is_still_one_delivery_for_each() -> None:
    first, second = _built(MailClass.LETTER, builders.campaign(addressing="all"))
    shown = [str(message["To"]) for message in _read(first, second)]
    assert shown == ["office@company.example, office@owner.example"] * 2
    assert {first.recipient, second.recipient} == {
        "office@company.example",
        "office@owner.example",
    }
    assert first.sender != second.sender
    one, other = _read(first, second)
    assert one["Message-ID"] != other["Message-ID"]
    assert one.get_content() == other.get_content()


def test_a_letter_to_all_stays_the_same_when_one_of_its_mails_is_cancelled() -> None:
    first, _ = _built(MailClass.LETTER, builders.campaign(addressing="all"))
    row, other = Delivery.objects.filter(mail_class=MailClass.LETTER).order_by("pk")
    Delivery.objects.filter(pk=other.pk).update(state=Delivery.State.CANCELLED)
    assert build(row).data == first.data


def test_two_letters_never_share_an_alias_or_an_envelope() -> None:
    first, second = _built(MailClass.LETTER)
    assert first.sender != second.sender
    assert first.reply_hash != second.reply_hash
    assert first.envelope_hash == sha256(first.sender[2:28].encode()).digest()


@pytest.mark.parametrize("mail_class", [MailClass.LETTER, MailClass.ORGANISER_COPY])
def test_the_writers_address_stands_in_no_mail_to_others(mail_class: MailClass) -> None:
    for mail in _built(mail_class, own_words="Hello."):
        (message,) = _read(mail)
        whole = f"{mail.data!r}{_text(message)}{message.items()}{mail.sender}"
        assert ADDRESS not in whole
        assert "writers.example" not in whole


def test_a_letter_tells_neither_the_minute_nor_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "machine-7")
    monkeypatch.setattr(socket, "getfqdn", lambda *_: "machine-7.dockers.example")
    for mail in _built(MailClass.LETTER):
        (letter,) = _read(mail)
        sent = letter["Date"].datetime
        assert (sent.tzinfo, sent.minute, sent.second) == (UTC, 0, 0)
        assert letter["Message-ID"].endswith("@letters.picketline.example>")
        assert "machine-7" not in _fields(mail.data)
        assert not re.search(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", _fields(mail.data))


@pytest.mark.parametrize(
    "mail_class", [MailClass.LETTER, MailClass.WRITER_COPY, MailClass.ORGANISER_COPY]
)
def test_no_header_leaves_that_is_not_on_the_list(mail_class: MailClass) -> None:
    for message in _read(*_built(mail_class)):
        assert set(message.keys()) <= set(HEADER_NAMES)
        assert len(message.keys()) == len(set(message.keys()))
        assert message.get_content_type() == "text/plain"


def test_building_again_gives_the_same_bytes() -> None:
    writers.confirmed(builders.campaign())
    for row in Delivery.objects.all():
        if row.mail_class != MailClass.CONFIRMATION:
            assert build(row) == build(Delivery.objects.get(pk=row.pk))


def test_a_letter_stays_as_it_was_when_the_campaign_is_edited() -> None:
    campaign = builders.campaign()
    supporter, _ = writers.confirmed(campaign)
    row = supporter.deliveries.filter(mail_class=MailClass.LETTER).order_by("pk")[0]
    before = build(row)
    campaign.model_letters.update(subject="Another", body="Another {own_words}")
    campaign.demands.all().delete()
    TargetVersion.objects.filter(delivery=row).update(current=False)
    assert build(Delivery.objects.get(pk=row.pk)) == before


def test_the_writers_copy_has_the_status_link_and_every_letter() -> None:
    campaign = builders.campaign()
    supporter, status_token = writers.confirmed(campaign)
    mail = build(postoffice.of_class(MailClass.WRITER_COPY))
    (copy,) = _read(mail)
    assert (copy["To"], copy["Reply-To"]) == (ADDRESS, None)
    assert copy["From"].addresses[0].addr_spec == "harbour@notices.picketline.example"
    assert copy["Auto-Submitted"] == "auto-generated"
    assert f"{settings.SITE_URL}/en/letters/{status_token}/" in _text(copy).split()
    assert letter_status.status(status_token).supporter == supporter
    for letter in render(campaign, writers.form().own_words, writers.DOCKER):
        assert wrap_letter(letter.body) in _text(copy)
        assert letter.subject in _text(copy)
    assert "The owner (en)" in _text(copy)
    assert writers.link(supporter) not in _text(copy)


def test_an_organisers_copy_names_the_writer_and_shows_every_letter() -> None:
    campaign = builders.campaign(copy_addresses=("a@dockers.example", "b@dockers.example"))
    mails = _built(MailClass.ORGANISER_COPY, campaign, signature=writers.UNION)
    assert [mail.recipient for mail in mails] == ["a@dockers.example", "b@dockers.example"]
    (copy,) = _read(mails[0])
    assert "Ann Chair has written" in _text(copy)
    for letter in render(campaign, writers.form().own_words, writers.UNION):
        assert wrap_letter(letter.body) in _text(copy)
    assert "/letters/" not in _text(copy)


@pytest.mark.parametrize("copies", ["daily", "none"])
def test_organisers_who_want_no_copy_of_each_letter_get_none(copies: str) -> None:
    assert _built(MailClass.ORGANISER_COPY, builders.campaign(copies=copies)) == []


def test_notices_are_written_in_the_language_of_the_writers_page() -> None:
    campaign = builders.campaign()
    supporter = writers.submit(campaign, page_language="ru")
    (message,) = _read(build(postoffice.of_class(MailClass.CONFIRMATION)))
    assert message["Content-Language"] == "ru"
    assert f"/ru/confirm/{writers.link(supporter)}/" in _text(message)
    assert words("ru").title in _text(message)


def test_a_page_language_without_campaign_text_falls_back_to_the_default() -> None:
    writers.submit(builders.campaign(), page_language="fr")
    (message,) = _read(build(postoffice.of_class(MailClass.CONFIRMATION)))
    assert words("en").title in _text(message)


def test_nobody_is_asked_to_confirm_twice() -> None:
    writers.confirmed(builders.campaign())
    with pytest.raises(NotToBeSent, match="confirmed"):
        build(postoffice.of_class(MailClass.CONFIRMATION))


def test_an_address_that_wants_no_mail_gets_none() -> None:
    campaign = builders.campaign()
    first = writers.submit(campaign)
    supporters.never_write_again(writers.link(first))
    second = writers.submit(builders.campaign(slug="quay"), address="JO+news@writers.example")
    with pytest.raises(NotToBeSent, match="suppressed"):
        build(postoffice.of_class(MailClass.CONFIRMATION, second))
    supporters.confirm(writers.link(second))
    with pytest.raises(NotToBeSent, match="suppressed"):
        build(postoffice.of_class(MailClass.WRITER_COPY, second))


@pytest.mark.parametrize(
    "mail_class", [MailClass.LETTER, MailClass.WRITER_COPY, MailClass.ORGANISER_COPY]
)
def test_an_erased_writer_is_in_no_mail(mail_class: MailClass) -> None:
    supporter, status_token = writers.confirmed(builders.campaign())
    letter_status.erase(status_token)
    for row in Delivery.objects.filter(mail_class=mail_class):
        with pytest.raises(NotToBeSent, match="erased"):
            build(row)
    supporter.delete()
    for row in Delivery.objects.filter(mail_class=mail_class):
        with pytest.raises(NotToBeSent, match="erased"):
            build(row)


def test_a_removed_copy_address_gets_nothing_more() -> None:
    campaign = builders.campaign()
    writers.confirmed(campaign)
    campaign.copy_addresses.update(active=False)
    with pytest.raises(NotToBeSent, match="no copy address"):
        build(postoffice.of_class(MailClass.ORGANISER_COPY))


def test_a_name_that_could_break_a_header_is_never_composed() -> None:
    forged = dataclasses.replace(writers.DOCKER, name="Jo\r\nBcc: all@writers.example")
    with pytest.raises(UnsafeMail):
        _built(MailClass.LETTER, signature=forged)


def test_the_date_of_a_letter_is_when_it_was_confirmed() -> None:
    (letter, _) = _read(*_built(MailClass.LETTER))
    now = timezone.now()
    assert letter["Date"].datetime <= now
    assert (now - letter["Date"].datetime).total_seconds() < 3_700
    assert isinstance(letter["Date"].datetime, datetime)
