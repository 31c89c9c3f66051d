"""Health: numbers of the post office at a moment, and sentences where a person is needed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from tests import builders, postoffice
from tests.postoffice import Peer

from picketline.domain import campaigns, health
from picketline.domain.needs import needs
from picketline.models import (
    Campaign,
    Delivery,
    Gate,
    IncomingMessage,
    RelayLog,
    RelayProbe,
    Target,
)

pytestmark = pytest.mark.django_db

State, MailClass = Delivery.State, Delivery.MailClass
HOUR = timedelta(hours=1)


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def _gate(name: str, **changes: Any) -> Gate:
    return Gate.objects.create(name=name, **changes)


def _paused(name: str, by: Gate.PausedBy) -> Gate:
    return _gate(name, paused_by=by, paused_at=timezone.now())


def _unclear(letter: Delivery, age: timedelta) -> None:
    since = timezone.now() - age
    Delivery.objects.filter(pk=letter.pk).update(state=State.UNCERTAIN, uncertain_since=since)


def test_an_empty_post_office_is_well() -> None:
    found = health.snapshot()
    assert (found.oldest_due, found.oldest_claimable, found.oldest_uncertain) == (None, None, None)
    assert set(found.backlog.values()) == {0}
    assert needs(found) == []


def test_every_mail_is_counted_once_by_class_and_state(campaign: Campaign) -> None:
    first, _ = postoffice.queued(campaign)
    _unclear(first, HOUR)
    with Peer() as server:
        postoffice.send(server)
    found = health.snapshot()
    assert dict(found.states) == {("letter", "uncertain"): 1, ("letter", "accepted"): 1}
    assert found.in_state(State.ACCEPTED) == 1
    assert found.last_sent is not None
    assert found.age(found.oldest_uncertain) >= HOUR
    assert health.settled() == {("letter", "accepted"): 1}
    assert health.snapshot({}).states == {("letter", "uncertain"): 1}


def test_what_waits_is_counted_by_stream(campaign: Campaign) -> None:
    postoffice.queued(campaign)
    Delivery.objects.filter(target__key="owner").update(state=State.DEFERRED)
    assert health.snapshot().backlog == {
        "letters": 2,
        "confirmations": 0,
        "notices": 0,
        "updates": 0,
    }


@pytest.mark.parametrize("mail_class", [MailClass.LETTER, MailClass.CONFIRMATION])
def test_nothing_sent_though_mail_is_due_for_long_needs_a_person(
    mail_class: MailClass, campaign: Campaign
) -> None:
    postoffice.queued(campaign, mail_class)
    Delivery.objects.update(due_at=timezone.now() - 3 * HOUR)
    found = health.snapshot()
    assert found.oldest_due == found.oldest_claimable is not None
    (sentence,) = needs(found)
    assert sentence.startswith("Nothing is sent, although mail has been due for 3 hours")


def test_a_long_backlog_that_moves_needs_nobody(campaign: Campaign) -> None:
    postoffice.queued(campaign)
    with Peer() as server:
        assert postoffice.send(server) == 2
    postoffice.queued(builders.campaign(slug="docks"))
    Delivery.objects.filter(state=State.QUEUED).update(due_at=timezone.now() - 3 * HOUR)
    found = health.snapshot()
    assert found.age(found.oldest_claimable) >= 3 * HOUR
    assert needs(found) == []


def test_mail_that_is_not_due_yet_is_not_overdue(campaign: Campaign) -> None:
    postoffice.queued(campaign)
    Delivery.objects.update(due_at=timezone.now() + HOUR)
    found = health.snapshot()
    assert (found.oldest_due, found.backlog["letters"]) == (None, 2)


@pytest.mark.parametrize("kind", ["suspended", "stream", "campaign", "target", "domain", "office"])
def test_what_somebody_holds_back_is_due_but_needs_nobody(kind: str, campaign: Campaign) -> None:
    postoffice.queued(campaign)
    Delivery.objects.exclude(target__key="company").delete()
    Delivery.objects.update(due_at=timezone.now() - 3 * HOUR)
    company = Target.objects.get(key="company")
    names = {
        "stream": "stream:letters",
        "campaign": f"campaign:{campaign.pk}",
        "target": f"target:{company.pk}",
        "domain": "domain:company.example",
    }
    if kind in names:
        _paused(names[kind], Gate.PausedBy.PERSON)
    elif kind == "suspended":
        campaigns.suspend(campaign.slug)
    else:
        _keep_hours(company, open_now=False)
    found = health.snapshot()
    assert found.age(found.oldest_due) >= 3 * HOUR
    assert found.oldest_claimable is None
    assert needs(found) == []


def _keep_hours(target: Target, *, open_now: bool) -> None:
    """Office hours, on the clock of a zone where it is between 10 and 22 o'clock of a weekday."""
    now = timezone.now()
    shift = (16 - now.hour + 12) % 24 - 12
    zone = f"Etc/GMT{-shift:+d}" if shift else "UTC"
    hours = ("00:00", "23:59") if open_now else ("23:58", "23:59")
    Target.objects.filter(pk=target.pk).update(
        time_zone=zone, office_from=hours[0], office_until=hours[1]
    )


