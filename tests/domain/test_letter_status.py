"""After confirming: what the writer sees of each letter, behind a link of their own."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests import builders, writers

from picketline.domain import leases
from picketline.domain.deliveries import settle
from picketline.domain.leases import Lease
from picketline.domain.letter_status import erase, status, withdraw
from picketline.domain.links import LinkUnknown
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import (
    Campaign,
    Delivery,
    Letter,
    Supporter,
)
from picketline.seal import tokens

pytestmark = pytest.mark.django_db
State = Supporter.State
YES = Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250)
NO = Outcome(Kind.PERMANENT, Phase.RCPT, Cause.ADDRESS, 550, "5.1.1")


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def claim_letters(number: int = 100) -> list[Lease]:
    """Let a worker take up to this many letters to targets."""
    long_ago = timezone.now() - timedelta(days=1)
    letters = Delivery.objects.filter(mail_class="letter", state="queued").order_by("pk")[:number]
    Delivery.objects.filter(pk__in=letters).update(due_at=long_ago)
    return leases.claim(100, timedelta(minutes=5))


def test_the_status_page_shows_each_target_in_order_and_the_letter(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign, own_words="Mine.")
    found = status(token)

    assert (found.campaign, found.supporter, found.can_withdraw) == (campaign, supporter, True)
    assert found.content is not None
    assert found.content.own_words == "Mine."
    assert [row.target_key for row in found.deliveries] == ["owner", "company"]
    assert {row.state for row in found.deliveries} == {Delivery.State.QUEUED}
    assert {row.at for row in found.deliveries} == {None}


def test_what_became_of_each_letter_is_told_with_its_reason(campaign: Campaign) -> None:
    _, token = writers.confirmed(campaign)
    first, second = claim_letters()
    settle(first, YES, direct=True)
    settle(second, NO, direct=False)
    rows = {row.state: row for row in status(token).deliveries}

    assert rows[Delivery.State.ACCEPTED].direct
    assert rows[Delivery.State.ACCEPTED].at is not None
    assert rows[Delivery.State.FAILED].reason == "address"
    assert rows[Delivery.State.FAILED].at is not None
    assert not status(token).can_withdraw


def test_looking_changes_nothing_and_takes_few_queries(
    campaign: Campaign, django_assert_max_num_queries
) -> None:
    supporter, token = writers.confirmed(campaign)
    before = list(Delivery.objects.order_by("pk").values())
    with django_assert_max_num_queries(5):
        status(token)
    supporter.refresh_from_db()
    assert supporter.state == State.CONFIRMED
    assert list(Delivery.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("use", [status, withdraw, erase])
def test_the_status_link_of_an_unconfirmed_or_cancelled_letter_is_unknown(
    campaign: Campaign, use
) -> None:
    pending = writers.submit(campaign)
    token = tokens.derive(writers.link(pending), tokens.STATUS)
    for state in (State.UNCONFIRMED, State.CANCELLED):
        Supporter.objects.update(state=state)
        with pytest.raises(LinkUnknown):
            use(token)


@pytest.mark.parametrize("use", [status, withdraw, erase])
def test_the_confirmation_token_does_not_open_the_status_page(campaign: Campaign, use) -> None:
    supporter, status_token = writers.confirmed(campaign)
    for token in (writers.link(supporter), status_token[:-1], status_token.upper(), ""):
        with pytest.raises(LinkUnknown):
            use(token)


def test_a_letter_moved_to_another_writers_row_does_not_open(campaign: Campaign) -> None:
    _, mine = writers.confirmed(campaign)
    other, _ = writers.confirmed(campaign, address="ann@writers.example")
    moved = Letter.objects.get(pk=other.pk).link_ct
    Letter.objects.exclude(pk=other.pk).update(link_ct=moved)
    with pytest.raises(LinkUnknown):
        status(mine)


@pytest.mark.parametrize("act", [status, withdraw, erase])
def test_the_number_of_queries_does_not_grow_with_targets(act) -> None:
    def queries(number: int) -> int:
        names = [f"office-{place}" for place in range(number)]
        campaign = builders.campaign(
            slug=f"harbour-{number}",
            targets=tuple(
                dataclasses.replace(builders.content().targets[0], key=name) for name in names
            ),
            words=tuple(
                builders.words(
                    language,
                    targets={name: builders.words("en").targets["owner"] for name in names},
                )
                for language in ("en", "ru")
            ),
        )
        _, token = writers.confirmed(campaign)
        with CaptureQueriesContext(connection) as captured:
            act(token)
        return len(captured)

    assert queries(2) == queries(8)
