"""What a server says became of a letter, in more than a hundred shapes."""

from email import message_from_bytes

import flufl.bounce
import pytest
from tests.mail.incoming.corpus import (
    BOUNCES,
    ENVELOPE,
    MESSAGE_ID,
    Expected,
    library_samples,
    names_in,
    raw_sample,
)

from picketline.mail.incoming import bounces
from picketline.mail.incoming.report import Bounce

LIBRARY = library_samples()
# Sent under a name that is not a mail server's, so the library is not asked at all.
_FROM_NO_SERVER = {
    *("microsoft_03.txt", "simple_20.txt", "simple_22.txt", "simple_35.txt", "simple_36.txt"),
    "bounce_02.txt",
}
# The library finds "c=US;a=" there, unless one knows which of its parts to ask.
_NO_ADDRESS = {"microsoft_01.txt", "microsoft_04.txt"}
# Has a standard report, with an address cut short; the library leaves it alone.
_READ_BY_US = {"simple_42.txt"}


def read(raw: bytes) -> Bounce | None:
    return bounces.read(message_from_bytes(raw), raw)


def read_sample(name: str) -> Bounce:
    bounce = read(raw_sample("bounces", name))
    assert bounce is not None
    return bounce


def notice(*groups: str, kind: str = "message/delivery-status", part_header: str = "") -> bytes:
    """A notice with nothing but its machine's part, made of these groups of fields."""
    status = "\n\n".join(["Reporting-MTA: dns; mx.company.example", *groups])
    return (
        "From: MAILER-DAEMON@mx.company.example\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: {kind}\n{part_header}\n{status}\n--b--\n"
    ).encode()


def failure(**fields: str) -> Bounce:
    given = {"Final_Recipient": "rfc822; a@company.example", "Action": "failed"} | fields
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    bounce = read(notice("\n".join(lines)))
    assert bounce is not None
    return bounce


@pytest.mark.parametrize("name", BOUNCES)
def test_every_shape_is_read_for_what_it_is(name: str) -> None:
    bounce = read(raw_sample("bounces", name))
    got = bounce and Expected(
        bounce.action,
        bounce.status,
        bounce.permanent,
        bounce.recipient,
        bounce.original_message_id,
        bounce.source,
    )
    assert got == BOUNCES[name]
    assert bounce is None or bounce.final == (bounce.action == "failed")


def test_every_sample_has_its_expectation() -> None:
    assert names_in("bounces") == sorted(BOUNCES)
    assert len(BOUNCES) >= 60


@pytest.mark.parametrize("name", sorted(LIBRARY))
def test_the_samples_of_the_library_are_read_too(name: str) -> None:
    raw, addresses, delayed = LIBRARY[name]
    bounce = read(raw)
    if name in _READ_BY_US:
        assert bounce is not None
        assert bounce.source == "rfc3464"
    elif name in _FROM_NO_SERVER | _NO_ADDRESS or not addresses:
        assert bounce is None
    else:
        assert bounce is not None
        assert bounce.recipient in addresses
        assert bounce.final != delayed


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        ("5.1.1", True),
        ("5.7.1", True),
        ("5.2.1", True),
        ("5.2.2", False),
        ("5.3.1", False),
        ("5.4.4", False),
        ("5.4.14", False),
        ("4.4.7", False),
        ("4.2.2", False),
    ],
)
def test_a_full_mailbox_and_a_lost_route_are_not_for_ever(status: str, permanent: bool) -> None:
    bounce = failure(Status=status)
    assert bounce.final
    assert bounce.permanent is permanent


@pytest.mark.parametrize(
    ("status", "diagnostic", "read_as"),
    [
        ("5.0.0", "smtp; 550 5.1.1 nobody", "5.1.1"),
        ("", "smtp; 550 5.1.1 nobody", "5.1.1"),
        ("", "smtp; 550-5.1.1 nobody", "5.1.1"),
        ("", "smtp; 550 #5.1.1 nobody", "5.1.1"),
        ("", "smtp; 550 nobody", "5.0.0"),
        ("", "smtp; 452 later", "4.0.0"),
        ("", "smtp; 550 4.2.2 which now", "5.0.0"),
        ("", "smtp; 5.1.1 nobody", "5.1.1"),
        ("5.2.0", "smtp; 550 5.1.1 nobody", "5.2.0"),
        ("4.0.0", "smtp; 550 5.1.1 nobody", "4.0.0"),
        ("5.0.0", "smtp; 550 nobody", "5.0.0"),
        ("5.0.0", "smtp; no reply but 5.1.1 in words", "5.0.0"),
        ("5.0.0", "x-unix; 550 5.1.1 nobody", "5.0.0"),
        ("", "smtp; 192.0.2.1 was silent", ""),
        ("", "the user 5.1.1 is unknown", ""),
        ("5.1.1.1", "", ""),
        ("2.0.0", "", ""),
        ("5.1.1234", "", ""),
    ],
)
def test_the_reply_refines_only_a_status_that_says_nothing(
    status: str, diagnostic: str, read_as: str
) -> None:
    assert failure(Status=status, Diagnostic_Code=diagnostic).status == read_as


