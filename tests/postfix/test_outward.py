"""Letters through a real Postfix to the final sink, and what its log says about them."""

from __future__ import annotations

from email import message_from_bytes
from typing import Any, cast

import pytest
from chaos.postfix import Postfix
from tests import builders, postoffice
from tests.postfix.dialogue import BOSS, SENDER, Dialogue, hand_over, text

from picketline.domain import outgoing
from picketline.mail.postfix_log import Kind, LogEvent
from picketline.mail.postqueue import smtpd_timeout
from picketline.models import Delivery


def _letters() -> list[outgoing.Outgoing]:
    """The letters of a writer, all due, as they must arrive."""
    postoffice.queued(builders.campaign())
    return [outgoing.build(letter) for letter in Delivery.objects.all()]


def _done(postfix: Postfix, queue_id: str) -> list[LogEvent]:
    """All events of a message, once Postfix has nothing left to do for it."""

    def over() -> bool:
        return LogEvent(Kind.REMOVED, queue_id) in postfix.events()

    postfix.wait_until(over)
    return [event for event in postfix.events() if event.queue_id == queue_id]


@pytest.mark.django_db(transaction=True)
def test_letters_arrive_once_and_as_they_were_written(postfix: Postfix) -> None:
    built = _letters()
    assert postoffice.send(cast(Any, postfix)) == len(built) == 2
    postfix.sink.wait_until(lambda: len(postfix.sink.messages) == 2)
    postfix.wait_until(lambda: not postfix.queue())
    assert {arrived.sender for arrived in postfix.sink.messages} == {mail.sender for mail in built}
    for mail in built:
        (arrived,) = [each for each in postfix.sink.messages if each.sender == mail.sender]
        assert arrived.recipients == (mail.recipient,)
        assert arrived.content.endswith(mail.data)
        signatures = arrived.content.removesuffix(mail.data)
        assert set(message_from_bytes(signatures).keys()) <= {"DKIM-Signature"}
        assert arrived.greeting == postfix.hostname
    assert {row.state for row in Delivery.objects.all()} == {Delivery.State.ACCEPTED}


@pytest.mark.django_db(transaction=True)
def test_the_log_tells_of_each_letter_by_its_envelope_sender(postfix: Postfix) -> None:
    senders = {mail.sender for mail in _letters()}
    postoffice.send(cast(Any, postfix))
    postfix.wait_until(lambda: senders <= {event.sender for event in postfix.events()})
    for sender in senders:
        (queued,) = [event for event in postfix.events() if event.sender == sender]
        assert queued.kind is Kind.QUEUED
        assert Kind.SENT in {event.kind for event in _done(postfix, queued.queue_id)}


def test_no_line_of_this_host_is_added_to_a_message(postfix: Postfix) -> None:
    message = b"Subject: no Date, no Message-ID, no From\r\nTo: boss\r\n\r\nFree them.\r\n"
    hand_over(postfix.port, BOSS, message)
    postfix.sink.wait_until(lambda: bool(postfix.sink.messages))
    assert [arrived.content for arrived in postfix.sink.messages] == [message]


def test_a_received_line_that_somebody_else_wrote_stays(postfix: Postfix) -> None:
    theirs = b"Received: from a.example by b.example (Postfix) with ESMTP id 1;\r\n\tsome day\r\n"
    message = theirs + text("m@letters.picketline.example")
    hand_over(postfix.port, BOSS, message)
    postfix.sink.wait_until(lambda: bool(postfix.sink.messages))
    assert [arrived.content for arrived in postfix.sink.messages] == [message]


def test_each_step_of_a_message_is_read_from_the_log(postfix: Postfix) -> None:
    queue_id = hand_over(postfix.port, BOSS, text("m@letters.picketline.example"))
    queued, sent, removed = _done(postfix, queue_id)
    assert queued == LogEvent(Kind.QUEUED, queue_id, sender=SENDER)
    assert (sent.kind, sent.dsn, sent.smtp_code) == (Kind.SENT, "2.0.0", 250)
    assert sent.text == postfix.sink.answer
    assert removed.kind is Kind.REMOVED


def test_a_lying_sink_adds_nothing_to_the_log(postfix: Postfix) -> None:
    usual = postfix.sink.answer
    postfix.sink.answer = "250 ok) status=bounced (x: from=<b.x@y>, size=1, nrcpt=1 (queue active)"
    try:
        queue_id = hand_over(postfix.port, BOSS, text("m@letters.picketline.example"))
        kinds = [event.kind for event in _done(postfix, queue_id)]
    finally:
        postfix.sink.answer = usual
    assert kinds == [Kind.QUEUED, Kind.SENT, Kind.REMOVED]


