"""Leaving: letters are called back before they go out, and who wrote them is forgotten."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from django.utils import timezone
from tests import builders, writers

from picketline.domain import counts, leases
from picketline.domain.deliveries import settle
from picketline.domain.leases import Lease
from picketline.domain.letter_status import (
    erase,
    finish_withdrawals,
    status,
    take_back,
    withdraw,
)
from picketline.domain.outgoing import NotToBeSent, build
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import (
    Campaign,
    Consent,
    CountEntry,
    Delivery,
    Letter,
    LetterPart,
    PublicName,
    SealedSubmission,
    Supporter,
)

pytestmark = pytest.mark.django_db
State = Supporter.State
YES = Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250)
LATER = Outcome(Kind.TEMPORARY, Phase.RCPT, Cause.NONE, 450)
UNCLEAR = Outcome(Kind.UNCERTAIN, Phase.DOT, Cause.NONE)


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def claim_letters(number: int = 100) -> list[Lease]:
    """Let a worker take up to this many letters to targets."""
    long_ago = timezone.now() - timedelta(days=1)
    letters = Delivery.objects.filter(mail_class="letter", state="queued").order_by("pk")[:number]
    Delivery.objects.filter(pk__in=letters).update(due_at=long_ago)
    return leases.claim(100, timedelta(minutes=5))


def totals(campaign: Campaign) -> dict[str, int]:
    counts.sum_up()
    assert counts.recount() == []
    found = counts.totals(campaign)
    kinds = (counts.CountKind.SUPPORTERS, counts.CountKind.MEMBERS, counts.CountKind.LETTERS)
    return {kind.value: found[kind] for kind in kinds}


def test_withdrawing_cancels_everything_and_takes_the_supporter_out_of_the_count(
    campaign: Campaign,
) -> None:
    supporter, token = writers.confirmed(campaign, signature=writers.UNION)
    assert totals(campaign) == {"supporters": 1, "members": 1200, "letters": 0}
    withdraw(token)

    supporter.refresh_from_db()
    assert supporter.state == State.WITHDRAWN
    assert {mail.state for mail in Delivery.objects.all()} == {Delivery.State.CANCELLED}
    assert not status(token).can_withdraw
    assert status(token).content is not None
    assert totals(campaign) == {"supporters": 0, "members": 0, "letters": 0}


def test_withdrawing_again_changes_nothing(campaign: Campaign) -> None:
    _, token = writers.confirmed(campaign)
    withdraw(token)
    before = list(Delivery.objects.order_by("pk").values()), CountEntry.objects.count()
    withdraw(token)
    assert (list(Delivery.objects.order_by("pk").values()), CountEntry.objects.count()) == before


def test_withdrawing_takes_the_name_off_the_campaigns_page(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign)
    PublicName.objects.create(
        supporter=supporter, campaign=campaign, name="Jo", country="FR", position=1
    )
    withdraw(token)
    assert not PublicName.objects.exists()


def test_what_went_out_cannot_be_withdrawn_and_still_counts(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign)
    (lease,) = claim_letters(1)
    settle(lease, YES, direct=False)
    withdraw(token)

    supporter.refresh_from_db()
    assert supporter.state == State.CONFIRMED
    assert sorted(row.state for row in status(token).deliveries) == ["accepted", "cancelled"]
    assert totals(campaign) == {"supporters": 1, "members": 0, "letters": 1}


def test_a_letter_in_a_workers_hands_goes_out_and_its_lease_is_not_touched(
    campaign: Campaign,
) -> None:
    supporter, token = writers.confirmed(campaign)
    (lease,) = claim_letters(1)
    withdraw(token)

    assert sorted(row.state for row in status(token).deliveries) == ["cancelled", "sending"]
    supporter.refresh_from_db()
    assert supporter.state == State.CONFIRMED
    assert settle(lease, YES, direct=False)
    assert totals(campaign) == {"supporters": 1, "members": 0, "letters": 1}


@pytest.mark.parametrize("leave", [withdraw, erase])
def test_a_cancelled_letter_is_never_claimed(campaign: Campaign, leave) -> None:
    _, token = writers.confirmed(campaign)
    leave(token)
    Delivery.objects.update(due_at=timezone.now() - timedelta(days=1))
    assert leases.claim(100, timedelta(minutes=1)) == []


def test_erasing_deletes_who_it_was_and_keeps_what_happened(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign, signature=writers.UNION)
    first, second = claim_letters()
    for lease in (first, second):
        settle(lease, YES, direct=False)
    before = totals(campaign)
    erase(token)

    supporter.refresh_from_db()
    assert supporter.state == State.CONFIRMED
    assert supporter.address_index is not None  # or the same person could write a second letter
    assert supporter.erased_on == timezone.now().date()
    for model in (SealedSubmission, LetterPart, Consent, PublicName):
        assert not model.objects.exists(), model
    assert Letter.objects.get().link_ct is None
    found = status(token)
    assert found.content is None
    assert [row.state for row in found.deliveries] == ["accepted", "accepted"]
    assert totals(campaign) == before == {"supporters": 1, "members": 1200, "letters": 2}


def test_erasing_before_anything_went_out_withdraws_as_well(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign)
    erase(token)

    supporter.refresh_from_db()
    assert supporter.state == State.WITHDRAWN
    assert supporter.address_index is None
    assert {row.state for row in status(token).deliveries} == {Delivery.State.CANCELLED}
    assert totals(campaign)["supporters"] == 0


def test_who_erased_may_erase_again_and_nothing_more_happens(campaign: Campaign) -> None:
    _, token = writers.confirmed(campaign)
    erase(token)
    entries = CountEntry.objects.count()
    erase(token)
    assert CountEntry.objects.count() == entries
    assert status(token).content is None


def test_erasing_after_withdrawing_leaves_no_content(campaign: Campaign) -> None:
    _, token = writers.confirmed(campaign)
    withdraw(token)
    erase(token)
    assert status(token).content is None
    assert not SealedSubmission.objects.exists()


def test_erasing_leaves_everybody_elses_letters_as_they_are(campaign: Campaign) -> None:
    _, other = writers.confirmed(campaign, address="ann@writers.example")
    before = dataclasses.asdict(status(other))
    _, token = writers.confirmed(campaign)
    erase(token)
    assert dataclasses.asdict(status(other)) == before


def test_a_letter_erased_in_a_workers_hands_cannot_be_built_again(campaign: Campaign) -> None:
    _, token = writers.confirmed(campaign)
    (lease,) = claim_letters(1)
    erase(token)
    leases.give_back(lease)

    mail = Delivery.objects.select_related("supporter__campaign", "campaign").get(
        pk=lease.delivery_id
    )
    with pytest.raises(NotToBeSent, match="erased"):
        build(mail)


def _defer(lease: Lease) -> None:
    settle(lease, LATER, direct=False)


@pytest.mark.parametrize("back", [leases.give_back, _defer])
@pytest.mark.parametrize("leave", [withdraw, erase])
def test_a_letter_withdrawn_in_a_workers_hands_and_not_sent_is_not_sent_later(
    campaign: Campaign, leave, back
) -> None:
    supporter, token = writers.confirmed(campaign)
    (lease,) = claim_letters(1)
    leave(token)
    back(lease)

    Delivery.objects.update(due_at=timezone.now() - timedelta(days=1))
    assert leases.claim(100, timedelta(minutes=1)) == []
    assert finish_withdrawals() == 1
    supporter.refresh_from_db()
    assert supporter.state == State.WITHDRAWN
    assert {row.state for row in status(token).deliveries} == {Delivery.State.CANCELLED}
    assert totals(campaign)["supporters"] == 0
    assert finish_withdrawals() == 0


def test_a_writer_whose_last_letter_a_worker_drops_is_no_longer_counted(
    campaign: Campaign,
) -> None:
    supporter, token = writers.confirmed(campaign)
    (lease,) = claim_letters(1)
    erase(token)
    leases.drop(lease, "erased")  # what a worker does with a letter it can no longer read

    assert finish_withdrawals() == 1
    supporter.refresh_from_db()
    assert supporter.state == State.WITHDRAWN
    assert totals(campaign)["supporters"] == 0
    assert finish_withdrawals() == 0


def test_a_writer_one_of_whose_letters_went_out_is_done_with_at_once(campaign: Campaign) -> None:
    _, token = writers.confirmed(campaign)
    (lease,) = claim_letters(1)
    withdraw(token)
    settle(lease, YES, direct=False)

    assert finish_withdrawals() == 0
    assert totals(campaign) == {"supporters": 1, "members": 0, "letters": 1}


def test_an_unclear_letter_that_proves_unsent_after_the_withdrawal_is_not_sent_again(
    campaign: Campaign,
) -> None:
    _, token = writers.confirmed(campaign)
    (lease,) = claim_letters(1)
    settle(lease, UNCLEAR, direct=False)
    withdraw(token)
    Delivery.objects.filter(state="uncertain").update(state="queued")

    assert finish_withdrawals() == 1
    assert {row.state for row in status(token).deliveries} == {Delivery.State.CANCELLED}


def test_a_mail_whose_supporter_is_gone_by_then_is_cancelled_too(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign)
    (lease,) = claim_letters(1)
    withdraw(token)
    supporter.delete()
    leases.give_back(lease)

    finish_withdrawals()
    assert Delivery.objects.get(pk=lease.delivery_id).state == Delivery.State.CANCELLED


ALL = frozenset(Consent.Kind)


def test_a_single_consent_can_be_taken_back_and_the_letter_goes_on(campaign: Campaign) -> None:
    _, token = writers.confirmed(campaign, consents=ALL)
    take_back(token, Consent.Kind.UPDATES)
    take_back(token, Consent.Kind.UPDATES)

    found = status(token)
    assert found.consents == ALL - {Consent.Kind.UPDATES}
    assert {row.state for row in found.deliveries} == {Delivery.State.QUEUED}


def test_a_name_disappears_with_the_consent_to_show_it(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign, consents=ALL)
    PublicName.objects.create(
        supporter=supporter, campaign=campaign, name="Jo", country="FR", position=1
    )
    take_back(token, Consent.Kind.UPDATES)
    assert PublicName.objects.exists()
    take_back(token, Consent.Kind.SHOW_NAME)
    assert not PublicName.objects.exists()


def test_the_consent_to_send_is_taken_back_by_withdrawing_only(campaign: Campaign) -> None:
    _, token = writers.confirmed(campaign)
    take_back(token, Consent.Kind.SEND)
    assert status(token).consents == {Consent.Kind.SEND}
