"""Bounces: each annotates its own mail; forged, foreign, late and repeated ones move nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from tests import builders
from tests.domain.incoming import arrivals
from tests.domain.incoming.arrivals import MailClass, arrives, dsn, envelope

from picketline.domain import counts
from picketline.domain.incoming import receiving, sorting
from picketline.domain.incoming.bounces import BELIEVED_FOR, COUNTED_WITHIN, HARD, SOFT
from picketline.models import Campaign, Delivery, Gate, IncomingMessage, TargetVersion

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def letters(campaign: Campaign, number: int) -> list[Delivery]:
    """Letters of different writers to one target, all taken by a mail server."""
    return [
        arrivals.sent(campaign, address=f"writer{each}@writers.example") for each in range(number)
    ]


def state(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def counted(campaign: Campaign) -> int:
    counts.sum_up()
    return counts.totals(campaign)[counts.CountKind.LETTERS]


def suspects() -> int:
    return TargetVersion.objects.filter(suspect_since__isnull=False).count()


def test_a_bounce_marks_its_own_letter_and_no_other(campaign: Campaign) -> None:
    bounced, other = letters(campaign, 2)
    row = arrives(envelope(bounced), dsn(bounced))
    assert row is not None
    assert (row.state, row.kind, row.delivery) == ("sorted", "bounce", bounced)
    assert (row.permanent, row.enhanced_code) == (True, "5.1.1")
    assert (row.reason, row.target) == ("target's address", bounced.target)
    assert (state(bounced), state(other)) == ("bounced", "accepted")
    assert (bounced.outcome, bounced.enhanced_code) == ("bounced", "5.1.1")


def test_a_server_that_gave_up_for_now_has_given_up(campaign: Campaign) -> None:
    (letter,) = letters(campaign, 1)
    row = arrives(envelope(letter), dsn(letter, status="4.4.7"))
    assert row is not None
    assert (row.permanent, state(letter)) == (False, "bounced")


def test_a_delayed_letter_is_not_lost(campaign: Campaign) -> None:
    (letter,) = letters(campaign, 1)
    row = arrives(envelope(letter), dsn(letter, action="delayed", status="4.4.1"))
    assert row is not None
    assert (row.kind, row.reason, state(letter)) == ("bounce", "not final", "accepted")
    arrives(envelope(letter), dsn(letter, number=2))
    assert state(letter) == "bounced"


def test_the_public_number_of_letters_never_falls_through_bounces(campaign: Campaign) -> None:
    counts.add(campaign.pk, counts.CountKind.LETTERS, 6)
    for letter in letters(campaign, 6):
        arrives(envelope(letter), dsn(letter))
    assert Delivery.objects.filter(state="bounced").count() == 6
    assert counted(campaign) == 6
    assert counts.recount() == []


def test_what_is_forged_by_who_got_a_letter_reaches_no_other_letter(campaign: Campaign) -> None:
    own, other = letters(campaign, 2)
    row = arrives(envelope(own), dsn(other))
    assert row is not None
    assert (row.delivery, row.reason) == (own, "about another mail")
    assert (state(own), state(other)) == ("accepted", "accepted")


def test_a_notice_about_a_mail_that_is_not_ours_moves_nothing(campaign: Campaign) -> None:
    (letter,) = letters(campaign, 1)
    row = arrives(envelope(letter), dsn(original="<somebody@elsewhere.example>"))
    assert row is not None
    assert (row.reason, state(letter)) == ("about another mail", "accepted")


def test_a_notice_without_the_letters_header_is_known_by_its_address(campaign: Campaign) -> None:
    (letter,) = letters(campaign, 1)
    arrives(envelope(letter), dsn())
    assert state(letter) == "bounced"


def test_the_words_of_a_message_are_no_bounce(campaign: Campaign) -> None:
    (letter,) = letters(campaign, 1)
    text = arrivals.message("550 5.1.1 user unknown\nFinal-Recipient: rfc822; x\nStatus: 5.1.1")
    row = arrives(envelope(letter), text)
    assert row is not None
    assert (row.kind == "bounce", state(letter)) == (False, "accepted")


def test_a_bounce_that_comes_to_another_of_our_addresses_moves_nothing(campaign: Campaign) -> None:
    (letter,) = letters(campaign, 1)
    for address in (
        arrivals.reply_alias(letter),
        "harbour@letters.picketline.example",
        "harbour@copies.picketline.example",
    ):
        row = arrives(address, dsn(letter))
        assert row is not None
        assert (row.kind, row.reason) == ("bounce", "no mail of ours")
    assert state(letter) == "accepted"


@pytest.mark.parametrize(("age", "end"), [(-DAY, "bounced"), (DAY, "accepted")])
def test_a_bounce_is_believed_for_two_weeks(campaign: Campaign, age: timedelta, end: str) -> None:
    (letter,) = letters(campaign, 1)
    Delivery.objects.update(settled_at=timezone.now() - BELIEVED_FOR - age)
    row = arrives(envelope(letter), dsn(letter))
    assert row is not None
    assert (state(letter), row.reason == "late") == (end, end == "accepted")


def test_a_replayed_bounce_changes_nothing_more(campaign: Campaign) -> None:
    (letter,) = letters(campaign, 1)
    arrives(envelope(letter), dsn(letter))
    before = Delivery.objects.values().get(pk=letter.pk)
    assert arrives(envelope(letter), dsn(letter)) is None
    for number in range(2, 2 + SOFT):
        assert arrives(envelope(letter), dsn(letter, number=number)) is not None
    assert Delivery.objects.values().get(pk=letter.pk) == before
    assert suspects() == 0


@pytest.mark.parametrize("final", [True, False])
def test_what_a_server_says_of_an_uncertain_letter_proves_that_it_was_taken(
    campaign: Campaign, final: bool
) -> None:
    (letter,) = letters(campaign, 1)
    Delivery.objects.filter(pk=letter.pk).update(
        state="uncertain", uncertain_since=timezone.now(), settled_at=None
    )
    action = "failed" if final else "delayed"
    for number in (1, 2):
        arrives(envelope(letter), dsn(letter, action=action, number=number))
    assert state(letter) == ("bounced" if final else "accepted")
    assert letter.settled_at is not None
    assert counted(campaign) == 1


@pytest.mark.parametrize("now", ["queued", "deferred", "failed", "cancelled"])
def test_a_bounce_moves_no_mail_that_is_not_out(campaign: Campaign, now: str) -> None:
    (letter,) = letters(campaign, 1)
    Delivery.objects.filter(pk=letter.pk).update(state=now)
    arrives(envelope(letter), dsn(letter))
    assert state(letter) == now


def test_a_notice_about_a_mail_whose_row_is_gone_is_a_bounce_of_nothing(
    campaign: Campaign,
) -> None:
    (letter,) = letters(campaign, 1)
    receiving.receive(envelope(letter), "", dsn(letter))
    letter.delete()
    sorting.sort_due()
    row = IncomingMessage.objects.get()
    assert (row.kind, row.reason, row.delivery) == ("bounce", "no mail of ours", None)


@pytest.mark.parametrize("mail_class", [MailClass.CONFIRMATION, MailClass.WRITER_COPY])
def test_a_writers_address_that_does_not_exist_costs_only_that_mail(
    campaign: Campaign, mail_class: MailClass
) -> None:
    mail = arrivals.sent(campaign, mail_class)
    others = list(Delivery.objects.exclude(pk=mail.pk).values_list("pk", "state"))
    row = arrives(envelope(mail), dsn(mail))
    assert row is not None
    assert (row.reason, state(mail)) == ("writer's address", "bounced")
    assert list(Delivery.objects.exclude(pk=mail.pk).values_list("pk", "state")) == others
    assert suspects() == 0


def test_an_organisers_mailbox_that_bounces_is_named_as_such(campaign: Campaign) -> None:
    mail = arrivals.sent(campaign, MailClass.ORGANISER_COPY)
    row = arrives(envelope(mail), dsn(mail))
    assert row is not None
    assert row.reason == "organiser's address"


@pytest.mark.parametrize(("status", "enough"), [("5.1.1", HARD), ("4.2.2", SOFT)])
def test_enough_bounces_make_an_address_suspect_and_tell_the_organisers_once(
    campaign: Campaign, status: str, enough: int
) -> None:
    for number, letter in enumerate(letters(campaign, enough + 2), 1):
        arrives(envelope(letter), dsn(letter, status=status))
        assert suspects() == (1 if number >= enough else 0)
    notice = Delivery.objects.get(mail_class=MailClass.ORGANISER_NOTICE)
    assert (notice.notice, notice.target) == ("suspect", letter.target)


def test_a_bounce_that_says_we_are_blocked_stops_that_target_until_a_person_looks(
    campaign: Campaign,
) -> None:
    first, second = letters(campaign, 2)
    for letter in (first, second):
        arrives(envelope(letter), dsn(letter, status="5.7.1"))
    (paused,) = Gate.objects.exclude(paused_by="")
    assert (paused.name, paused.paused_by) == (f"target:{first.target_id}", "policy")
    (notice,) = Delivery.objects.filter(mail_class=MailClass.ORGANISER_NOTICE)
    assert (notice.notice, notice.target) == ("blocked", first.target)
    assert suspects() == 0


def test_a_suspect_address_still_gets_letters_until_a_person_decides(campaign: Campaign) -> None:
    for letter in letters(campaign, HARD):
        arrives(envelope(letter), dsn(letter))
    letter = arrivals.sent(campaign, address="later@writers.example")
    assert letter.target_version is not None
    assert letter.target_version.suspect_since is not None
    assert Delivery.objects.filter(mail_class="letter", state="cancelled").count() == 0


def test_bounces_far_apart_are_not_added_up(campaign: Campaign) -> None:
    for letter in letters(campaign, HARD + 1):
        arrives(envelope(letter), dsn(letter))
        IncomingMessage.objects.update(received_at=timezone.now() - COUNTED_WITHIN - DAY)
    assert suspects() == 0


def test_bounces_that_moved_nothing_are_not_added_up(campaign: Campaign) -> None:
    for letter in letters(campaign, SOFT + 1):
        arrives(envelope(letter), dsn(original="<x@elsewhere.example>"))
        arrives(envelope(letter), dsn(letter, action="delayed", status="4.4.1", number=2))
    assert suspects() == 0


def test_a_corrected_address_begins_anew(campaign: Campaign) -> None:
    first, second = letters(campaign, 2)
    arrives(envelope(first), dsn(first))
    old = second.target_version
    assert old is not None
    new = TargetVersion.objects.create(
        target_id=old.target_id,
        number=9,
        current=False,
        role=old.role,
        language="en",
        address="press@owner.example",
    )
    Delivery.objects.filter(pk=second.pk).update(target_version=new)
    second.refresh_from_db()
    arrives(envelope(second), dsn(second))
    assert suspects() == 0
