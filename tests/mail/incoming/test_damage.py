"""Damaged mail: whatever is cut, doubled or garbled, reading it raises nothing."""

import random
from email import message_from_bytes

import pytest
from tests.mail.incoming.corpus import names_in, raw_sample

from picketline.mail.incoming import automatic, bounces, complaints, results

FOLDERS = ("bounces", "complaints", "auto-replies", "replies")
SAMPLES = [raw_sample(folder, name) for folder in FOLDERS for name in names_in(folder)]
SPLINTERS = (
    *(b"\xff", b"\x00", b"\r", b"\n", b"\n\n", b";", b"(", b'"', b"\\", b"--", b"\xd0\xb0"),
    *(b"=?utf-8?q?", b"?=", b"=?unicode_escape?q?\\ud800?=", b"=?punycode?q?aaa-?="),
    *(b"Content-Type: message/delivery-status\n", b"Content-Transfer-Encoding: base64\n"),
    b"Content-Type: multipart/report; report-type*=utf-8''delivery-status; boundary=b\n",
    b"Authentication-Results: a.example; dkim=pass (x\n",
)


def damaged(source: random.Random) -> bytes:
    """One sample with up to eight wounds."""
    octets = bytearray(source.choice(SAMPLES))
    for _ in range(source.randint(1, 8)):
        at = source.randrange(len(octets))
        wound = source.random()
        if wound < 0.5:
            octets[at:at] = source.choice(SPLINTERS) * source.choice([1, 1, 50])
        elif wound < 0.7:
            del octets[at : at + source.randint(1, 60)]
        else:
            other = source.choice(SAMPLES)
            begin = source.randrange(len(other))
            octets[at:at] = other[begin : begin + source.randint(1, 400)]
    return bytes(octets)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_mail_is_read_as_something_or_nothing(seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 - the same damage in every run
    for _ in range(30):
        raw = damaged(source)
        message = message_from_bytes(raw)
        bounce = bounces.read(message, raw)
        assert bounce is None or bounce.action in ("failed", "delayed")
        complaints.read(message)
        assert len(automatic.reason(message)) < 20
        results.read(message)


def test_baits_for_slow_expressions_are_read_like_anything_else() -> None:
    baits = ["(" * 900, "a" * 1900, "a@" * 900, '"' * 1900, "<" * 1900, "\\x{" * 600, "5." * 900]
    groups = [
        f"Final-Recipient: rfc822; {bait}\nAction: {bait}\nStatus: {bait}\nDiagnostic-Code: {bait}"
        for bait in baits * 14
    ]
    head = "".join(
        f"From: {bait}\nSubject: {bait}\nReceived: {bait}\nAuthentication-Results: {bait}\n"
        for bait in baits
    )
    raw = (
        f'{head}Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: message/delivery-status\n\n" + "\n\n".join(groups) + "\n--b--\n"
    ).encode()
    message = message_from_bytes(raw)
    assert bounces.read(message, raw) is None
    assert automatic.reason(message) == "delivery-report"
    for bait in baits:
        assert automatic.reason(message_from_bytes(f"Subject: {bait}\n\n".encode())) == ""
    assert results.read(message) == ()
