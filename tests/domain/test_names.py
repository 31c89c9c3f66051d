"""Public names: only of those who asked, together, shuffled, and gone when their bearers go."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.utils import timezone
from tests import builders, writers

from picketline.domain import names
from picketline.domain.campaigns import close
from picketline.domain.letter_status import erase, withdraw
from picketline.domain.letters import Signature
from picketline.domain.retention import INDEX_FOR, tidy
from picketline.mail.addresses import EmailAddr
from picketline.models import Campaign, Consent, PublicName, SealedSubmission, Supporter

pytestmark = pytest.mark.django_db
SHOW_NAME = frozenset({Consent.Kind.SEND, Consent.Kind.SHOW_NAME})


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def sign(campaign: Campaign, number: int, **changes: object) -> tuple[Supporter, str]:
    """A confirmed writer who wants to be named."""
    form = {
        "address": EmailAddr(f"{number}@writers.example"),
        "signature": Signature(f"Writer {number:02}", "FR"),
        "consents": SHOW_NAME,
    }
    return writers.confirmed(campaign, **{**form, **changes})


def a_day_passes() -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    Supporter.objects.filter(confirmed_on__isnull=False).update(confirmed_on=yesterday)


def test_a_few_names_wait_until_the_next_day(campaign: Campaign) -> None:
    for number in range(3):
        sign(campaign, number)
    assert names.publish() == 0

    a_day_passes()
    assert names.publish() == 3
    assert names.publish() == 0
    assert set(PublicName.objects.values_list("name", "country")) == {
        (f"Writer {number:02}", "FR") for number in range(3)
    }


def test_a_full_batch_appears_at_once_in_an_order_that_chance_has_made(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_chance = sorted(range(names.BATCH_OF), key=lambda number: (number * 7) % names.BATCH_OF)

    def shuffle(_self: random.SystemRandom, batch: list[Supporter]) -> None:
        batch.sort(key=lambda supporter: supporter.pk)
        batch[:] = [batch[number] for number in by_chance]

    monkeypatch.setattr(random.SystemRandom, "shuffle", shuffle)
    for number in range(names.BATCH_OF):
        sign(campaign, number)

    assert names.publish() == names.BATCH_OF
    shown = [name.name for name in PublicName.objects.order_by("position")]
    assert shown == [f"Writer {number:02}" for number in by_chance]


def test_one_short_of_a_batch_waits(campaign: Campaign) -> None:
    for number in range(names.BATCH_OF - 1):
        sign(campaign, number)
    assert names.publish() == 0


def test_a_later_batch_stands_above_the_earlier_ones(campaign: Campaign) -> None:
    for number in (1, 2):
        sign(campaign, number)
        a_day_passes()
        names.publish()
    assert [name.name for name in PublicName.objects.all()] == ["Writer 02", "Writer 01"]


def test_who_did_not_ask_to_be_named_is_not(campaign: Campaign) -> None:
    sign(campaign, 1, consents=frozenset({Consent.Kind.SEND, Consent.Kind.UPDATES}))
    writers.submit(campaign, consents=SHOW_NAME)  # never confirmed
    a_day_passes()
    assert names.publish() == 0


@pytest.mark.parametrize("leave", [withdraw, erase])
def test_who_left_before_is_not_named(campaign: Campaign, leave) -> None:
    leave(sign(campaign, 1)[1])
    a_day_passes()
    assert names.publish() == 0


@pytest.mark.parametrize("leave", [withdraw, erase])
def test_who_leaves_after_is_named_no_longer_and_never_again(campaign: Campaign, leave) -> None:
    _, token = sign(campaign, 1)
    a_day_passes()
    names.publish()
    leave(token)
    assert not PublicName.objects.exists()
    assert names.publish() == 0


def test_an_organisation_is_named_with_who_signed_for_it(campaign: Campaign) -> None:
    sign(campaign, 1, signature=writers.UNION)
    a_day_passes()
    names.publish()
    assert PublicName.objects.get().name == "Ann Chair, Crane Drivers"


def test_a_very_long_name_is_cut_and_not_refused(campaign: Campaign) -> None:
    long = Signature("N" * 120, "FR", organisation="O" * 120, members=2)
    sign(campaign, 1, signature=long)
    a_day_passes()
    assert names.publish() == 1
    assert len(PublicName.objects.get().name) == 200


def test_campaigns_do_not_share_batches_or_names(campaign: Campaign) -> None:
    other = builders.campaign(slug="airport")
    sign(campaign, 1)
    sign(other, 2)
    a_day_passes()
    assert names.publish() == 2
    assert [name.name for name in other.public_names.all()] == ["Writer 02"]


def test_an_erased_signature_does_not_hold_the_others_back(campaign: Campaign) -> None:
    sign(campaign, 1)
    gone, _ = sign(campaign, 2)
    SealedSubmission.objects.filter(supporter=gone).update(signature_ct=None)
    a_day_passes()
    assert names.publish() == 1


def test_a_damaged_signature_does_not_hold_the_others_back(campaign: Campaign) -> None:
    sign(campaign, 1)
    damaged, _ = sign(campaign, 2)
    sealed = SealedSubmission.objects.filter(supporter=damaged)
    sealed.update(signature_ct=b"not what was sealed")
    a_day_passes()
    assert names.publish() == 1
    assert PublicName.objects.get().supporter_id != damaged.pk


def test_names_of_a_campaign_long_over_go_and_do_not_come_back(campaign: Campaign) -> None:
    sign(campaign, 1)
    a_day_passes()
    names.publish()
    close(campaign.slug)
    Campaign.objects.update(closed_at=timezone.now() - INDEX_FOR - timedelta(days=1))
    tidy()
    assert not PublicName.objects.exists()
    assert names.publish() == 0
