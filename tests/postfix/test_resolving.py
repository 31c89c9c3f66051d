"""Uncertain letters and a real Postfix: at the final sink each is there exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from chaos import postfix as instance
from chaos.postfix import Postfix
from pytest_django import Settings
from tests import builders, postoffice, writers
from tests.domain.relay.fake_postfix import GRACE, LEASE, NAME, PATIENCE, Clock, letters
from tests.mail.scripted_server import ScriptedServer
from tests.postfix.cutting import Cut, CuttingLine

from picketline.domain.relay import Relay, Resolver, resolving
from picketline.mail.postfix_log import Kind
from picketline.models import Campaign, Delivery, RelayProbe

pytestmark = pytest.mark.django_db(transaction=True)

State = Delivery.State


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Clock:
    """The clock of every resolver; mail goes at no pace."""
    settings.TARGET_PER_MINUTE = settings.DOMAIN_PER_MINUTE = 0
    clock = Clock()
    monkeypatch.setattr(resolving, "boot_seconds", clock)
    return clock


def _watch(postfix: Postfix, **changes: Any) -> Resolver:
    """A worker's watch that has begun to read the log."""
    relay = Relay(NAME, postfix.log, postfix.config, postoffice.route(postfix.port), **changes)
    watch = Resolver(relay, LEASE, GRACE)
    watch.run()
    return watch


