"""Retention of what came in: its bytes, its text and its row go each at their own time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from tests import builders, writers
from tests.conftest import ActingAs
from tests.domain.incoming import arrivals

from picketline.domain.incoming import receiving, sorting
from picketline.domain.letter_status import erase
from picketline.domain.retention import (
    CONTENT_FOR,
    EVIDENCE_FOR,
    QUARANTINE_FOR,
    RAW_FOR,
    UNCONFIRMED_FOR,
    tidy,
)
from picketline.mail.incoming import findings, sandbox
from picketline.models import Campaign, Delivery, IncomingMessage, PublishedReply, Supporter

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "examine", findings.report_on)


def received_ago(ago: timedelta) -> None:
    IncomingMessage.objects.update(received_at=timezone.now() - ago)


def reply(campaign: Campaign) -> IncomingMessage:
    row = arrivals.arrives(arrivals.reply_alias(arrivals.sent(campaign)), arrivals.message())
    assert row is not None
    return row


def left() -> tuple[bool, bool]:
    row = IncomingMessage.objects.get()
    return row.raw_ct is not None, row.content_ct is not None


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (RAW_FOR - DAY, (True, True)),
        (RAW_FOR + DAY, (False, True)),
        (CONTENT_FOR - DAY, (False, True)),
        (CONTENT_FOR + DAY, (False, False)),
    ],
)
def test_first_the_bytes_go_then_the_text(
    campaign: Campaign, age: timedelta, expected: tuple[bool, bool]
) -> None:
    reply(campaign)
    received_ago(age)
    assert (tidy().incoming > 0) is (expected != (True, True))
    assert left() == expected
    assert tidy().incoming == 0


def test_at_last_it_is_forgotten_that_something_came_and_what_was_published_stays(
    campaign: Campaign, acting_as: ActingAs
) -> None:
    row = reply(campaign)
    today = timezone.now().date()
    assert row.target is not None
    PublishedReply.objects.create(
        incoming=row,
        campaign=campaign,
        target=row.target,
        text="We regret.",
        replied_on=today,
        published_on=today,
    )
    received_ago(EVIDENCE_FOR + DAY)
    with acting_as("worker"):
        assert tidy().incoming == 1
    assert not IncomingMessage.objects.exists()
    assert PublishedReply.objects.get().incoming is None


@pytest.mark.parametrize(("age", "gone"), [(QUARANTINE_FOR - DAY, 0), (QUARANTINE_FOR + DAY, 1)])
def test_what_could_not_be_examined_goes_after_two_weeks(
    campaign: Campaign, age: timedelta, gone: int
) -> None:
    receiving.receive("harbour@copies.picketline.example", "", b"")
    IncomingMessage.objects.update(state="quarantined")
    received_ago(age)
    assert tidy().incoming == gone
    assert IncomingMessage.objects.count() == 1 - gone


def test_what_quotes_a_writer_goes_when_the_writer_erases(campaign: Campaign) -> None:
    _, status_token = writers.confirmed(campaign)
    letter = arrivals.handed_over(Delivery.objects.filter(mail_class="letter").earliest("pk"))
    arrivals.arrives(arrivals.reply_alias(letter), arrivals.message())
    assert tidy().incoming == 0
    erase(status_token)
    assert tidy().incoming == 2
    assert left() == (False, False)


def test_a_bounce_of_a_confirmation_goes_with_the_submission(campaign: Campaign) -> None:
    mail = arrivals.sent(campaign, arrivals.MailClass.CONFIRMATION)
    arrivals.arrives(arrivals.envelope(mail), arrivals.dsn(mail))
    Supporter.objects.update(created_at=timezone.now() - UNCONFIRMED_FOR - DAY)
    done = tidy()
    assert (done.unconfirmed, done.incoming) == (1, 1)
    assert left() == (False, False)


def test_what_nobody_looked_at_yet_waits_for_the_sorting(campaign: Campaign) -> None:
    _, status_token = writers.confirmed(campaign)
    letter = arrivals.handed_over(Delivery.objects.filter(mail_class="letter").earliest("pk"))
    receiving.receive(arrivals.envelope(letter), "", arrivals.dsn(letter))
    erase(status_token)
    assert tidy().incoming == 0
    assert sorting.sort_due() == 1
    assert Delivery.objects.get(pk=letter.pk).state == "bounced"
    assert tidy().incoming == 1


@pytest.mark.parametrize("door", ["sender", "copies", "organiser"])
def test_what_belongs_to_no_writer_is_not_taken_for_a_forgotten_ones(
    campaign: Campaign, door: str
) -> None:
    if door == "organiser":
        mail = arrivals.sent(campaign, arrivals.MailClass.ORGANISER_COPY)
        arrivals.arrives(arrivals.envelope(mail), arrivals.dsn(mail))
    else:
        label = "copies" if door == "copies" else "letters"
        arrivals.arrives(f"harbour@{label}.picketline.example", arrivals.message())
    assert tidy().incoming == 0
