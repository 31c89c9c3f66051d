"""The confirmations' budget: nobody's mailbox can be flooded by way of our forms (T22)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.mail.scripted_server import Fault
from tests.postoffice import HOUR, Peer

from picketline.domain import budgets, leases, supporters
from picketline.mail.addresses import EmailAddr
from picketline.models import ConfirmationSent, Delivery, Supporter, Suppression

MailClass = Delivery.MailClass
State = Delivery.State
MINUTE = timedelta(minutes=1)
SPELLINGS = [
    "v.ictim@gmail.com",
    "victim+1@gmail.com",
    "VICTIM@googlemail.com",
    "vic.tim@gmail.com",
]


@pytest.fixture
def _database(transactional_db: None) -> None:
    """The mail server looks on from a thread of its own."""


pytestmark = pytest.mark.usefixtures("_database")


def _pass_time(time: timedelta) -> None:
    """Let this much time go by, as the budget and the queue see it."""
    for sent in ConfirmationSent.objects.all():
        ConfirmationSent.objects.filter(pk=sent.pk).update(sent_at=sent.sent_at - time)
    for row in Delivery.objects.all():
        Delivery.objects.filter(pk=row.pk).update(due_at=row.due_at - time)


def _submit_to_many(*addresses: str) -> list[Delivery]:
    """One submission for each address, each in a campaign of its own."""
    rows = []
    for number, address in enumerate(addresses):
        supporter = writers.submit(builders.campaign(slug=f"c{number}"), address=EmailAddr(address))
        rows.append(supporter.deliveries.get())
    return rows


def test_one_mailbox_gets_one_confirmation_in_ten_minutes_and_three_a_day() -> None:
    _submit_to_many(*SPELLINGS)
    sent = []
    with Peer() as server:
        for _ in range(8):
            postoffice.send(server)
            sent.append(len(server.messages))
            _pass_time(5 * MINUTE)
    assert sent == [1, 1, 2, 2, 3, 3, 3, 3]
    ends = sorted(Delivery.objects.values_list("state", "outcome"))
    assert ends == [*[(State.ACCEPTED, "accepted")] * 3, (State.QUEUED, "")]


def test_whoever_spends_an_addresss_budget_delays_its_owner_but_blocks_nobody() -> None:
    _submit_to_many(*SPELLINGS)
    with Peer() as server:
        for _ in range(3):
            postoffice.send(server)
            _pass_time(11 * MINUTE)
        assert len(server.messages) == 3
        _pass_time(timedelta(days=1))
        postoffice.send(server)
        assert len(server.messages) == 4
    assert not Delivery.objects.exclude(budget_hash=None).exists(), "it would join campaigns"


def test_a_confirmation_whose_link_would_have_expired_is_dropped() -> None:
    _submit_to_many(*SPELLINGS)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=6, hours=12))
    with Peer() as server:
        for _ in range(4):
            postoffice.send(server)
            _pass_time(11 * MINUTE)
    last = Delivery.objects.exclude(state=State.ACCEPTED).get()
    assert (last.state, last.outcome, last.budget_hash) == (State.CANCELLED, "budget", None)


def test_the_next_day_is_another_budget() -> None:
    _submit_to_many(*SPELLINGS[:3])
    with Peer() as server:
        for _ in range(3):
            postoffice.send(server)
            _pass_time(11 * MINUTE)
        _pass_time(timedelta(days=1))
        assert budgets.forget_old() == 3
        writers.submit(builders.campaign(slug="quay"), address=EmailAddr(SPELLINGS[3]))
        postoffice.send(server)
    assert len(server.messages) == 4


def test_whoever_waits_is_given_back_until_the_pause_is_over() -> None:
    _submit_to_many("jo@writers.example", "jo+2@writers.example")
    with Peer() as server:
        assert postoffice.send(server) == 2
    waiting = Delivery.objects.get(state=State.QUEUED)
    assert (waiting.attempt_count, waiting.budget_hash is None) == (0, False)
    assert 8 * MINUTE < waiting.due_at - timezone.now() <= 10 * MINUTE


def test_other_mailboxes_and_other_mails_do_not_wait() -> None:
    _submit_to_many("a@writers.example", "b@writers.example", "a.b@writers.example")
    writers.confirmed(builders.campaign(slug="quay"), address=EmailAddr("c@writers.example"))
    Delivery.objects.exclude(mail_class=MailClass.CONFIRMATION).update(due_at=timezone.now())
    with Peer() as server:
        postoffice.send(server)
    assert len(server.messages) == 3 + 4  # letters to two targets, two copies


@pytest.mark.parametrize("moment", ["GREETING", "RCPT", "DOT"])
def test_a_confirmation_that_has_to_be_repeated_is_not_charged_again(moment: str) -> None:
    (row,) = _submit_to_many("jo@writers.example")
    answers = {
        moment: [
            b"451 4.3.0 later\r\n",
            b"220 hello\r\n" if moment == "GREETING" else b"250 ok\r\n",
        ]
    }
    with Peer(answers=answers) as server:
        postoffice.send(server)
        row.refresh_from_db()
        assert (row.budget_hash is None) is (moment != "GREETING")  # no connection, no charge
        postoffice.make_due()
        postoffice.send(server)
    assert len(server.messages) == 1
    assert ConfirmationSent.objects.count() == 1


def test_an_unclear_confirmation_is_repeated_within_what_was_paid() -> None:
    _submit_to_many("jo@writers.example")
    with Peer(answers={"DOT": [Fault.DROP, b"250 ok\r\n"]}) as server:
        postoffice.send(server)
        postoffice.make_due()
        postoffice.send(server)
    assert ConfirmationSent.objects.count() == 1
    assert Delivery.objects.get().state == State.ACCEPTED


def test_two_workers_at_once_spend_a_budget_only_once() -> None:
    _submit_to_many("jo@writers.example", "jo+2@writers.example", "jo+3@writers.example")
    held = {lease.delivery_id: lease for lease in leases.claim(10, HOUR)}

    def reserve(row: Delivery) -> bool:
        try:
            return budgets.reserve(row, held[row.pk])
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        granted = list(pool.map(reserve, Delivery.objects.all()))
    assert sorted(granted) == [False, False, True]
    assert ConfirmationSent.objects.count() == 1
    assert Delivery.objects.filter(state=State.QUEUED).count() == 2


def test_a_worker_that_lost_its_lease_charges_nobody() -> None:
    (row,) = _submit_to_many("jo@writers.example")
    stale = postoffice.claimed(row)
    postoffice.expire_leases()
    leases.reap()
    postoffice.claimed(row)
    assert budgets.reserve(row, stale) is False
    assert not ConfirmationSent.objects.exists()
    assert Delivery.objects.get().budget_hash is not None


def test_a_confirmation_paid_for_meanwhile_is_not_charged_twice() -> None:
    (stale_row,) = _submit_to_many("jo@writers.example")
    lease = postoffice.claimed(stale_row)
    assert budgets.reserve(stale_row, lease)
    assert budgets.reserve(Delivery.objects.get(), lease)
    assert ConfirmationSent.objects.count() == 1


def test_a_suppressed_address_gets_nothing_and_its_submission_looks_like_any_other() -> None:
    first = writers.submit(builders.campaign(), address=EmailAddr("jo@writers.example"))
    supporters.never_write_again(writers.link(first))
    assert Suppression.objects.count() == 1
    campaign = builders.campaign(slug="quay")
    blocked = writers.submit(campaign, address=EmailAddr("jo+2@writers.example"))
    other = writers.submit(campaign, address=EmailAddr("ann@writers.example"))
    hidden = {"id", "supporter_id", "address_index", "confirm_hash", "status_hash", "created_at"}
    rows = [
        {key: value for key, value in row.items() if key not in hidden}
        for row in Supporter.objects.filter(pk__in=[blocked.pk, other.pk]).values()
    ]
    assert rows[0] == rows[1]
    with Peer() as server:
        postoffice.send(server)
    assert [mail["To"] for mail in server.mails()] == ["ann@writers.example"]
    end = blocked.deliveries.get()
    assert (end.state, end.outcome) == (State.CANCELLED, "suppressed")