def test_a_probe_leaves_its_line_and_reaches_nobody(postfix: Postfix) -> None:
    probe = "p.1@notices.picketline.example"
    to = "anything@probe.picketline.example"
    queue_id = hand_over(postfix.port, to, text("p@picketline.example"), sender=probe)
    queued, sent, _ = _done(postfix, queue_id)
    assert queued.sender == probe
    assert (sent.kind, sent.text) == (Kind.SENT, "probe")
    assert postfix.sink.messages == postfix.receiver.messages == []


def test_a_message_killed_before_its_dot_is_in_the_log_but_is_no_evidence(
    postfix: Postfix,
) -> None:
    killed = "b.zzzzzzzzzzzzzzzzzzzzzzzzzz@letters.picketline.example"
    message_id = "killed@letters.picketline.example"
    with Dialogue(postfix.port) as dialogue:
        dialogue.open(killed, BOSS)
        dialogue.send(text(message_id))
    postfix.wait_until(lambda: any(f"message-id=<{message_id}>" in row for row in postfix.lines()))
    _done(postfix, hand_over(postfix.port, "x@probe.picketline.example", text("p@x.example")))
    assert killed not in {event.sender for event in postfix.events()}
    assert postfix.sink.messages == []


@pytest.mark.parametrize("end", ["\n.\r\n", "\r\n.\n", "\n.\n"])
def test_a_second_message_cannot_be_smuggled_inside_the_first(postfix: Postfix, end: str) -> None:
    hidden = f"MAIL FROM:<evil@a.example>\r\nRCPT TO:<{BOSS}>\r\nDATA\r\nSubject: b\r\n\r\nb\r\n"
    queue_id = hand_over(postfix.port, BOSS, text("m@x.example", f"one{end}{hidden}"))
    assert [event.kind for event in _done(postfix, queue_id)] == [
        Kind.QUEUED,
        Kind.SENT,
        Kind.REMOVED,
    ]
    (arrived,) = postfix.sink.messages
    assert arrived.sender == SENDER
    assert b"MAIL FROM:<evil@a.example>" in arrived.content


def test_a_refused_letter_comes_back_to_its_own_envelope_sender(postfix: Postfix) -> None:
    postfix.sink.refused.add(BOSS)
    queue_id = hand_over(postfix.port, BOSS, text("m@x.example", "Words of a writer.\r\n"))
    postfix.receiver.wait_until(lambda: bool(postfix.receiver.messages))
    (notice,) = postfix.receiver.messages
    assert (notice.sender, notice.recipients) == ("", (SENDER,))
    assert b"message/delivery-status" in notice.content
    assert b"Words of a writer" not in notice.content
    bounced = _done(postfix, queue_id)[1]
    assert (bounced.kind, bounced.dsn, bounced.smtp_code) == (Kind.BOUNCED, "5.1.1", 550)


def test_what_cannot_go_out_now_is_in_the_queue(postfix: Postfix) -> None:
    postfix.sink.hold()
    queue_id = hand_over(postfix.port, BOSS, text("m@x.example"))
    (waiting,) = postfix.queue()
    assert (waiting.queue_id, waiting.sender, waiting.recipients) == (queue_id, SENDER, 1)
    postfix.sink.release()
    _done(postfix, queue_id)
    assert postfix.queue() == []


def test_a_crash_loses_and_doubles_nothing(postfix: Postfix) -> None:
    postfix.sink.deferred.add(BOSS)
    queue_id = hand_over(postfix.port, BOSS, text("m@x.example"))
    postfix.wait_until(
        lambda: Kind.DEFERRED in {e.kind for e in postfix.events() if e.queue_id == queue_id}
    )
    postfix.abort()
    assert postfix.processes() == []
    postfix.sink.deferred.clear()
    starts = [event.kind for event in postfix.events()].count(Kind.STARTED)
    postfix.start()
    postfix.command("flush")
    _done(postfix, queue_id)
    assert len(postfix.sink.messages) == 1
    assert [event.kind for event in postfix.events()].count(Kind.STARTED) > starts


def test_a_silent_client_is_given_up_before_a_worker_gives_up_its_lease(postfix: Postfix) -> None:
    assert smtpd_timeout(postfix.config) == 60
