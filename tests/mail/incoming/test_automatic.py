"""Mail that no person wrote, told from mail that somebody did."""

from email import message_from_bytes

import pytest
from tests.mail.incoming.corpus import names_in, sample

from picketline.mail.incoming import automatic, bounces

EXPECTED = {
    "outlook-english": "auto-submitted",
    "outlook-2003-no-marks": "absence",
    "outlook-suppress-only": "suppress",
    "outlook-german": "absence",
    "notes-german": "absence",
    "french": "absence",
    "french-absent": "absence",
    "russian": "absence",
    "russian-exchange": "absence",
    "kazakh": "absence",
    "arabic": "absence",
    "spanish": "absence",
    "spanish-absence": "absence",
    "italian": "absence",
    "italian-in-ferie": "absence",
    "portuguese": "absence",
    "turkish": "absence",
    "turkish-away": "absence",
    "raw-utf-8-subject": "absence",
    "chinese": "absence",
    "vacation-sieve": "auto-submitted",
    "vacation-unix": "precedence",
    "gmail-vacation": "precedence",
    "cpanel-autoresponder": "answering-machine",
    "x-autoreply": "answering-machine",
    "x-loop": "loop",
    "null-sender": "null-sender",
    "list-post": "list",
    "otrs-acknowledgement": "answering-machine",
    "rt-autoreply": "auto-submitted",
    "ticket-english": "acknowledgement",
    "ticket-number-before": "acknowledgement",
    "ticket-russian": "acknowledgement",
    "ticket-kazakh": "acknowledgement",
    "ticket-german": "acknowledgement",
    "ticket-french": "acknowledgement",
    "ticket-arabic": "acknowledgement",
    "read-receipt": "receipt",
    "delivered-notice": "delivery-report",
    "daemon": "daemon",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_automatic_message_is_known_by_its_first_sign(name: str) -> None:
    assert automatic.reason(sample("auto-replies", name)) == EXPECTED[name]


@pytest.mark.parametrize("name", names_in("auto-replies"))
def test_an_automatic_answer_is_no_bounce(name: str) -> None:
    message = sample("auto-replies", name)
    assert bounces.read(message, bytes(message)) is None


@pytest.mark.parametrize("name", names_in("replies"))
def test_what_a_person_wrote_is_not_automatic(name: str) -> None:
    assert automatic.reason(sample("replies", name)) == ""


def test_every_sample_has_its_expectation() -> None:
    assert sorted(EXPECTED) == names_in("auto-replies")


def reason(fields: str, subject: str = "Your letter") -> str:
    return automatic.reason(message_from_bytes(f"Subject: {subject}\n{fields}\n\n".encode()))


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Auto-Submitted: auto-notified; owner-email=a@b.example", "auto-submitted"),
        ("Auto-Submitted: AUTO-GENERATED", "auto-submitted"),
        ("Auto-Submitted: no (written by hand)", ""),
        ("Auto-Submitted: No;x=y", ""),
        ("Auto-Submitted: nobody", "auto-submitted"),
        ("Auto-Submitted:", ""),
        ("Precedence: AUTO_REPLY", "precedence"),
        ("Precedence: first-class", ""),
        ("X-Autoreply: no", ""),
        ("X-Auto-Response-Suppress: DR, OOF", "suppress"),
        ("X-Auto-Response-Suppress: NDR", ""),
        ("Return-Path: < >", "null-sender"),
        ("Return-Path: <a@company.example>", ""),
        ("List-Unsubscribe: <https://x.example>", "list"),
        ("From: Mailer Daemon <mailer-daemon@x.example>", "daemon"),
        ("From: Postmaster <postmaster@x.example>", ""),
        ("Content-Type: multipart/report; report-type=feedback-report", "complaint"),
    ],
)
def test_each_field_counts_for_what_it_says(field: str, expected: str) -> None:
    assert reason(field) == expected


@pytest.mark.parametrize(
    "subject",
    [
        "[Auto-Reply] Free the prisoners",
        "OUT OF OFFICE",
        "Out of the office until Monday",
        "out of office - back on 9 January",
        "OOO Re: Free the prisoners",
        "I am out of the office.",
        "Autosvar: Free the prisoners",
        "Odpowied\u017a automatyczna: Free",
        "\u0410\u0412\u0422\u041e\u041e\u0422\u0412\u0415\u0422 Free the prisoners",
        "[\u0410\u0432\u0442\u043e\u043e\u0442\u0432\u0435\u0442] Free",
        "Auto: out",
    ],
)
def test_answering_machines_are_known_by_how_they_begin(subject: str) -> None:
    assert reason("", subject) == "absence"


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Automatic reply: Free the prisoners",
        "Antw: Out of Office: Free the prisoners",
        "\u041e\u0442\u0432\u0435\u0442: \u0410\u0432\u0442\u043e\u043e\u0442\u0432\u0435\u0442",
        "Our automatic reply was wrong",
        "Out of office hours",
        "Absences of workers",
        "On leave to appeal",
        "oooh",
        "Thank you",
        "Receipt of your letter confirmed",
    ],
)
def test_a_persons_words_are_not_taken_for_a_machines(subject: str) -> None:
    assert reason("", subject) == ""


def test_a_subject_in_utf_7_is_not_read_as_such() -> None:
    assert reason("", "=?utf-7?Q?+AEEAdQB0AG8-matic reply?=") == ""


def test_a_subject_of_many_words_in_pieces_is_read_in_part() -> None:
    assert reason("", "=?utf-8?Q?Automatic_reply:?= " + "=?utf-8?Q?a?= " * 5000) == "absence"
