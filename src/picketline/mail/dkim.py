"""DKIM signatures (RFC 6376, RFC 8463), relaxed in header and body.

The same message and key give the same bytes for ever: there is no time in a signature, and both
algorithms are deterministic. RSA is for every verifier, Ed25519 for those who know it; a message
may carry both, and each of them stands alone.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

SIGNED = frozenset(
    b"from reply-to to cc subject date message-id auto-submitted list-unsubscribe "
    b"list-unsubscribe-post mime-version content-type content-transfer-encoding "
    b"content-language".split()
)
"""The fields a signature covers where a message has them: all that we write, in small letters."""

_SHOWN = (b"from", b"reply-to", b"to", b"cc", b"subject", b"date")
_LEAST_RSA_BITS, _MOST_RSA_BITS = 2048, 4096  # RFC 8301 §3.2
_LABELS = re.compile(r"(?=.{1,200}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*")
_SPACES = re.compile(rb"[ \t]+")
_COLUMNS = 72


class KeyRefused(ValueError):
    """A key that cannot sign mail of ours; the message is a sentence that says why."""


class KeyKind(StrEnum):
    """The two algorithms that anybody verifies."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A private key and where its public half is published: `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def record_name(self) -> str:
        """The name of the TXT record that `dns_record` is the value of."""
        return f"{self.selector}._domainkey.{self.domain}"


def new_key(kind: KeyKind) -> bytes:
    """A fresh private key as PEM (PKCS #8, not encrypted); RSA has 2048 bits."""
    private: RSAPrivateKey | Ed25519PrivateKey
    if kind is KeyKind.RSA:
        private = generate_private_key(public_exponent=65537, key_size=_LEAST_RSA_BITS)
    else:
        private = Ed25519PrivateKey.generate()
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_key(domain: str, selector: str, pem: bytes) -> DkimKey:
    """The key in `pem`. Raises `KeyRefused`."""
    for name in (domain, selector):
        if not _LABELS.fullmatch(name):
            raise KeyRefused(f"{name!r} is not a DNS name in small letters, digits and hyphens.")
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRefused("This is not a private key in PEM without a password.") from None
    if isinstance(private, RSAPrivateKey):
        if not _LEAST_RSA_BITS <= private.key_size <= _MOST_RSA_BITS:
            raise KeyRefused(
                f"This RSA key has {private.key_size} bits: "
                "verifiers ignore less than 2048, and many of them more than 4096."
            )
    elif not isinstance(private, Ed25519PrivateKey):
        raise KeyRefused("This key is neither RSA nor Ed25519: no other kind signs mail.")
    return DkimKey(domain, selector, private)


def dns_record(key: DkimKey) -> str:
    """The value of the key's TXT record (RFC 6376 §3.6.1); an RSA key's has about 400 characters.

    DNS keeps it in strings of at most 255 octets, which readers join without a space.
    """
    if isinstance(key.private, RSAPrivateKey):
        kind = KeyKind.RSA
        public = key.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    else:
        kind = KeyKind.ED25519
        public = key.private.public_key().public_bytes_raw()
    return f"v=DKIM1; k={kind}; p={b64encode(public).decode('ascii')}"


def sign(message: bytes, keys: Sequence[DkimKey]) -> bytes:
    """The message with a DKIM-Signature of each key in front of it; none of them covers another.

    `message` has CRLF line ends. Fields that readers are shown are named once more than they
    occur, so that adding another breaks the signature (RFC 6376 §8.15).
    """
    head, _, body = message.partition(b"\r\n\r\n")
    names, fields = _canonical_fields(head)
    body_hash = b64encode(sha256(_canonical_body(body)).digest())
    signatures = [_signature(key, names, fields, body_hash) for key in keys]
    return b"".join([*signatures, message])


def _signature(key: DkimKey, names: tuple[bytes, ...], fields: bytes, body_hash: bytes) -> bytes:
    """The whole field. What is signed has its line breaks undone and nothing after `b=`."""
    is_rsa = isinstance(key.private, RSAPrivateKey)
    value = _template(key.domain, key.selector, is_rsa, names) % body_hash
    covered = fields + b"dkim-signature:" + value.replace(b"\r\n ", b" ")
    if isinstance(key.private, RSAPrivateKey):
        signature = key.private.sign(covered, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.private.sign(sha256(covered).digest())  # RFC 8463 §3
    letters = b64encode(signature)
    lines = [letters[start : start + _COLUMNS] for start in range(0, len(letters), _COLUMNS)]
    return b"DKIM-Signature: %b%b\r\n" % (value, b"\r\n ".join(lines))


@lru_cache(maxsize=64)
def _template(domain: str, selector: str, is_rsa: bool, names: tuple[bytes, ...]) -> bytes:
    """The value up to `b=`, with a place for the body's hash."""
    lines, line = [], b" h="
    for name in names:
        if len(line) + len(name) > _COLUMNS:
            lines.append(line)
            line = b" "
        line += name + b":"
    lines.append(line[:-1])
    algorithm = "rsa-sha256" if is_rsa else "ed25519-sha256"
    start = f"v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={domain};\r\n s={selector};\r\n"
    return start.encode("ascii") + b"\r\n".join(lines) + b";\r\n bh=%b;\r\n b="


def _canonical_fields(head: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """The names for `h=` and the fields as they are hashed (RFC 6376 §3.4.2).

    Of fields with one name the last comes first (§5.4.2).
    """
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    names, fields = [], []
    for line in reversed(unfolded.split(b"\r\n")):
        name, _, value = line.partition(b":")
        name = name.rstrip(b" \t").lower()
        if name in SIGNED:
            names.append(name)
            fields.append(b"%b:%b\r\n" % (name, _SPACES.sub(b" ", value).strip(b" ")))
    return (*names, *_SHOWN), b"".join(fields)


def _canonical_body(body: bytes) -> bytes:
    """The body as it is hashed (RFC 6376 §3.4.4)."""
    if b"\t" in body or b"  " in body or b" \r\n" in body:
        body = _SPACES.sub(b" ", body).replace(b" \r\n", b"\r\n")
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else b""
