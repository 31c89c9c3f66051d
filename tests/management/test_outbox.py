"""``picketline outbox``: people see what is unclear, and what they find out is written down."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from tests import builders

from picketline.domain import counts
from picketline.models import Delivery

State = Delivery.State

pytestmark = pytest.mark.django_db


def _uncertain() -> Delivery:
    campaign = builders.campaign()
    now = timezone.now()
    return Delivery.objects.create(
        campaign=campaign,
        mail_class=Delivery.MailClass.LETTER,
        target=campaign.targets.first(),
        target_version=campaign.targets.first().versions.get(),
        model_letter=campaign.model_letters.first(),
        state=State.UNCERTAIN,
        message_id="<one@letters.picketline.example>",
        dated=now,
        due_at=now,
        created_at=now,
        uncertain_since=now,
    )


def _said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("outbox", *arguments, stdout=out)
    return out.getvalue()


def test_a_new_installation_says_that_there_was_no_mail() -> None:
    assert _said() == "There has been no mail so far.\n"


def test_it_shows_numbers_and_what_is_uncertain() -> None:
    mail = _uncertain()
    said = _said()
    assert "letter: 1 uncertain" in said
    assert f"number {mail.pk}, Message-ID <one@letters.picketline.example>: no log" in said


@pytest.mark.parametrize(
    ("verdict", "state", "letters"),
    [("accepted", State.ACCEPTED, 1), ("failed", State.FAILED, 0), ("resend", State.QUEUED, 0)],
)
def test_what_a_person_found_out_settles_it(verdict: str, state: State, letters: int) -> None:
    mail = _uncertain()
    _said("--settle", str(mail.pk), "--as", verdict)
    mail.refresh_from_db()
    counts.sum_up()
    assert mail.state == state
    assert counts.totals(mail.campaign)[counts.CountKind.LETTERS] == letters


def test_only_what_is_uncertain_can_be_settled_and_only_once() -> None:
    mail = _uncertain()
    _said("--settle", str(mail.pk), "--as", "accepted")
    with pytest.raises(CommandError, match="no uncertain mail"):
        _said("--settle", str(mail.pk), "--as", "accepted")


def test_several_are_settled_at_once_and_one_that_is_not_uncertain_keeps_no_other_from_it() -> None:
    mail = _uncertain()
    with pytest.raises(CommandError, match="no uncertain mail with the number 4711"):
        _said("--settle", "4711", str(mail.pk), "--as", "resend")
    mail.refresh_from_db()
    assert mail.state == State.QUEUED


def test_half_an_order_is_refused() -> None:
    with pytest.raises(CommandError, match="Say both"):
        _said("--settle", "1")
