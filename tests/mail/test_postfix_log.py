"""What a line of Postfix's log says, and what a hostile answer in one cannot make it say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.mail.postfix_log import Kind, LogEvent, damaged, read_line

HEAD = "Aug  1 10:00:00 mail postfix"
ID = "4jY7RR1LzVzJFd5"
SENDER = "b.abcdefghijklmnopqrstuvwxyz@letters.picket.example"
QUEUED = f"{HEAD}/qmgr[12]: {ID}: from=<{SENDER}>, size=260, nrcpt=1 (queue active)"


def _delivery(status: str, text: str, *, program: str = "smtp", dsn: str = "2.0.0") -> str:
    return (
        f"{HEAD}/{program}[3]: {ID}: to=<boss@target.example>,"
        " relay=mx.target.example[192.0.2.1]:25, delay=0.08, delays=0.05/0.03/0/0,"
        f" dsn={dsn}, status={status} ({text})"
    )


@pytest.mark.parametrize(
    "head",
    [
        "Aug  1 10:00:00 mail postfix",
        "Nov 23 14:21:39 mail.picket.example postfix-letters",
        "2026-08-01T10:00:00.123456+02:00 mail postfix",
        "2026-08-01T10:00:00Z mail postfix-picketline/mx",
    ],
)
def test_a_queued_message_is_read_under_every_date_and_name(head: str) -> None:
    line = QUEUED.replace(HEAD, head)
    assert read_line(line) == LogEvent(Kind.QUEUED, ID, sender=SENDER)


@pytest.mark.parametrize("queue_id", ["8CBE1F3A", "0123456789ABCDEF", "4jY7RR1LzVzJFd5"])
def test_short_and_long_queue_ids_are_read(queue_id: str) -> None:
    event = read_line(QUEUED.replace(ID, queue_id))
    assert event is not None
    assert event.queue_id == queue_id


def test_the_null_sender_is_an_empty_one() -> None:
    assert read_line(QUEUED.replace(SENDER, "")) == LogEvent(Kind.QUEUED, ID, sender="")


@pytest.mark.parametrize(
    ("status", "kind"),
    [("sent", Kind.SENT), ("deferred", Kind.DEFERRED), ("bounced", Kind.BOUNCED)],
)
def test_a_delivery_is_read_with_its_codes_and_words(status: str, kind: Kind) -> None:
    event = read_line(_delivery(status, "250 2.0.0 Ok: queued as 77"))
    assert event == LogEvent(
        kind, ID, dsn="2.0.0", smtp_code=250, text="250 2.0.0 Ok: queued as 77"
    )


def test_the_answer_of_a_refusing_host_has_its_code() -> None:
    said = "host mx.target.example[192.0.2.1] said: 550-5.1.1 nobody (in reply to RCPT TO command)"
    event = read_line(_delivery("bounced", said, dsn="5.1.1"))
    assert event == LogEvent(Kind.BOUNCED, ID, dsn="5.1.1", smtp_code=550, text=said)


def test_a_host_that_refuses_to_talk_has_a_code_too() -> None:
    said = "host mx.target.example[192.0.2.1] refused to talk to me: 421 busy"
    event = read_line(_delivery("deferred", said, dsn="4.3.0"))
    assert event is not None
    assert event.smtp_code == 421


def test_postfix_speaking_for_itself_has_no_code() -> None:
    event = read_line(_delivery("deferred", "connect to mx: Connection refused", dsn="4.4.1"))
    assert event is not None
    assert event.smtp_code is None


@pytest.mark.parametrize("program", ["smtp", "relay/smtp", "lmtp", "discard", "error"])
def test_every_delivering_program_is_believed(program: str) -> None:
    event = read_line(_delivery("sent", "250 ok", program=program))
    assert event is not None
    assert event.kind is Kind.SENT


def test_a_rewritten_recipient_and_a_kept_connection_change_nothing() -> None:
    line = _delivery("sent", "250 ok").replace(" relay=", " orig_to=<old@target.example>, relay=")
    assert read_line(line.replace(" delay=", " conn_use=2, delay=", 1)) == read_line(
        _delivery("sent", "250 ok")
    )


@pytest.mark.parametrize("word", ["expired", "force-expired"])
def test_a_message_that_is_given_up_is_expired(word: str) -> None:
    line = f"{HEAD}/qmgr[12]: {ID}: from=<{SENDER}>, status={word}, returned to sender"
    assert read_line(line) == LogEvent(Kind.EXPIRED, ID, sender=SENDER)


def test_the_end_of_a_message_is_read() -> None:
    assert read_line(f"{HEAD}/qmgr[12]: {ID}: removed") == LogEvent(Kind.REMOVED, ID)


@pytest.mark.parametrize(
    "said",
    [
        "postfix-script[9]: starting the Postfix mail system",
        "master[10]: daemon started -- version 3.7.11, configuration /etc/postfix",
    ],
)
def test_a_start_is_told_since_lines_may_be_lost_before_it(said: str) -> None:
    assert read_line(f"{HEAD}/{said}") == LogEvent(Kind.STARTED, "")


def test_a_reload_is_no_start() -> None:
    assert read_line(f"{HEAD}/master[10]: reload -- version 3.7.11, configuration /etc") is None


def test_the_message_id_that_cleanup_saw_is_no_evidence() -> None:
    assert read_line(f"{HEAD}/cleanup[9]: {ID}: message-id=<m1@letters.picket.example>") is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Aug  1 10:00:00 mail kernel: something",
        f"{HEAD}/smtpd[7]: connect from unknown[127.0.0.1]",
        f"{HEAD}/smtpd[7]: {ID}: client=unknown[127.0.0.1]",
        f"{HEAD}/qmgr[12]: warning: mail for [127.0.0.1]:20526 is using up 4 of 5 entries",
        f"{HEAD}/smtp[3]: {ID}: host mx[192.0.2.1] said: 450 later (in reply to RCPT TO command)",
        _delivery("deliverable", "250 ok"),
        _delivery("undeliverable", "550 no"),
    ],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert read_line(line) is None


@given(cut=st.integers(min_value=0, max_value=len(QUEUED) - 1))
def test_a_queued_line_cut_anywhere_says_nothing(cut: int) -> None:
    assert read_line(QUEUED[:cut]) is None
    assert read_line(QUEUED[cut + 1 :]) is None


@given(cut=st.integers(min_value=0, max_value=len(_delivery("sent", "250 ok")) - 1))
def test_a_delivery_cut_anywhere_says_nothing(cut: int) -> None:
    assert read_line(_delivery("sent", "250 ok")[:cut]) is None


@given(cut=st.integers(min_value=20, max_value=len(QUEUED) - 1))
def test_two_lines_run_together_by_a_full_disk_are_not_one(cut: int) -> None:
    event = read_line(QUEUED[:cut] + QUEUED.replace(ID, "8CBE1F3A"))
    assert event is None


@given(cut=st.integers(min_value=1, max_value=len(QUEUED) - 1))
def test_a_line_that_goes_on_with_another_is_damage(cut: int) -> None:
    assert damaged(QUEUED[:cut] + QUEUED)
    assert damaged(QUEUED[cut:])


@pytest.mark.parametrize(
    "line", [QUEUED, _delivery("sent", "250 ok"), "Aug  1 10:00:00 mail dovecot: something else"]
)
def test_a_whole_line_is_no_damage(line: str) -> None:
    assert not damaged(line)


FORGERIES = [
    "250 ok) status=deferred (x",
    "550 no), status=sent (250 2.0.0 ok",
    f"550 {ID}: from=<{SENDER}>, size=1, nrcpt=1 (queue active",
    f"550 \u2028{QUEUED}",
    f"550 \r{QUEUED}",
    f"x, dsn=2.0.0, status=sent (250 ok) {HEAD}/qmgr[1]: {ID}: removed",
    f"550 from=<{SENDER}>, status=expired, returned to sender",
]


@pytest.mark.parametrize("forged", FORGERIES)
def test_the_words_of_a_server_stay_words(forged: str) -> None:
    event = read_line(_delivery("bounced", forged, dsn="5.0.0"))
    assert event is None or (event.kind, event.dsn, event.sender) == (Kind.BOUNCED, "5.0.0", "")
    if "\r" not in forged:
        assert event is not None
        assert event.text == forged


@given(forged=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n")))
def test_whatever_a_server_answers_its_refusal_is_never_a_success(forged: str) -> None:
    event = read_line(_delivery("bounced", forged, dsn="5.0.0"))
    assert event is None or (event.kind, event.text) == (Kind.BOUNCED, forged)


@pytest.mark.parametrize(
    "address",
    [
        '"x>, relay=mx[1]:25, delay=0, dsn=2.0.0, status=sent (250 ok"@target.example',
        "<nested@target.example",
    ],
)
def test_an_address_cannot_be_more_than_an_address(address: str) -> None:
    line = _delivery("bounced", "550 no", dsn="5.0.0").replace("boss@target.example", address)
    assert read_line(line) is None


@pytest.mark.parametrize("program", ["smtp", "smtpd", "cleanup", "pickup"])
def test_only_the_queue_manager_says_that_a_message_is_queued(program: str) -> None:
    assert read_line(QUEUED.replace("/qmgr[", f"/{program}[")) is None


def test_what_a_client_says_in_its_greeting_is_not_believed() -> None:
    helo = QUEUED
    reject = f"NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 no; helo=<{helo}>"
    assert read_line(f"{HEAD}/smtpd[7]: {reject}") is None
