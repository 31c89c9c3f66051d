"""The relay's log: every line is taken once, and what it says of a letter is shown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import OperationalError, connection
from tests import builders, postoffice
from tests.conftest import ActingAs
from tests.domain.relay.fake_postfix import (
    NAME,
    FakePostfix,
    a_letter,
    delivery,
    heading,
    letters,
    sender_of,
    state,
)

from picketline.domain import deliveries, leases
from picketline.domain.leases import Intent
from picketline.domain.relay import log
from picketline.domain.relay.log import Reader
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Delivery, Evidence, Gate, RelayLog

pytestmark = pytest.mark.django_db

State = Delivery.State
ID = "4jY7RR00001zBCD"
REFUSED = delivery(ID, "bounced", "host mx.owner.example[192.0.2.1] said: 550 5.1.1 no", "5.1.1")
LATER = delivery(ID, "deferred", "connect to mx.owner.example: Connection refused", "4.4.1")
SENT = delivery(ID, "sent", "250 2.0.0 Ok")


def _accepted(postfix: FakePostfix) -> Delivery:
    """A letter in the relay's queue, with the queue id ``ID``."""
    letter = a_letter()
    postfix.blocked = True
    postfix.send()
    assert postfix.queue[0].queue_id == ID
    return letter


def _read(postfix: FakePostfix, *lines: str, program: str = "smtp") -> None:
    postfix.write(*lines, program=program)
    Reader(NAME, postfix.log).read()


@pytest.mark.parametrize(
    ("lines", "status", "after"),
    [
        ((), "", State.ACCEPTED),
        ((LATER,), "deferred", State.ACCEPTED),
        ((SENT,), "sent", State.ACCEPTED),
        ((LATER, SENT), "sent", State.ACCEPTED),
        ((SENT, LATER), "sent", State.ACCEPTED),
        ((REFUSED,), "bounced", State.BOUNCED),
        ((LATER, REFUSED, LATER), "bounced", State.BOUNCED),
    ],
)
def test_what_the_relay_does_with_a_letter_is_its_relay_status(
    postfix: FakePostfix, lines: tuple[str, ...], status: str, after: str
) -> None:
    letter = _accepted(postfix)
    settled_at = Delivery.objects.get().settled_at
    _read(postfix, *lines)
    assert (state(letter), letter.relay_status) == (after, status)
    assert (letter.relay_status_at is None, letter.settled_at) == (not status, settled_at)
    assert (letter.enhanced_code == "5.1.1") == (REFUSED in lines)  # why, for the status page
    assert letters(letter.campaign) == 1


def test_a_status_gives_way_to_a_later_one_from_one_reading_to_the_next(
    postfix: FakePostfix,
) -> None:
    letter = _accepted(postfix)
    for line, status in [
        (LATER, "deferred"),
        (SENT, "sent"),
        (LATER, "sent"),
        (REFUSED, "bounced"),
    ]:
        _read(postfix, line)
        letter.refresh_from_db()
        assert letter.relay_status == status


def test_a_letter_that_the_relay_gave_up_is_expired(postfix: FakePostfix) -> None:
    letter = _accepted(postfix)
    sender = sender_of(letter.message_id)
    _read(postfix, f"{ID}: from=<{sender}>, status=expired, returned to sender", program="qmgr")
    assert (state(letter), letter.relay_status) == (State.BOUNCED, "expired")


def test_an_uncertain_letter_that_their_server_refused_counts_and_has_bounced(
    postfix: FakePostfix,
) -> None:
    letter = _accepted(postfix)
    letter.refresh_from_db()
    Delivery.objects.update(state=State.UNCERTAIN, uncertain_since=letter.created_at)
    postfix.write(REFUSED, program="smtp")
    postfix.resolver().run()
    assert state(letter) == State.BOUNCED
    assert letters(letter.campaign) == 2  # once by the worker, before this test made it uncertain


def test_a_bounce_that_the_log_tells_of_before_the_worker_is_not_forgotten(
    postfix: FakePostfix,
) -> None:
    letter = a_letter()
    lease = postoffice.claimed(letter)
    alias = sender_of(letter.message_id)[2:].partition("@")[0]
    envelope = sha256(alias.encode()).digest()
    leases.intend(Intent(lease, b"s" * 32, envelope, None), timedelta(0))
    postfix.blocked = True
    postfix.take(sender_of(letter.message_id), letter.message_id)
    _read(postfix, REFUSED)
    assert state(letter) == State.SENDING
    yes = Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250)
    assert deliveries.settle(lease, yes, direct=False)
    assert (state(letter), letter.outcome) == (State.BOUNCED, "accepted")
    assert letters(letter.campaign) == 1


def test_other_mail_of_the_relay_is_nobodys(postfix: FakePostfix) -> None:
    letter = _accepted(postfix)
    other = "4jY7RR00002zBCD"
    _read(
        postfix,
        f"{other}: from=<>, size=1, nrcpt=1 (queue active)",
        f"{other}: from=<somebody@elsewhere.example>, size=1, nrcpt=1 (queue active)",
        f"{other}: from=<b.{'a' * 26}@letters.picketline.example>, size=1, nrcpt=1 (queue active)",
        program="qmgr",
    )
    _read(postfix, REFUSED.replace(ID, other))
    assert (state(letter), letter.relay_status) == (State.ACCEPTED, "")
    assert Evidence.objects.values_list("queue_id", flat=True).distinct().get() == ID


def test_a_queue_id_that_comes_again_is_that_of_its_last_sender(postfix: FakePostfix) -> None:
    letter = _accepted(postfix)
    reader = Reader(NAME, postfix.log)
    reader.read()
    postfix.write(f"{ID}: removed", f"{ID}: from=<>, size=1, nrcpt=1 (queue active)")
    postfix.write(REFUSED, program="smtp")
    reader.read()
    assert state(letter) == State.ACCEPTED