def test_a_breaker_is_no_excuse_for_sending_nothing(campaign: Campaign) -> None:
    postoffice.queued(campaign)
    Delivery.objects.update(due_at=timezone.now() - 2 * HOUR)
    _gate("relay:mx1", breaker="open", open_until=timezone.now() + HOUR)
    found = health.snapshot()
    assert [(gate.gate, gate.breaker) for gate in found.shut] == [("relay:mx1", "open")]
    assert len(needs(found)) == 1


def test_a_block_needs_a_person_and_a_pause_by_one_does_not() -> None:
    _paused("domain:blocks.example", Gate.PausedBy.POLICY)
    _paused("target:7", Gate.PausedBy.PERSON)
    _gate("target:8")
    found = health.snapshot()
    assert [gate.gate for gate in found.shut] == ["domain:blocks.example", "target:7"]
    (sentence,) = needs(found)
    assert sentence.startswith("domain:blocks.example refuses our letters since 20")


def test_a_mail_needs_a_person_once_it_is_uncertain_for_more_than_a_day(campaign: Campaign) -> None:
    letter, *_ = postoffice.queued(campaign)
    Delivery.objects.exclude(pk=letter.pk).delete()
    _unclear(letter, 23 * HOUR)
    assert needs(health.snapshot()) == []
    _unclear(letter, 49 * HOUR)
    (sentence,) = needs(health.snapshot())
    assert "(mails: 1, the oldest: 2 days)" in sentence


def test_quarantine_needs_a_person() -> None:
    now = timezone.now()
    for state in ("received", "quarantined", "quarantined"):
        IncomingMessage.objects.create(
            door="reply", state=state, received_at=now, examine_at=now, raw_ct=b"sealed"
        )
    found = health.snapshot()
    assert found.incoming == {"received": 1, "quarantined": 2}
    assert needs(found) == ["In quarantine (incoming messages: 2): see picketline incoming."]


def _log(relay: str, age: timedelta) -> None:
    read_at = timezone.now() - age
    RelayLog.objects.create(relay=relay, inode=1, offset=1, mark=b"", read_at=read_at)


def _whole_since(relay: str, token: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO picketline_relayhealth (id, relay, whole_from, whole_until)"
            " VALUES (%s, %s, clock_timestamp(), clock_timestamp())",
            [token, relay],
        )


def test_a_log_that_nobody_reads_needs_a_person_unless_the_relay_was_given_up() -> None:
    _log("mx1", timedelta(minutes=1))
    _log("mx2", timedelta(minutes=30))
    _log("mx0", timedelta(days=30))
    (sentence,) = needs(health.snapshot())
    assert sentence.startswith("Nobody has read the log of the relay mx2 for 30 minutes")


def test_a_gap_in_the_log_needs_a_person_where_a_mail_is_uncertain_from_before(
    campaign: Campaign,
) -> None:
    letter, *_ = postoffice.queued(campaign)
    Delivery.objects.exclude(pk=letter.pk).delete()
    with Peer() as server:
        postoffice.send(server, relay="mx1")
    _unclear(letter, HOUR)
    letter.refresh_from_db()
    token = letter.lease_token or 0
    _log("mx1", timedelta())
    _whole_since("mx1", token - 1)
    handed_at = timezone.now()
    RelayProbe.objects.create(relay="mx1", envelope_hash=b"1", handed_at=handed_at)
    found = health.snapshot()
    assert needs(found) == []
    (eye,) = found.relays
    assert (eye.beyond, eye.last_probe) == (0, handed_at)
    assert eye.whole_since is not None
    _whole_since("mx1", token + 1)
    (sentence,) = needs(health.snapshot())
    assert "mx1 may lack lines" in sentence
    assert "(mails: 1)" in sentence


def test_office_hours_count_from_when_somebody_came_to_work(campaign: Campaign) -> None:
    postoffice.queued(campaign)
    Delivery.objects.exclude(target__key="company").delete()
    Delivery.objects.update(due_at=timezone.now() - timedelta(days=9))
    _keep_hours(Target.objects.get(key="company"), open_now=True)
    found = health.snapshot()
    if found.oldest_claimable is not None:  # else it is a Saturday or a Sunday there
        assert found.age(found.oldest_claimable) < timedelta(days=1)
    assert found.age(found.oldest_due) >= timedelta(days=9)
