"""Handing over goes on: what is wrong with one mail, or with the server, stays there."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from django.db import DataError, OperationalError
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.mail.scripted_server import Fault
from tests.postoffice import HOUR, Peer

from picketline.domain.handover import Sender
from picketline.domain.outgoing import Outgoing, Read, build
from picketline.models import Delivery, Gate, SealedSubmission

pytestmark = pytest.mark.django_db(transaction=True)

MailClass = Delivery.MailClass
State = Delivery.State


def _states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_one_refused_address_does_not_hold_up_the_next() -> None:
    postoffice.queued(builders.campaign())
    with Peer(answers={"RCPT": [b"550 5.1.1 no such user\r\n", b"250 ok\r\n"]}) as server:
        postoffice.send(server)
    assert sorted(_states()) == [State.ACCEPTED, State.FAILED]
    assert len(server.messages) == 1


@pytest.mark.parametrize("greeting", [b"554 go away\r\n", b"421 busy\r\n", Fault.DROP, None])
def test_a_mail_server_out_of_reach_costs_no_mail_an_attempt(greeting: bytes | None) -> None:
    postoffice.queued(builders.campaign())
    if greeting is None:
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            closed = nobody.getsockname()[1]
        worker = Sender(postoffice.route(closed), HOUR)
        assert worker.run_once() == 2
        postoffice.make_due()
        assert worker.run_once() == 0  # it leaves the server in peace for a while
        worker.close()
        Delivery.objects.update(due_at=timezone.now() + timedelta(seconds=30))
    else:
        with Peer(answers={"GREETING": greeting}) as server:
            postoffice.send(server)
    assert _states() == [State.QUEUED, State.QUEUED]
    soon = timezone.now() + timedelta(minutes=1)
    for letter in Delivery.objects.all():
        assert letter.attempt_count == 0
        assert timezone.now() < letter.due_at < soon


def test_a_mail_server_that_closes_between_two_letters_is_greeted_again() -> None:
    postoffice.queued(builders.campaign())
    with Peer(closes_after_dot=True) as server:
        postoffice.send(server)
    assert _states() == [State.ACCEPTED, State.ACCEPTED]
    assert (len(server.messages), server.connections) == (2, 2)


def test_a_mail_that_cannot_be_built_stops_nothing_but_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    campaign = builders.campaign()
    broken, _ = writers.confirmed(campaign, address="broken@writers.example")
    writers.confirmed(campaign)
    Delivery.objects.exclude(mail_class=MailClass.LETTER).delete()
    SealedSubmission.objects.filter(supporter=broken).update(texts_ct=b"not what was sealed")
    Delivery.objects.filter(supporter=broken).update(due_at=timezone.now() - HOUR)
    with Peer() as server:
        for _ in range(2):
            postoffice.send(server)
            postoffice.make_due()
    assert {d.outcome for d in broken.deliveries.filter(state=State.FAILED)} == {"poison"}
    assert Delivery.objects.filter(state=State.ACCEPTED).count() == 2
    assert "broken@writers.example" not in caplog.text


def test_a_query_that_fails_over_one_mail_stops_nothing_but_that_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, _ = postoffice.queued(builders.campaign())

    def fail_for_one(delivery: Delivery, _: Read) -> Outgoing:
        if delivery.pk == bad.pk:
            raise DataError("it quotes a row")
        return build(delivery)

    monkeypatch.setattr("picketline.domain.batches.build", fail_for_one)
    with Peer() as server:
        postoffice.send(server)
    assert _states() == [State.DEFERRED, State.ACCEPTED]


def test_a_database_that_goes_away_is_no_mails_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> object:
        raise OperationalError

    letter = postoffice.queued(builders.campaign())[0]
    Delivery.objects.exclude(pk=letter.pk).delete()
    monkeypatch.setattr("picketline.domain.batches.build", away)
    with Peer() as server, pytest.raises(OperationalError):
        postoffice.send(server)
    letter.refresh_from_db()
    assert letter.state == State.SENDING


def test_a_target_that_blocks_us_is_left_in_peace_and_its_organisers_are_told() -> None:
    campaign = builders.campaign()
    for number in range(3):
        writers.confirmed(campaign, address=f"{number}@writers.example")
    Delivery.objects.exclude(mail_class=MailClass.LETTER).delete()
    owner = campaign.targets.get(key="owner")
    with Peer(answers={"DOT": b"554 5.7.1 blocked\r\n"}) as server:
        while postoffice.send(server):
            pass
    refused = Delivery.objects.filter(outcome="policy", mail_class=MailClass.LETTER)
    assert sorted(refused.values_list("target__key", flat=True)) == ["company", "owner"]
    assert Delivery.objects.filter(target=owner, state=State.QUEUED).count() == 2
    told = Delivery.objects.filter(mail_class=MailClass.ORGANISER_NOTICE, target=owner)
    assert [each.notice for each in told] == [Delivery.Notice.BLOCKED]


@pytest.mark.parametrize("intents", [1, 10])
def test_a_relay_that_denies_us_fails_no_letter_and_accuses_no_target(intents: int) -> None:
    postoffice.queued(builders.campaign())
    with Peer(answers={"RCPT": b"554 5.7.1 relay access denied\r\n"}) as server:
        postoffice.send(server, relay="mx1", intents=intents)
    assert set(Delivery.objects.values_list("state", "outcome")) <= {
        (State.DEFERRED, "sender"),
        (State.QUEUED, ""),
    }
    (gate,) = Gate.objects.exclude(breaker="closed")
    assert gate.name == "relay:mx1"
    assert not Gate.objects.exclude(paused_by="").exists()