def test_a_line_is_taken_when_it_is_whole_even_by_another_reader(postfix: FakePostfix) -> None:
    letter = _accepted(postfix)
    line = f"{heading('smtp')} {SENT}\n"
    for part in (line[:50], line[50:-1]):
        with postfix.log.open("a") as file:
            file.write(part)
        Reader(NAME, postfix.log).read()
        letter.refresh_from_db()
        assert letter.relay_status == ""
    with postfix.log.open("a") as file:
        file.write("\n")
    Reader(NAME, postfix.log).read()
    letter.refresh_from_db()
    assert letter.relay_status == "sent"


def test_a_hostile_answer_says_nothing_about_another_letter(postfix: FakePostfix) -> None:
    campaign = builders.campaign()
    victim, other = postoffice.queued(campaign)
    postfix.blocked = True
    postfix.send()
    owners = {row.queue_id: row.delivery_id for row in _evidence(postfix)}
    mine, theirs = sorted(owners)
    forged = f"250 ok) {heading('smtp')} {REFUSED.replace(ID, theirs)}"
    _read(postfix, delivery(mine, "sent", forged))
    told = Delivery.objects.get(pk=owners[theirs])
    assert (told.state, told.relay_status) == (State.ACCEPTED, "")
    assert {victim.pk, other.pk} == set(owners.values())


def _evidence(postfix: FakePostfix) -> list[Evidence]:
    Reader(NAME, postfix.log).read()
    return list(Evidence.objects.filter(kind="queued"))


def test_a_long_log_is_read_in_steps_and_remembered_in_bounds(
    postfix: FakePostfix, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = _accepted(postfix)
    monkeypatch.setattr(log, "REMEMBERED", 100)
    noise = [
        f"4jY7RR9{number:05}zBCD: from=<>, size=1, nrcpt=1 (queue active)"
        for number in range(50_000)
    ]
    done = [f"4jY7RR9{number:05}zBCD: removed" for number in range(50_000)]
    postfix.write(*noise, *done)
    postfix.write(SENT, program="smtp")
    Reader(NAME, postfix.log).read()
    letter.refresh_from_db()
    assert letter.relay_status == "sent"
    assert RelayLog.objects.get().offset == postfix.log.stat().st_size


def test_a_line_that_is_read_twice_changes_nothing(postfix: FakePostfix) -> None:
    letter = _accepted(postfix)
    _read(postfix, LATER, SENT)
    before = list(Evidence.objects.order_by("pk").values())
    _read(postfix, LATER, SENT)
    assert list(Evidence.objects.order_by("pk").values()) == before
    assert state(letter) == State.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_while_one_process_reads_the_others_leave_it_to_it(postfix: FakePostfix) -> None:
    letter = _accepted(postfix)
    Reader(NAME, postfix.log).read()
    postfix.write(SENT, program="smtp")
    with postoffice.witness() as other, other.transaction():
        other.execute("SELECT FROM picketline_relaylog FOR UPDATE")
        Reader(NAME, postfix.log).read()
        letter.refresh_from_db()
        assert letter.relay_status == ""
    Reader(NAME, postfix.log).read()
    letter.refresh_from_db()
    assert letter.relay_status == "sent"


@pytest.mark.django_db(transaction=True)
def test_a_reader_gives_way_to_a_worker_and_takes_the_lines_later(postfix: FakePostfix) -> None:
    letter = _accepted(postfix)
    reader = Reader(NAME, postfix.log)
    reader.read()
    postfix.write(SENT, program="smtp")
    postfix.write(f"{ID}: removed")
    with postoffice.witness() as worker, worker.transaction():
        worker.execute("UPDATE picketline_delivery SET outcome = outcome")
        reader.read()
        letter.refresh_from_db()
        assert letter.relay_status == ""
    reader.read()
    letter.refresh_from_db()
    assert letter.relay_status == "sent"


def test_a_database_that_is_away_is_the_workers_business(
    postfix: FakePostfix, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(log, "read_on", away)
    with pytest.raises(OperationalError):
        Reader(NAME, postfix.log).read()


def test_a_target_whose_server_blocks_us_is_left_in_peace_and_organisers_are_told(
    postfix: FakePostfix,
) -> None:
    letter = _accepted(postfix)
    said = "host mx.owner.example[192.0.2.1] said: 550 5.7.1 blocked"
    _read(postfix, delivery(ID, "bounced", said, "5.7.1"))
    assert Gate.objects.filter(paused_by=Gate.PausedBy.POLICY).exists()
    told = Delivery.objects.get(notice=Delivery.Notice.BLOCKED)
    assert told.target == letter.target


@pytest.mark.django_db(transaction=True)
def test_readers_at_once_take_every_line_once(postfix: FakePostfix) -> None:
    letter = _accepted(postfix)
    Delivery.objects.update(state=State.UNCERTAIN, uncertain_since=letter.created_at)
    watches = [postfix.resolver() for _ in range(4)]

    def watch(number: int) -> None:
        try:
            for _ in range(5):
                watches[number].run()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(watch, range(4)))
    assert state(letter) == State.ACCEPTED
    assert letters(letter.campaign) == 2  # once by the worker, before this test made it uncertain


def test_the_worker_has_the_rights_that_a_pass_needs(
    postfix: FakePostfix, acting_as: ActingAs
) -> None:
    letter = _accepted(postfix)
    Delivery.objects.update(state=State.UNCERTAIN, uncertain_since=letter.created_at)
    postfix.restart()
    with acting_as("worker"):
        watch = postfix.resolver()
        for _ in range(3):
            watch.run()
    assert state(letter) == State.ACCEPTED
