"""Claiming at a pace, in virtual time: no target, domain or stream gets more than its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from tests import builders
from tests.domain.pacing import letters
from tests.domain.pacing.letters import MINUTE, MONDAY

from picketline.domain import campaigns, leases
from picketline.domain.leases import Lease
from picketline.domain.loading import load
from picketline.domain.pacing import lanes, next_due
from picketline.models import Campaign, Delivery, Target

pytestmark = pytest.mark.django_db
LEASE = timedelta(minutes=2)
SECOND = timedelta(seconds=1)
MailClass = Delivery.MailClass
Served = list[tuple[datetime, Lease]]


def _claim(moment: datetime, limit: int = 100) -> list[Lease]:
    return leases.claim(limit, LEASE, moment=moment)


def _over(duration: timedelta, step: timedelta, limit: int = 100) -> Served:
    """What a worker that asks at every step is given."""
    served: Served = []
    for number in range(int(duration / step)):
        moment = MONDAY + MINUTE + number * step
        served += [(moment, lease) for lease in _claim(moment, limit)]
    return served


def _most_within(served: Served, window: timedelta, of: Callable[[Lease], object]) -> int:
    """The largest number of mails of one kind in any stretch of time of this length."""
    most = 0
    for since, first in served:
        within = [moment for moment, lease in served if of(lease) == of(first)]
        most = max(most, sum(since <= moment < since + window for moment in within))
    return most


def _targets() -> tuple[Target, Target]:
    campaign = letters.campaign()
    return letters.target(campaign, "owner"), letters.target(campaign, "company")


def test_in_any_minute_a_target_gets_its_pace_and_one_letter_more_at_most(settings) -> None:
    settings.TARGET_PER_MINUTE = 6
    for target in _targets():
        letters.queue(target, 60)
    served = _over(5 * MINUTE, 3 * SECOND)
    assert _most_within(served, MINUTE, lambda lease: lease.target_id) <= 7
    numbers = Counter(lease.target_id for _, lease in served)
    assert all(number >= 25 for number in numbers.values())


def test_a_target_may_have_a_pace_of_its_own(settings) -> None:
    settings.TARGET_PER_MINUTE = 6
    owner, company = _targets()
    Target.objects.filter(pk=owner.pk).update(per_minute=60)
    letters.queue(owner, 300)
    letters.queue(company, 300)
    served = Counter(lease.target_id for _, lease in _over(2 * MINUTE, SECOND))
    assert 118 <= served[owner.pk] <= 130
    assert 11 <= served[company.pk] <= 13


def test_three_campaigns_share_a_domain_and_none_waits_longer_than_the_others(settings) -> None:
    settings.DOMAIN_PER_MINUTE = 12
    for slug, number in (("first", 200), ("second", 60), ("third", 60)):
        campaign = letters.campaign(slug)
        for target in campaign.targets.all():
            letters.move_to(target, "Company.Example")
            letters.queue(target, number)
    served = _over(5 * MINUTE, 2 * SECOND)
    assert _most_within(served, MINUTE, lambda lease: lease.domain) <= 14
    assert {lease.domain for _, lease in served} == {"company.example"}
    numbers = Counter(lease.campaign_id for _, lease in served)
    assert max(numbers.values()) - min(numbers.values()) <= 1
    for campaign_id in numbers:
        moments = [moment for moment, lease in served if lease.campaign_id == campaign_id]
        waits = [later - earlier for earlier, later in pairwise(moments)]
        assert max(waits) <= 17 * SECOND  # three turns of five seconds, seen every second one


def test_a_busy_campaign_elsewhere_still_gets_its_turns_in_a_shared_domain(settings) -> None:
    settings.DOMAIN_PER_MINUTE = 12
    busy, calm = letters.campaign("busy"), letters.campaign("calm")
    for campaign in (busy, calm):
        letters.move_to(letters.target(campaign), "shared.example")
        letters.queue(letters.target(campaign), 100)
    letters.queue(letters.target(busy, "company"), 200)
    served = _over(4 * MINUTE, SECOND)
    shared = Counter(lease.campaign_id for _, lease in served if lease.domain == "shared.example")
    assert abs(shared[busy.pk] - shared[calm.pk]) <= 1


def test_a_stream_has_a_pace_for_all_its_mail(settings) -> None:
    settings.STREAM_PER_MINUTE = {**settings.STREAM_PER_MINUTE, "letters": 30, "notices": 6}
    for target in _targets():
        letters.queue(target, 100)
    letters.queue_other(target.campaign, MailClass.ORGANISER_COPY, 20)
    letters.queue_other(target.campaign, MailClass.WRITER_COPY, 20)
    letters.queue_other(target.campaign, MailClass.CONFIRMATION, 20)
    served = _over(MINUTE, 2 * SECOND)
    numbers = Counter(lease.mail_class == MailClass.LETTER for _, lease in served)
    assert 30 <= numbers[True] <= 35
    notices = [lease for _, lease in served if "copy" in lease.mail_class]
    assert 5 <= len(notices) <= 7
    assert {lease.mail_class for lease in notices} <= {"organiser copy", "writer copy"}
    assert sum(lease.mail_class == MailClass.CONFIRMATION for _, lease in served) == 20


def test_confirmations_come_first_and_only_letters_have_a_domain() -> None:
    owner, _company = _targets()
    letters.queue(owner, 5)
    letters.queue_other(owner.campaign, MailClass.CONFIRMATION, 5)
    found = _claim(MONDAY + MINUTE)
    assert [lease.mail_class for lease in found[:5]] == [MailClass.CONFIRMATION] * 5
    assert {(lease.domain, lease.target_id) for lease in found} == {
        ("", None),
        ("owner.example", owner.pk),
    }


def test_batches_come_in_random_order_so_that_a_bad_letter_does_not_hold_up_the_same_ones() -> None:
    for target in _targets():
        letters.queue(target, 20)
    orders = set()
    for _ in range(8):
        found = _claim(MONDAY + MINUTE)
        orders.add(tuple(lease.delivery_id for lease in found))
        Delivery.objects.update(state="queued", lease_until=None)
    assert len(orders) > 1


def test_a_days_letters_end_at_the_targets_own_midnight(settings) -> None:
    settings.TARGET_PER_DAY = 3
    owner, company = _targets()
    Target.objects.filter(pk=company.pk).update(time_zone="Asia/Almaty", per_day=2)
    for target in (owner, company):
        letters.queue(target, 20)
    served = Counter(lease.target_id for lease in _claim(MONDAY + MINUTE))
    assert served == {owner.pk: 3, company.pk: 2}
    assert _claim(MONDAY + 2 * MINUTE) == []
    midnight_there = datetime(2026, 3, 2, 19, tzinfo=UTC)
    assert next_due(moment=MONDAY + 2 * MINUTE) == midnight_there - MONDAY - 2 * MINUTE
    assert _claim(midnight_there - SECOND) == []
    assert {lease.target_id for lease in _claim(midnight_there)} == {company.pk}
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    assert Counter(lease.target_id for lease in _claim(midnight)) == {owner.pk: 3}


@pytest.mark.parametrize(
    ("moment", "claimed"),
    [
        ("2026-03-27T07:59:59", 0),  # Friday in winter time
        ("2026-03-27T08:00:00", 1),
        ("2026-03-27T16:00:00", 0),
        ("2026-03-29T12:00:00", 0),  # Sunday: the clocks have gone forward
        ("2026-03-30T06:59:59", 0),
        ("2026-03-30T07:00:00", 1),
        ("2026-03-30T15:00:00", 0),
    ],
)
def test_letters_arrive_in_the_office_hours_of_the_target(moment: str, claimed: int) -> None:
    owner, _company = _targets()
    hours = {"office_from": "09:00", "office_until": "17:00", "time_zone": "Europe/Berlin"}
    Target.objects.filter(pk=owner.pk).update(**hours)
    letters.queue(owner)
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert len(_claim(now)) == claimed
    if not claimed:
        wait = next_due(moment=now)
        assert wait is not None
        assert _claim(now + wait - SECOND) == []
        assert len(_claim(now + wait)) == 1


def test_what_is_given_back_gives_back_its_place_and_its_day(settings) -> None:
    settings.TARGET_PER_MINUTE, settings.TARGET_PER_DAY = 60, 7
    settings.DOMAIN_PER_MINUTE = 60
    owner, _company = _targets()
    letters.queue(owner, 20)
    now = MONDAY + MINUTE
    first = _claim(now)
    assert len(first) == 7
    assert _claim(now) == []
    assert leases.give_back(first[:4]) == 4
    Delivery.objects.filter(state="queued").update(due_at=MONDAY)
    assert len(_claim(now)) == 4
    assert _claim(now + MINUTE) == []


def test_mails_of_all_kinds_are_given_back_in_one_go() -> None:
    owner, _company = _targets()
    letters.queue(owner, 3)
    letters.queue_other(owner.campaign, MailClass.CONFIRMATION, 2)
    found = leases.claim(100, LEASE, relay="mx1", moment=MONDAY + MINUTE)
    assert leases.give_back(found) == 5
    assert leases.give_back(found) == 0
    assert leases.give_back([]) == 0
    assert set(Delivery.objects.values_list("state", "attempt_count")) == {("queued", 0)}


def test_letters_of_a_suspended_campaign_do_not_keep_others_waiting() -> None:
    owner, company = _targets()
    other = letters.target(letters.campaign("other"))
    for target in (owner, company, other):
        letters.queue(target, 30)
    campaigns.suspend(owner.campaign.slug)
    assert {lease.target_id for lease in _claim(MONDAY + MINUTE)} == {other.pk}
    assert next_due(moment=MONDAY + MINUTE) is None


def test_with_more_lanes_than_a_claim_looks_at_every_lane_gets_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "LANES_SEEN", 2)
    targets = [target for slug in ("a", "b", "c") for target in _both(letters.campaign(slug))]
    for target in targets:
        letters.queue(target, 40)
    served = Counter(
        lease.target_id for _ in range(60) for lease in _claim(MONDAY + MINUTE, limit=2)
    )
    assert set(served) == {target.pk for target in targets}


def _both(campaign: Campaign) -> list[Target]:
    return list(campaign.targets.all())


def test_several_versions_of_a_target_share_its_pace(settings) -> None:
    settings.TARGET_PER_MINUTE = 60
    owner, _company = _targets()
    letters.queue(owner, 20)
    moved = [
        replace(each, address=f"new@{each.key}.example") for each in builders.content().targets
    ]
    load(builders.content(targets=tuple(moved)))
    assert owner.versions.count() == 2
    letters.queue(owner, 20)
    found = _claim(MONDAY + MINUTE)
    assert len(found) == 10
    versions = Delivery.objects.filter(state="sending").values_list("target_version", flat=True)
    assert sorted(Counter(versions).values()) == [5, 5]


@pytest.mark.parametrize("pace", [0.5, 6, 100])
def test_who_sleeps_as_long_as_told_finds_something_and_never_sleeps_too_long(
    pace: float, settings
) -> None:
    settings.TARGET_PER_MINUTE, settings.DOMAIN_PER_MINUTE = pace, pace * 1.5
    settings.STREAM_PER_MINUTE = {**settings.STREAM_PER_MINUTE, "letters": pace * 2}
    for target in _targets():
        letters.queue(target, 12)
    now, left = MONDAY + MINUTE, 24
    while left:
        found = len(_claim(now))
        left -= found
        wait = next_due(moment=now)
        if not left:
            assert wait is None
            break
        assert wait is not None
        if wait:
            assert _claim(now + wait - timedelta(milliseconds=1)) == []
        assert found or wait
        now += wait


def test_nothing_waits_where_nothing_is_queued() -> None:
    _targets()
    assert next_due() is None


def test_what_is_due_later_tells_how_long_to_sleep() -> None:
    owner, _company = _targets()
    letters.queue(owner, since=MONDAY + 3 * MINUTE)
    letters.queue_other(owner.campaign, MailClass.CONFIRMATION)
    Delivery.objects.filter(mail_class="confirmation").update(due_at=MONDAY + 2 * MINUTE)
    assert next_due(moment=MONDAY) == 2 * MINUTE
    assert next_due(moment=MONDAY + 4 * MINUTE) == timedelta(0)
