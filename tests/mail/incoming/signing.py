"""Signed mail for the tests, by dkimpy, and the records that its signatures need."""

import base64
import random

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.dns_server import DnsServer

HEADER = (
    b"From: Anna <anna@union.example>\r\n"
    b"To: director@company.example\r\n"
    b"Cc: zhanaozen@copies.picket.example\r\n"
    b"Subject: Free the prisoners\r\n"
    b"Date: Sat, 17 Dec 2011 10:00:00 +0000\r\n"
)
MAIL = HEADER + b"\r\nDear Director,\r\n"
SIGNED_FIELDS = (b"from", b"to", b"cc", b"subject", b"date", b"from")


def strong_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def record(key: rsa.RSAPrivateKey) -> bytes:
    """The key as a DKIM record."""
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def weak_pair() -> tuple[bytes, bytes]:
    """A private key of 768 bits as PEM, and its record: no library of today makes such keys."""
    source = random.Random(7)  # noqa: S311 - it protects nothing
    p, q = _prime(source), _prime(source)
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = [0, p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p)]
    private, public = _sequence(numbers), _sequence([p * q, 65537])
    begin, end = (f"-----{word} RSA PRIVATE KEY-----\n".encode() for word in ("BEGIN", "END"))
    return begin + base64.encodebytes(private) + end, b"k=rsa; p=" + base64.b64encode(public)


def publish(dns: DnsServer, name: str, value: bytes) -> None:
    """Add a TXT record, in strings of the length that one may have."""
    text = value.decode()
    pieces = [text[start : start + 250] for start in range(0, len(text), 250)]
    dns.add(f"{name} TXT " + " ".join(f'"{piece}"' for piece in pieces))


def signed(
    mail: bytes,
    private: bytes,
    *,
    domain: str = "union.example",
    selector: str = "s1",
    fields: tuple[bytes, ...] = SIGNED_FIELDS,
    algorithm: bytes = b"rsa-sha256",
    length: bool = False,
) -> bytes:
    """`mail` with a signature on top; `length` limits it to the body's present length."""
    signer = dkim.DKIM(mail)
    field: bytes = signer.sign(
        selector.encode(),
        domain.encode(),
        private,
        signature_algorithm=algorithm,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=list(fields),
        length=length,
    )
    return field + mail


def _prime(source: random.Random) -> int:
    while True:
        number = source.getrandbits(384) | (3 << 382) | 1
        if pow(2, number - 1, number) == 1 and (number - 1) % 65537:
            return number


def _sequence(numbers: list[int]) -> bytes:
    """Integers in DER, as PKCS #1 has them."""
    octets = [number.to_bytes(number.bit_length() // 8 + 1, "big") for number in numbers]
    return _tagged(0x30, b"".join(_tagged(0x02, each) for each in octets))


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content
