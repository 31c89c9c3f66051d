"""What a server's answers mean for a letter."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.mail.outcomes import (
    GIVE_UP_AFTER,
    Cause,
    Kind,
    Outcome,
    Phase,
    broken_off,
    classify,
    poison,
    retry_delay,
)
from picketline.mail.replies import Reply

PERMANENT, TEMPORARY = Kind.PERMANENT, Kind.TEMPORARY


@pytest.mark.parametrize(
    ("phase", "answer", "kind", "cause"),
    [
        (Phase.GREETING, "554 no service", TEMPORARY, Cause.RELAY),
        (Phase.EHLO, "502 what?", TEMPORARY, Cause.RELAY),
        (Phase.TLS, "454 4.7.0 not now", TEMPORARY, Cause.RELAY),
        (Phase.AUTH, "535 5.7.8 wrong", TEMPORARY, Cause.RELAY),
        (Phase.AUTH, "454 4.7.0 later", TEMPORARY, Cause.RELAY),
        (Phase.MAIL, "451 4.3.0 later", TEMPORARY, Cause.RELAY),
        (Phase.MAIL, "451 4.1.8 no such domain now", TEMPORARY, Cause.NONE),
        (Phase.MAIL, "550 5.1.8 your domain", TEMPORARY, Cause.SENDER),
        (Phase.MAIL, "550 go away", TEMPORARY, Cause.SENDER),
        (Phase.MAIL, "530 5.7.0 log in first", TEMPORARY, Cause.RELAY),
        (Phase.MAIL, "552 5.3.4 too big", PERMANENT, Cause.POISON),
        (Phase.RCPT, "421 4.7.0 closing", TEMPORARY, Cause.RELAY),
        (Phase.RCPT, "450 4.7.1 greylisted", TEMPORARY, Cause.NONE),
        (Phase.RCPT, "451 later", TEMPORARY, Cause.NONE),
        (Phase.RCPT, "452 4.2.2 full", TEMPORARY, Cause.MAILBOX_FULL),
        (Phase.RCPT, "550 5.1.1 nobody", PERMANENT, Cause.ADDRESS),
        (Phase.RCPT, "550 nobody", PERMANENT, Cause.ADDRESS),
        (Phase.RCPT, "556 5.1.10 null MX", PERMANENT, Cause.ADDRESS),
        (Phase.RCPT, "550 5.2.1 disabled", PERMANENT, Cause.ADDRESS),
        (Phase.RCPT, "550 5.4.1 denied", PERMANENT, Cause.ADDRESS),
        (Phase.RCPT, "552 5.2.2 full", TEMPORARY, Cause.MAILBOX_FULL),
        (Phase.RCPT, "552 full", TEMPORARY, Cause.MAILBOX_FULL),
        (Phase.RCPT, "550 5.1.7 your address", TEMPORARY, Cause.SENDER),
        (Phase.RCPT, "550 5.7.1 blocked", PERMANENT, Cause.POLICY),
        (Phase.RCPT, "554 blocked", PERMANENT, Cause.POLICY),
        (Phase.RCPT, "550 5.4.4 no route", TEMPORARY, Cause.NONE),
        (Phase.RCPT, "504 5.5.2 your EHLO", TEMPORARY, Cause.RELAY),
        (Phase.RCPT, "503 what?", TEMPORARY, Cause.RELAY),
        (Phase.RCPT, "554 5.3.5 misconfigured", TEMPORARY, Cause.RELAY),
        (Phase.RCPT, "550 4.1.1 code and class differ", PERMANENT, Cause.ADDRESS),
        (Phase.RCPT, "550 5.0.0 other", PERMANENT, Cause.ADDRESS),
        (Phase.RCPT, "354 out of step", TEMPORARY, Cause.RELAY),
        (Phase.DATA, "554 5.7.1 no", PERMANENT, Cause.POLICY),
        (Phase.BODY, "250 before the dot", TEMPORARY, Cause.RELAY),
        (Phase.BODY, "552 5.3.4 too big", PERMANENT, Cause.POISON),
        (Phase.DOT, "250 2.0.0 ok", Kind.ACCEPTED, Cause.NONE),
        (Phase.DOT, "354 go on?", Kind.UNCERTAIN, Cause.RELAY),
        (Phase.DOT, "421 4.3.2 closing", TEMPORARY, Cause.RELAY),
        (Phase.DOT, "451 4.3.0 later", TEMPORARY, Cause.RELAY),
        (Phase.DOT, "550 not this text", PERMANENT, Cause.POLICY),
        (Phase.DOT, "550 5.7.1 spam", PERMANENT, Cause.POLICY),
        (Phase.DOT, "554 5.6.0 bad content", PERMANENT, Cause.POISON),
        (Phase.DOT, "552 5.2.2 full", TEMPORARY, Cause.MAILBOX_FULL),
        (Phase.DOT, "550 5.2.3 too long for it", PERMANENT, Cause.POISON),
    ],
)
def test_an_answer_means(phase: Phase, answer: str, kind: Kind, cause: Cause) -> None:
    reply = Reply(int(answer[:3]), (answer[4:],))
    expected = Outcome(kind, phase, cause, reply.code, reply.enhanced, answer[4:])
    assert classify(phase, reply) == expected


@given(st.sampled_from(sorted(Phase)), st.integers(200, 559), st.text(max_size=12))
def test_only_a_2xx_after_the_dot_is_acceptance(phase: Phase, code: int, text: str) -> None:
    outcome = classify(phase, Reply(code, (text,)))
    assert (outcome.kind is Kind.ACCEPTED) == (phase is Phase.DOT and code < 300)
    assert (outcome.kind is Kind.UNCERTAIN) == (phase is Phase.DOT and 300 <= code < 400)


def test_a_connection_lost_before_the_dot_is_safe_to_repeat() -> None:
    assert broken_off(Phase.BODY, "lost") == Outcome(
        Kind.TEMPORARY, Phase.BODY, Cause.RELAY, text="lost"
    )


def test_a_connection_lost_after_the_dot_leaves_the_letter_uncertain() -> None:
    assert broken_off(Phase.DOT, "lost").kind is Kind.UNCERTAIN


def test_a_message_that_cannot_be_sent_is_poison() -> None:
    assert poison("why") == Outcome(Kind.PERMANENT, Phase.LOCAL, Cause.POISON, text="why")


def test_retries_come_after_5_15_30_60_minutes_2_hours_and_then_every_4() -> None:
    minutes = [retry_delay(attempt, 0.0) / timedelta(minutes=1) for attempt in range(1, 9)]
    assert minutes == [5, 15, 30, 60, 120, 240, 240, 240]


def test_jitter_moves_a_retry_by_a_fifth_at_most() -> None:
    assert retry_delay(1, -1.0) == timedelta(minutes=4)
    assert retry_delay(1, 1.0) == timedelta(minutes=6)


def test_a_full_mailbox_is_left_alone_for_two_hours() -> None:
    assert retry_delay(1, 0.0, Cause.MAILBOX_FULL) == timedelta(hours=2)
    assert retry_delay(6, 0.0, Cause.MAILBOX_FULL) == timedelta(hours=4)


@pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.0), (1, 1.1), (1, -1.1), (1, float("nan"))])
def test_a_nonsense_attempt_or_jitter_is_refused(attempt: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempt counts from 1"):
        retry_delay(attempt, jitter)


def test_a_letter_is_given_up_after_five_days() -> None:
    assert timedelta(days=5) == GIVE_UP_AFTER