def _queued(number: int) -> Campaign:
    """So many letters, all due, and no other mail."""
    campaign = builders.campaign()
    for writer in range((number + 1) // 2):
        writers.confirmed(campaign, address=f"w{writer}@writers.example")
    Delivery.objects.exclude(mail_class=Delivery.MailClass.LETTER).delete()
    surplus = Delivery.objects.order_by("-pk")[: Delivery.objects.count() - number]
    Delivery.objects.filter(pk__in=[mail.pk for mail in surplus]).delete()
    postoffice.make_due()
    return campaign


def _send(port: int) -> None:
    peer: Any = ScriptedServer.__new__(ScriptedServer)
    peer.port = port
    while postoffice.send(peer, lease=LEASE, relay=NAME):
        pass


def _settle(watch: Resolver, postfix: Postfix, clock: Clock) -> None:
    """Passes of a worker until nothing is uncertain, with the patience over in their midst."""

    def settled() -> bool:
        watch.run()
        return not Delivery.objects.filter(state=State.UNCERTAIN).exists()

    def looked_for() -> bool:
        return settled() or not RelayProbe.objects.filter(seen_at=None).exists()

    postfix.wait_until(looked_for)
    watch.run()
    clock.pass_by(PATIENCE)
    postfix.wait_until(settled)


def _arrived(postfix: Postfix) -> Counter[str]:
    """How often each letter is in the sink, once nothing is left in the queue."""
    postfix.wait_until(lambda: not postfix.queue())
    messages = [message_from_bytes(each.content) for each in postfix.sink.messages]
    return Counter(str(message["Message-ID"]) for message in messages)


def _each_once() -> Counter[str]:
    return Counter(Delivery.objects.values_list("message_id", flat=True))


def test_a_letter_killed_before_its_dot_goes_out_again(postfix: Postfix, clock: Clock) -> None:
    campaign = _queued(1)
    watch = _watch(postfix)
    with CuttingLine(postfix.port, Cut.BEFORE) as line:
        _send(line.port)
    letter = Delivery.objects.get()
    assert letter.state == State.UNCERTAIN
    postfix.wait_until(lambda: f"message-id={letter.message_id}" in "".join(postfix.lines()))
    _settle(watch, postfix, clock)
    assert Delivery.objects.get().state == State.QUEUED
    _send(postfix.port)
    assert _arrived(postfix) == _each_once()
    assert letters(campaign) == 1


def test_a_letter_that_was_taken_is_found_and_not_sent_again(
    postfix: Postfix, clock: Clock
) -> None:
    campaign = _queued(1)
    watch = _watch(postfix)
    with CuttingLine(postfix.port, Cut.AFTER) as line:
        _send(line.port)
    assert Delivery.objects.get().state == State.UNCERTAIN
    _settle(watch, postfix, clock)
    assert Delivery.objects.get().state == State.ACCEPTED
    _send(postfix.port)
    assert _arrived(postfix) == _each_once()
    assert letters(campaign) == 1
    postfix.wait_until(lambda: _status(watch) == "sent")


def _status(watch: Resolver) -> str:
    watch.run()
    return Delivery.objects.get().relay_status


def test_a_letter_that_their_server_refuses_has_bounced(postfix: Postfix, clock: Clock) -> None:
    campaign = _queued(1)
    target = Delivery.objects.get().target_version
    assert target is not None
    postfix.sink.refused.add(target.address)
    watch = _watch(postfix)
    _send(postfix.port)
    postfix.wait_until(lambda: _status(watch) == "bounced")
    assert Delivery.objects.get().state == State.BOUNCED
    assert letters(campaign) == 1


@pytest.fixture
def narrow() -> Iterator[Postfix]:
    """A Postfix that attends to five messages at a time."""
    if lack := instance.missing():
        pytest.skip(lack)
    with instance.running(settings={"qmgr_message_active_limit": "5"}) as postfix:
        yield postfix


def test_what_waits_behind_a_full_active_queue_is_found_in_the_listing(
    narrow: Postfix, clock: Clock
) -> None:
    """Fifteen are taken, and ten of them have no line."""
    campaign = _queued(15)
    watch = _watch(narrow)
    narrow.sink.hold()
    with CuttingLine(narrow.port, Cut.AFTER) as line:
        _send(line.port)
    assert Delivery.objects.filter(state=State.UNCERTAIN).count() == 15
    narrow.wait_until(lambda: _lines(narrow) == 5)
    _settle(watch, narrow, clock)
    assert _lines(narrow) == 5
    assert Delivery.objects.filter(state=State.ACCEPTED).count() == 15
    _send(narrow.port)
    narrow.sink.release()
    assert _arrived(narrow) == _each_once()
    assert letters(campaign) == 15


def _lines(postfix: Postfix) -> int:
    """How many messages the queue manager has told of."""
    return sum(event.kind is Kind.QUEUED for event in postfix.events())


def test_letters_around_an_end_of_postfix_are_never_doubled(postfix: Postfix, clock: Clock) -> None:
    """What was looked for before it ended goes out again; what was taken arrives once."""
    _queued(4)
    watch = _watch(postfix)
    with CuttingLine(postfix.port, Cut.BEFORE, only={0, 2}) as line:
        _send(line.port)
    postfix.wait_until(lambda: _looked_for(watch))
    postfix.abort()
    postfix.start()
    clock.pass_by(PATIENCE)
    postfix.wait_until(lambda: _nothing_unclear(watch))
    _send(postfix.port)
    assert _arrived(postfix) == _each_once()


def _looked_for(watch: Resolver) -> bool:
    """Whether a first look at what is uncertain is over."""
    watch.run()
    return RelayProbe.objects.exclude(seen_at=None).exists()


def _nothing_unclear(watch: Resolver) -> bool:
    watch.run()
    return not Delivery.objects.filter(state=State.UNCERTAIN).exists()


def test_a_log_that_is_lost_keeps_letters_unclear(postfix: Postfix, clock: Clock) -> None:
    _queued(1)
    watch = _watch(postfix)
    with CuttingLine(postfix.port, Cut.AFTER) as line:
        _send(line.port)
    postfix.wait_until(lambda: bool(postfix.sink.messages) and not postfix.queue())
    postfix.log.write_text("")
    for _ in range(5):
        watch.run()
        clock.pass_by(PATIENCE)
    assert Delivery.objects.get().state == State.UNCERTAIN
    assert len(postfix.sink.messages) == 1
