"""Deliveries: what each kind of answer makes of a mail, and the table of states."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.postoffice import HOUR

from picketline.domain import counts, deliveries, leases
from picketline.domain.deliveries import MOVES, MoveForbidden
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase, broken_off, classify, poison
from picketline.mail.replies import Reply
from picketline.models import Attempt, CountEntry, Delivery, Supporter

pytestmark = pytest.mark.django_db

MailClass = Delivery.MailClass
State = Delivery.State
MINUTE = timedelta(minutes=1)
ACCEPTED = Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250, "2.0.0", "queued as 4XyZ12")
LOST_AFTER_DOT = broken_off(Phase.DOT, "the server closed the connection")

# Where, answer, the state it leads to, its name, the shortest wait in minutes.
ANSWERS = [
    (Phase.DOT, "250 2.0.0 ok", State.ACCEPTED, "accepted", None),
    (Phase.RCPT, "450 4.2.0 greylisted", State.DEFERRED, "temporary", 4),
    (Phase.RCPT, "451 try later", State.DEFERRED, "temporary", 4),
    (Phase.RCPT, "452 4.3.1 no space", State.DEFERRED, "relay", 4),
    (Phase.RCPT, "421 4.3.2 closing", State.DEFERRED, "relay", 4),
    (Phase.DOT, "451 4.7.1 later", State.DEFERRED, "temporary", 4),
    (Phase.DOT, "452 4.2.2 full", State.DEFERRED, "mailbox-full", 96),
    (Phase.RCPT, "552 5.2.2 full", State.DEFERRED, "mailbox-full", 96),
    (Phase.RCPT, "550 5.4.4 unable to route", State.DEFERRED, "temporary", 4),
    (Phase.RCPT, "550 5.1.1 no such user", State.FAILED, "address", None),
    (Phase.RCPT, "550 no such user", State.FAILED, "address", None),
    (Phase.RCPT, "554 5.7.1 blocked", State.FAILED, "policy", None),
    (Phase.DOT, "550 5.7.1 spam", State.FAILED, "policy", None),
    (Phase.MAIL, "450 4.1.8 bad sender", State.DEFERRED, None, 4),
    (Phase.MAIL, "550 5.1.8 bad sender", State.DEFERRED, "sender", 4),
    (Phase.MAIL, "550 5.7.1 sender refused", State.DEFERRED, "sender", 4),
    (Phase.DATA, "454 4.7.0 not now", State.DEFERRED, "relay", 4),
]


def _settle(delivery: Delivery, *outcomes: Outcome) -> Delivery:
    """The mail after an attempt for each of these outcomes."""
    for outcome in outcomes:
        postoffice.make_due()
        assert deliveries.settle(postoffice.claimed(delivery), outcome, direct=False)
    delivery.refresh_from_db()
    return delivery


def _reply(answer: str) -> Reply:
    return Reply(int(answer[:3]), (answer[4:],))


@pytest.mark.parametrize(
    ("phase", "answer", "state", "name", "wait"), ANSWERS, ids=[f"{a[0]} {a[1]}" for a in ANSWERS]
)
def test_every_class_of_answer_has_its_consequence(
    phase: Phase, answer: str, state: State, name: str | None, wait: int | None
) -> None:
    letter = _settle(postoffice.letter(), classify(phase, _reply(answer)))
    assert letter.state == state
    assert name in (None, letter.outcome)
    assert letter.smtp_code == int(answer[:3])
    assert (letter.settled_at is None) == (state == State.DEFERRED)
    if wait is not None:
        assert letter.due_at > timezone.now() + wait * MINUTE - MINUTE / 2


def test_an_attempt_keeps_codes_and_never_words() -> None:
    refusal = classify(Phase.RCPT, _reply("550 5.1.1 <office@owner.example> is unknown"))
    letter = _settle(postoffice.letter(), refusal)
    attempt = Attempt.objects.get()
    assert (attempt.phase, attempt.outcome) == (Attempt.Phase.ENDED, "address")
    assert (attempt.smtp_code, attempt.enhanced_code) == (550, "5.1.1")
    assert (letter.smtp_code, letter.enhanced_code) == (550, "5.1.1")
    assert "office@owner" not in repr([Delivery.objects.values(), Attempt.objects.values()])


def test_waits_grow_with_every_attempt_up_to_four_hours() -> None:
    letter, waits = postoffice.letter(), []
    later = classify(Phase.RCPT, _reply("450 4.2.0 greylisted"))
    for _ in range(8):
        _settle(letter, later)
        waits.append((letter.due_at - timezone.now()) / MINUTE)
    for wait, wanted in zip(waits, [5, 15, 30, 60, 120, 240, 240, 240], strict=True):
        assert 0.8 * wanted - 1 <= wait <= 1.2 * wanted


def test_five_days_of_later_are_enough() -> None:
    letter = _settle(postoffice.letter(), classify(Phase.RCPT, _reply("450 4.2.0 greylisted")))
    assert letter.state == State.DEFERRED
    Attempt.objects.update(started_at=timezone.now() - timedelta(days=5, minutes=1))
    _settle(letter, classify(Phase.RCPT, _reply("450 4.2.0 greylisted")))
    assert letter.state == State.FAILED
    assert letter.settled_at is not None


def test_a_letter_that_waited_for_its_campaign_to_reopen_is_not_given_up_at_its_first_try() -> None:
    letter = postoffice.letter()
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=30))
    leases.give_back(postoffice.claimed(letter))
    Attempt.objects.update(started_at=timezone.now() - timedelta(days=30))
    _settle(letter, classify(Phase.RCPT, _reply("450 4.2.0 greylisted")))
    assert letter.state == State.DEFERRED


def test_only_an_accepted_letter_is_counted() -> None:
    campaign = builders.campaign()
    confirmation = postoffice.queued(campaign, MailClass.CONFIRMATION)[0]
    _settle(confirmation, ACCEPTED)
    assert not CountEntry.objects.filter(kind=counts.CountKind.LETTERS).exists()
    letter = postoffice.letter(builders.campaign(slug="quay"))
    _settle(letter, classify(Phase.RCPT, _reply("450 later")), ACCEPTED)
    entry = CountEntry.objects.get(kind=counts.CountKind.LETTERS)
    assert (entry.campaign_id, entry.delta) == (letter.campaign_id, 1)


def test_whether_the_server_was_the_targets_own_is_written_down() -> None:
    letter = postoffice.letter()
    deliveries.settle(postoffice.claimed(letter), ACCEPTED, direct=True)
    letter.refresh_from_db()
    assert letter.direct


def test_an_unclear_letter_waits_for_a_person() -> None:
    letter = _settle(postoffice.letter(), LOST_AFTER_DOT)
    assert letter.state == State.UNCERTAIN
    assert letter.uncertain_since is not None
    assert letter.settled_at is None
    postoffice.make_due()
    assert leases.claim(10, HOUR) == []


def test_a_strange_answer_to_the_dot_leaves_a_letter_uncertain() -> None:
    assert (
        _settle(postoffice.letter(), classify(Phase.DOT, _reply("354 go on"))).state
        == State.UNCERTAIN
    )


@pytest.mark.parametrize(
    "mail_class", [MailClass.CONFIRMATION, MailClass.WRITER_COPY, MailClass.ORGANISER_COPY]
)
def test_an_unclear_notice_is_repeated_once(mail_class: MailClass) -> None:
    (notice,) = postoffice.queued(builders.campaign(), mail_class)
    _settle(notice, LOST_AFTER_DOT)
    assert notice.state == State.DEFERRED
    assert notice.due_at > timezone.now() + 3 * MINUTE
    _settle(notice, LOST_AFTER_DOT)
    assert notice.state == State.UNCERTAIN


def test_a_poisoned_mail_is_tried_twice_and_then_fails() -> None:
    letter = _settle(postoffice.letter(), poison("UnsafeMail"))
    assert (letter.state, letter.outcome) == (State.DEFERRED, "poison")
    _settle(letter, poison("UnsafeMail"))
    assert (letter.state, letter.outcome) == (State.FAILED, "poison")


def test_a_local_fault_is_tried_again_however_often_servers_asked_for_later_before() -> None:
    later = classify(Phase.RCPT, _reply("450 4.2.0 greylisted"))
    letter = _settle(postoffice.letter(), later, later, poison("MemoryError"))
    assert (letter.state, letter.outcome) == (State.DEFERRED, "poison")
    assert _settle(letter, ACCEPTED).state == State.ACCEPTED


def test_cancelling_reaches_whatever_no_worker_holds() -> None:
    campaign = builders.campaign()
    supporter, _ = writers.confirmed(campaign)
    other, _ = writers.confirmed(campaign, address="o@writers.example")
    Delivery.objects.exclude(mail_class=MailClass.LETTER).delete()
    postoffice.make_due()
    held = leases.claim(1, HOUR)[0]
    mine = Supporter.objects.get(deliveries=held.delivery_id)
    theirs = other if mine == supporter else supporter
    assert deliveries.cancel_unsent(mine) == 1
    assert leases.held(held).exists()
    ends = mine.deliveries.exclude(pk=held.delivery_id).values_list("state", "outcome")
    assert list(ends) == [(State.CANCELLED, "withdrawn")]
    assert not theirs.deliveries.exclude(state=State.QUEUED).exists()
    assert deliveries.cancel_unsent(mine) == 0


def test_the_states_of_all_mail_are_counted_by_class() -> None:
    writers.confirmed(builders.campaign())
    assert deliveries.states()[MailClass.LETTER, State.QUEUED] == 2
    assert deliveries.states()[MailClass.WRITER_COPY, State.QUEUED] == 1


def test_the_table_of_states_names_every_state_and_ends_somewhere() -> None:
    assert set(MOVES) == set(State)
    ends = {state for state, after in MOVES.items() if not after}
    assert ends == {State.FAILED, State.BOUNCED, State.CANCELLED}
    assert MOVES[State.UNCERTAIN].isdisjoint({State.SENDING, State.DEFERRED, State.CANCELLED})


def test_a_move_outside_the_table_is_refused_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letter = postoffice.letter()
    lease = postoffice.claimed(letter)
    monkeypatch.setitem(MOVES, State.SENDING, frozenset({State.QUEUED}))
    with pytest.raises(MoveForbidden):
        deliveries.settle(lease, ACCEPTED, direct=False)
    assert leases.held(lease).exists()