def test_a_failure_without_any_code_is_final_but_not_permanent() -> None:
    bounce = failure()
    assert (bounce.final, bounce.permanent, bounce.status) == (True, False, "")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("rfc822; a@company.example", "a@company.example"),
        ("rfc822;<a@company.example>", "a@company.example"),
        ("a@company.example", "a@company.example"),
        ("utf-8; \\x{434}@company.example", "д@company.example"),
        ("utf-8; \\x{D800}\\x{FFFFFF}@company.example", "\ufffd\ufffd@company.example"),
        ("rfc822; nobody", ""),
        ("rfc822; a@company.example\x1b[31m", "a@company.example[31m"),
    ],
)
def test_the_recipient_is_an_address_or_nothing(written: str, address: str) -> None:
    assert failure(Final_Recipient=written).recipient == address


def test_the_address_that_we_wrote_to_goes_before_the_one_behind_it() -> None:
    bounce = failure(Original_Recipient="rfc822; board@company.example")
    assert bounce.recipient == "board@company.example"


@pytest.mark.parametrize("name", ["postfix-unknown-user", "haraka", "gmail-no-such-user"])
def test_the_envelope_is_found_where_the_notice_names_it(name: str) -> None:
    assert read_sample(name).original_envelope == ENVELOPE


def test_a_notice_that_names_no_envelope_has_none() -> None:
    assert failure().original_envelope == ""


def test_the_diagnostic_is_one_short_line() -> None:
    bounce = failure(Diagnostic_Code="smtp; 550 5.1.1 " + "x" * 3000)
    assert len(bounce.diagnostic) == 500
    assert read_sample("gmail-no-such-user").diagnostic.startswith(
        "smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please"
    )


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "whatever"])
def test_success_marks_nothing_even_beside_words_of_failure(action: str) -> None:
    group = f"Final-Recipient: rfc822; a@company.example\nAction: {action}\nStatus: 5.1.1"
    assert read(notice(group)) is None


@pytest.mark.parametrize("encoded", ["!", "YQ", "####"])
def test_a_damaged_encoding_is_no_bounce(encoded: str) -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.company.example\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        b"--b\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
        + encoded.encode()
        + b"\n--b--\n"
    )
    assert read(raw) is None


def test_an_empty_international_report_is_no_bounce() -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.company.example\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        b"--b\nContent-Type: message/global-delivery-status\n\n\n--b--\n"
    )
    assert read(raw) is None


@pytest.mark.parametrize("encoding", ["utf-8", "koi8-r"])
def test_returned_fields_may_be_in_any_encoding(encoding: str) -> None:
    returned = f"X-Comment: привет\nContent-Type: текст\nMessage-ID: {MESSAGE_ID}\n\n"
    raw = (
        b"From: MAILER-DAEMON@mx.company.example\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        b"--b\nContent-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n\n"
        b"--b\nContent-Type: text/rfc822-headers\n\n"
        + returned.encode(encoding)
        + b"X-Mixed: \xff\xd0\xb0\n\n--b--\n"
    )
    bounce = read(raw)
    assert bounce is not None
    assert bounce.original_message_id == MESSAGE_ID


def test_a_library_that_raises_finds_no_bounce(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_message: object) -> None:
        raise UnicodeError("not as expected")

    monkeypatch.setattr(flufl.bounce, "all_failures", fails)
    assert read(raw_sample("bounces", "qmail-no-mailbox")) is None


def test_the_library_sees_short_lines_and_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def listens(message: object) -> tuple[set[bytes], set[bytes]]:
        seen.append(str(message))
        return set(), set()

    monkeypatch.setattr(flufl.bounce, "all_failures", listens)
    bait = b"a" * 5_000_000 + b"\n" + b"a@\n" * 100_000
    read(b"From: MAILER-DAEMON@mx.company.example\n\n" + bait)
    (text,) = seen
    assert len(text) < 10_000
    assert max(map(len, text.splitlines())) <= 400


@pytest.mark.parametrize(
    "sender",
    [
        "From: The Director <director@company.example>",
        "Return-Path: <director@company.example>\nFrom: postmaster.general@company.example",
        "Auto-Submitted: no\nFrom: a@company.example",
    ],
)
def test_the_library_is_not_asked_about_a_persons_mail(
    sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(flufl.bounce, "all_failures")
    assert read(f"{sender}\n\nHi. This is the qmail-send program\n".encode()) is None
