"""Retention: each datum goes when it was promised to go, and not a day before."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from tests import builders, writers

from picketline.domain import counts, leases
from picketline.domain.campaigns import close
from picketline.domain.letter_status import erase, status, withdraw
from picketline.domain.links import LinkUnknown
from picketline.domain.retention import (
    ADDRESS_FOR,
    EVIDENCE_FOR,
    INDEX_FOR,
    SERVER_REPLIES_FOR,
    TEXT_FOR,
    UNCONFIRMED_FOR,
    Tidied,
    tidy,
)
from picketline.domain.supporters import open_link
from picketline.mail.addresses import EmailAddr
from picketline.models import (
    Attempt,
    Campaign,
    ConfirmationSent,
    Consent,
    Delivery,
    Evidence,
    Letter,
    SealedReply,
    SealedSubmission,
    Supporter,
)

pytestmark = pytest.mark.django_db
NOTHING = Tidied(*[0] * len(fields(Tidied)))
DAY = timedelta(days=1)
WRITER, ALIAS = Supporter.Replies.WRITER, Supporter.Replies.ALIAS


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def settle_all(ago: timedelta, state: str = "accepted") -> None:
    """All mail was settled so long ago."""
    Delivery.objects.update(state=state, settled_at=timezone.now() - ago)


def close_ago(campaign: Campaign, ago: timedelta) -> None:
    close(campaign.slug)
    Campaign.objects.filter(pk=campaign.pk).update(closed_at=timezone.now() - ago)


def sealed() -> SealedSubmission:
    return SealedSubmission.objects.get()


def test_a_new_installation_has_nothing_to_tidy() -> None:
    assert tidy() == NOTHING


def test_an_unconfirmed_submission_goes_after_seven_days_with_all_it_held(
    campaign: Campaign,
) -> None:
    token = writers.link(writers.submit(campaign))
    Supporter.objects.update(created_at=F("created_at") - UNCONFIRMED_FOR + DAY)
    assert tidy() == NOTHING
    assert open_link(token)

    Supporter.objects.update(created_at=F("created_at") - DAY)
    assert tidy().unconfirmed == 1
    for model in (Supporter, SealedSubmission, Letter, Consent, Delivery):
        assert not model.objects.exists(), model
    with pytest.raises(LinkUnknown):
        open_link(token)


def test_a_replaced_submission_goes_as_well_and_the_confirmed_one_stays(
    campaign: Campaign,
) -> None:
    writers.submit(campaign)
    confirmed, _ = writers.confirmed(campaign)
    Supporter.objects.update(created_at=F("created_at") - UNCONFIRMED_FOR - DAY)

    assert tidy().unconfirmed == 1
    assert Supporter.objects.get() == confirmed


def test_a_mail_in_a_workers_hands_outlives_its_submission(campaign: Campaign) -> None:
    writers.submit(campaign)
    Delivery.objects.update(due_at=timezone.now() - DAY)
    (lease,) = leases.claim(1, timedelta(minutes=5))
    Supporter.objects.update(created_at=F("created_at") - UNCONFIRMED_FOR - DAY)

    assert tidy().unconfirmed == 1
    assert leases.held(lease).exists()
    assert Attempt.objects.exists()


def test_tidying_asks_the_database_as_often_for_many_submissions_as_for_one(
    campaign: Campaign, django_assert_max_num_queries
) -> None:
    for _ in range(12):
        writers.submit(campaign)
    Supporter.objects.update(created_at=F("created_at") - UNCONFIRMED_FOR - DAY)
    with django_assert_max_num_queries(40):
        assert tidy().unconfirmed == 12


@pytest.mark.parametrize(("age", "gone"), [(ADDRESS_FOR - DAY, False), (ADDRESS_FOR + DAY, True)])
def test_an_address_goes_two_weeks_after_the_last_mail_was_settled(
    campaign: Campaign, age: timedelta, gone: bool
) -> None:
    writers.confirmed(campaign, replies=WRITER)
    settle_all(age)
    assert tidy().addresses == int(gone)
    assert (sealed().address_ct is None) is gone
    assert sealed().texts_ct is not None


@pytest.mark.parametrize("state", ["queued", "deferred", "uncertain"])
def test_nothing_goes_while_a_mail_is_on_its_way(campaign: Campaign, state: str) -> None:
    writers.confirmed(campaign, replies=WRITER)
    settle_all(TEXT_FOR + DAY)
    last = Delivery.objects.latest("pk").pk
    Delivery.objects.filter(pk=last).update(
        state=state, settled_at=None, uncertain_since=timezone.now()
    )
    assert tidy() == NOTHING


def test_an_address_stays_for_updates_that_its_writer_asked_for(campaign: Campaign) -> None:
    consents = frozenset({Consent.Kind.SEND, Consent.Kind.UPDATES})
    writers.confirmed(campaign, replies=WRITER, consents=consents)
    settle_all(ADDRESS_FOR + DAY)
    assert tidy().addresses == 0


def test_an_address_stays_for_replies_until_the_campaign_is_long_over(campaign: Campaign) -> None:
    writers.confirmed(campaign, replies=ALIAS)
    settle_all(ADDRESS_FOR + DAY)
    assert tidy().addresses == 0

    close_ago(campaign, INDEX_FOR - DAY)
    assert tidy().addresses == 0
    Campaign.objects.update(closed_at=timezone.now() - INDEX_FOR - DAY)
    assert tidy().addresses == 1


def test_an_address_does_not_wait_for_replies_to_letters_that_were_never_sent(
    campaign: Campaign,
) -> None:
    _, token = writers.confirmed(campaign, replies=ALIAS)
    withdraw(token)
    settle_all(ADDRESS_FOR + DAY, "cancelled")
    assert tidy().addresses == 1


@pytest.mark.parametrize(("age", "gone"), [(TEXT_FOR - DAY, False), (TEXT_FOR + DAY, True)])
def test_words_and_name_go_four_weeks_after_and_the_page_still_tells_what_happened(
    campaign: Campaign, age: timedelta, gone: bool
) -> None:
    _, token = writers.confirmed(campaign)
    settle_all(age)
    assert tidy().texts == int(gone)
    assert (sealed().texts_ct is None) is gone
    assert (sealed().signature_ct is None) is gone
    found = status(token)
    assert (found.content is None) is gone
    assert len(found.deliveries) == 2


def test_the_index_goes_thirty_days_after_the_campaign_closed(campaign: Campaign) -> None:
    other = builders.campaign(slug="airport")
    for place in (campaign, other):
        writers.confirmed(place)
    assert tidy().indexes == 0
    close_ago(campaign, INDEX_FOR - DAY)
    assert tidy().indexes == 0

    Campaign.objects.filter(pk=campaign.pk).update(closed_at=timezone.now() - INDEX_FOR - DAY)
    assert tidy().indexes == 1
    kept = Supporter.objects.filter(address_index__isnull=False)
    assert [supporter.campaign for supporter in kept] == [other]


def test_a_letter_that_waits_for_a_month_after_its_campaign_is_given_up(
    campaign: Campaign,
) -> None:
    supporter, _ = writers.confirmed(campaign)
    close_ago(campaign, INDEX_FOR - DAY)
    assert tidy().unsent == 0
    Campaign.objects.filter(pk=campaign.pk).update(closed_at=timezone.now() - INDEX_FOR - DAY)
    assert tidy().unsent == 2
    ends = supporter.deliveries.filter(mail_class="letter").values_list("state", "outcome")
    assert set(ends) == {("cancelled", "campaign closed")}


def _attempt(campaign: Campaign, ago: timedelta) -> Attempt:
    writers.confirmed(campaign)
    mail = Delivery.objects.filter(mail_class="letter").earliest("pk")
    then = timezone.now() - ago
    Evidence.objects.create(delivery=mail, queue_id="4F1", kind="sent", seen_at=then)
    return Attempt.objects.create(
        delivery=mail, lease_token=1, phase="ended", started_at=then, ended_at=then
    )


@pytest.mark.parametrize("age", [SERVER_REPLIES_FOR - DAY, SERVER_REPLIES_FOR + DAY])
def test_what_servers_answered_goes_after_thirty_days(campaign: Campaign, age: timedelta) -> None:
    SealedReply.objects.create(attempt=_attempt(campaign, age), text_ct=b"sealed")
    gone = age > SERVER_REPLIES_FOR
    assert tidy().server_replies == int(gone)
    assert SealedReply.objects.exists() is not gone
    assert Attempt.objects.exists()


def test_what_servers_answered_goes_with_the_person_it_may_quote(campaign: Campaign) -> None:
    SealedReply.objects.create(attempt=_attempt(campaign, DAY), text_ct=b"sealed")
    _, token = writers.confirmed(campaign, address=EmailAddr("ann@writers.example"))
    theirs = Delivery.objects.filter(mail_class="writer copy").latest("pk")
    for mail in (theirs, _digest(campaign)):
        now = timezone.now()
        attempt = Attempt.objects.create(
            delivery=mail, lease_token=2, phase="ended", started_at=now, ended_at=now
        )
        SealedReply.objects.create(attempt=attempt, text_ct=b"250 <ann@writers.example> queued")
    assert tidy().server_replies == 0
    erase(token)
    assert tidy().server_replies == 1
    assert not SealedReply.objects.filter(attempt__delivery=theirs).exists()


def _digest(campaign: Campaign) -> Delivery:
    now = timezone.now()
    return Delivery.objects.create(
        campaign=campaign,
        mail_class="organiser digest",
        copy_address=campaign.copy_addresses.first(),
        digest_day=now.date(),
        message_id="<digest@notices.picketline.example>",
        dated=now,
        due_at=now,
        created_at=now,
    )


@pytest.mark.parametrize("age", [EVIDENCE_FOR - DAY, EVIDENCE_FOR + DAY])
def test_evidence_goes_after_half_a_year_and_states_and_totals_stay(
    campaign: Campaign, age: timedelta
) -> None:
    _attempt(campaign, age)
    counts.sum_up()
    before = counts.totals(campaign)
    states = list(Delivery.objects.order_by("pk").values_list("state", flat=True))
    gone = age > EVIDENCE_FOR

    assert tidy().evidence == (2 if gone else 0)
    assert Attempt.objects.exists() is not gone
    assert Evidence.objects.exists() is not gone
    assert counts.totals(campaign) == before
    assert list(Delivery.objects.order_by("pk").values_list("state", flat=True)) == states


def test_the_budget_forgets_after_a_day() -> None:
    now = timezone.now()
    for ago in (timedelta(hours=23), timedelta(hours=25)):
        ConfirmationSent.objects.create(address_hash=b"h" * 16, sent_at=now - ago)
    assert tidy().budgets == 1
    assert ConfirmationSent.objects.count() == 1


def test_tidying_again_finds_nothing(campaign: Campaign) -> None:
    writers.submit(campaign, address="ann@writers.example")
    writers.confirmed(campaign, replies=WRITER)
    settle_all(TEXT_FOR + DAY)
    Supporter.objects.update(created_at=F("created_at") - UNCONFIRMED_FOR - DAY)
    assert tidy() != NOTHING
    assert tidy() == NOTHING
