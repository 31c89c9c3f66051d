"""DKIM signatures, checked by dkimpy, which shares no code with us."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace

import dkim as peer
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.mail.mails import ARABIC, ENGLISH, KAZAKH, MAIL, RUSSIAN

from picketline.mail import dkim
from picketline.mail.compose import HEADER_NAMES, compose

DOMAIN = "letters.picket.example"
RSA = dkim.load_key(DOMAIN, "rsa-2026-11", dkim.new_key(dkim.KeyKind.RSA))
ED25519 = dkim.load_key(DOMAIN, "ed-2026-11", dkim.new_key(dkim.KeyKind.ED25519))
BOTH = [RSA, ED25519]
FULL = replace(
    MAIL,
    reply_to="r.1@reply.picket.example",
    subject=RUSSIAN,
    body=f"{RUSSIAN}\n\n{KAZAKH}\n",
    html=f"<p>{ARABIC}</p>",
    automatic=True,
    unsubscribe_url="https://picket.example/u/1",
)
ALL_FIELDS = replace(FULL, html=None)  # a mail of one part says its encoding at the top
SHAPES = {
    "plain": MAIL,
    "everything": FULL,
    "empty": replace(MAIL, body=""),
    "blank lines at the end": replace(MAIL, body="text\n\n \n\t\n\n"),
    "nothing but blank lines": replace(MAIL, body="\n\n\n"),
    "spaces": replace(MAIL, body="a  b\t\tc \n\n  d\n", subject="two  spaces"),
    "long subject": replace(MAIL, subject=f"{ENGLISH} {ENGLISH}"),
    "Arabic": replace(MAIL, subject=ARABIC, body=ARABIC, from_name=ARABIC),
    "long": replace(MAIL, body=f"{KAZAKH}\n" * 500),
    "html": replace(MAIL, html="<p>one</p>\n\n"),
}
shapes = pytest.mark.parametrize("shape", SHAPES)


class _VerifyKey:
    """What dkimpy asks of PyNaCl, which is not installed; the arithmetic is OpenSSL's."""

    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(peer.base64.b64decode(key))

    def verify(self, message: bytes, signature: bytes) -> bytes:
        """Return the message, or raise `ValueError`."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            raise ValueError from None
        return message


@pytest.fixture(autouse=True)
def _ed25519(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=_VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=ValueError),
    )
    monkeypatch.setattr(peer, "nacl", stand_in, raising=False)


def verdicts(signed: bytes, records: Mapping[str, str] | None = None) -> list[bool]:
    """What dkimpy says of each signature, the first written first."""
    zone = records or {key.record_name: dkim.dns_record(key) for key in BOTH}

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return zone[name.decode().removesuffix(".")].encode()

    message = peer.DKIM(signed)
    count = len(re.findall(rb"^DKIM-Signature:", signed, re.MULTILINE))
    answers = []
    for number in range(count):
        try:
            answers.append(message.verify(number, dnsfunc=look_up))
        except peer.ValidationError:
            answers.append(False)
    return answers


def test_the_checker_agrees_with_the_example_of_rfc_8463() -> None:
    example = (
        b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        b" d=football.example.com; i=@football.example.com;\r\n"
        b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        b" subject : date : message-id : from : subject : date;\r\n"
        b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        b" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
        b" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
        b"From: Joe SixPack <joe@football.example.com>\r\n"
        b"To: Suzie Q <suzie@shopping.example.net>\r\n"
        b"Subject: Is dinner ready?\r\n"
        b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
        b"\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    )
    record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    assert verdicts(example, {"brisbane._domainkey.football.example.com": record}) == [True]
    assert verdicts(
        example.replace(b"Hi.", b"Ho."), {"brisbane._domainkey.football.example.com": record}
    ) == [False]


@shapes
def test_every_shape_of_mail_carries_two_good_signatures(shape: str) -> None:
    message = compose(SHAPES[shape])
    signed = dkim.sign(message, BOTH)
    assert signed.endswith(message)
    assert verdicts(signed) == [True, True]
    assert max(map(len, signed.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "message",
    [
        b"From: a@b.example\r\nSubject:\ta \t b\r\n\t c  \r\n  d \r\n\r\nx \t y \r\n \r\n\t\r\nz",
        b"FROM: a@b.example\r\nTo:one@b.example\r\nX-Other: 1\r\n\r\n \r\n\r\n",
        b"From: a@b.example\r\nReceived: x\r\nSubject: a\r\n",
        b"Subject: one\r\nFrom: a@b.example\r\nSubject: two\r\nSubject: three\r\n\r\nx\r\n",
    ],
    ids=["white space", "unusual names", "no body", "a field three times"],
)
def test_what_others_wrote_is_canonicalised_by_the_rules_too(message: bytes) -> None:
    assert verdicts(dkim.sign(message, BOTH)) == [True, True]


def test_the_same_message_is_signed_with_the_same_bytes() -> None:
    message = compose(FULL)
    assert dkim.sign(message, BOTH) == dkim.sign(message, BOTH)


def test_without_a_key_a_message_stays_as_it_is() -> None:
    assert dkim.sign(compose(MAIL), []) == compose(MAIL)


def test_each_signature_stands_without_the_other() -> None:
    first, second = dkim.sign(compose(FULL), BOTH).split(b"DKIM-Signature:")[1:]
    message = compose(FULL)
    assert verdicts(b"DKIM-Signature:" + first + message) == [True]
    assert verdicts(b"DKIM-Signature:" + second) == [True]


def test_every_field_that_we_write_is_signed() -> None:
    assert {name.lower().encode() for name in HEADER_NAMES} <= dkim.SIGNED
    signed = peer.DKIM(dkim.sign(compose(ALL_FIELDS), [RSA]))
    assert signed.verify(dnsfunc=lambda *_args, **_options: dkim.dns_record(RSA).encode())
    names = {name.lower() for name, _ in signed.signed_headers}
    assert {name.lower().encode() for name in HEADER_NAMES} <= names


@pytest.mark.parametrize("name", HEADER_NAMES)
def test_changing_or_dropping_any_field_breaks_both_signatures(name: str) -> None:
    signed = dkim.sign(compose(ALL_FIELDS), BOTH)
    field = re.compile(rb"(?<=\r\n)%b: ?((?:.|\r\n )*?)\r\n(?! )" % name.encode())
    assert len(field.findall(signed)) == 1
    dropped = field.sub(b"", signed)
    changed = field.sub(b"%b: changed\r\n" % name.encode(), signed)
    assert verdicts(changed) == [False, False]
    assert verdicts(dropped) == [False, False]


@pytest.mark.parametrize("name", ["From", "Reply-To", "To", "Cc", "Subject", "Date"])
def test_adding_a_field_that_readers_are_shown_breaks_both_signatures(name: str) -> None:
    signed = dkim.sign(compose(MAIL), BOTH)
    added = b"%b: other@attacker.example\r\n" % name.encode()
    assert verdicts(added + signed) == [False, False]
    assert verdicts(signed.replace(b"MIME-Version", added + b"MIME-Version")) == [False, False]


@pytest.mark.parametrize("added", [b"x", b"\r\nx\r\n"])
def test_adding_to_the_text_breaks_both_signatures(added: bytes) -> None:
    assert verdicts(dkim.sign(compose(MAIL), BOTH) + added) == [False, False]


def test_a_relay_may_refold_and_add_trace_fields() -> None:
    signed = dkim.sign(compose(FULL), BOTH)
    refolded = signed.replace(b"\r\n =?utf-8", b"\r\n\t =?utf-8").replace(b"From: ", b"from:  ")
    assert refolded != signed
    assert verdicts(b"Received: by relay.example\r\n" + refolded + b"\r\n\r\n") == [True, True]


def test_a_signature_has_no_time_and_no_length() -> None:
    head = dkim.sign(compose(MAIL), BOTH).partition(b"\r\nDate:")[0]
    assert not re.search(rb"[; ](?:t|x|l)=", head)


def test_the_record_of_an_rsa_key_says_its_kind() -> None:
    assert RSA.record_name == "rsa-2026-11._domainkey.letters.picket.example"
    assert dkim.dns_record(RSA).startswith("v=DKIM1; k=rsa; p=MIIBIjAN")
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=", dkim.dns_record(ED25519))


def test_a_key_does_not_show_itself() -> None:
    assert "private" not in repr(RSA)


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    hidden = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden
    )


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: pem(rsa.generate_private_key(65537, 1024)), "1024 bits"),  # noqa: S505 - on purpose
        (lambda: pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "without a password"),
        (lambda: b"no key", "not a private key in PEM"),
        (lambda: b"", "not a private key in PEM"),
    ],
    ids=["short", "other kind", "encrypted", "no key", "empty"],
)
def test_a_key_that_cannot_sign_is_refused_with_a_sentence(made, reason: str) -> None:
    with pytest.raises(dkim.KeyRefused, match=reason):
        dkim.load_key(DOMAIN, "rsa-2026-11", made())


@pytest.mark.parametrize(
    ("domain", "selector"),
    [
        ("letters.example;", "a"),
        ("letters example", "a"),
        ("letters.example", "a\r\nb"),
        ("letters.example", ""),
        ("Letters.example", "a"),
        ("letters.example", "%b"),
        ("é.example", "a"),
    ],
)
def test_names_that_dns_would_not_have_are_refused(domain: str, selector: str) -> None:
    with pytest.raises(dkim.KeyRefused, match="not a DNS name"):
        dkim.load_key(domain, selector, dkim.new_key(dkim.KeyKind.ED25519))
