"""Seal bytes to an X25519 public key: who seals cannot open.

Format of a sealed box, in bytes::

    0       version, 0x01
    1..4    key id: the first four bytes of SHA-256("picketline/box/key-id" | recipient's key)
    5..36   the sender's ephemeral X25519 public key
    37..    AES-256-GCM ciphertext, then the 16-byte tag

The shared secret goes through HKDF-SHA256 (RFC 5869, no salt); ``info`` is
``"picketline/box/v1" | ephemeral key | recipient's key | context``. Of its 44 bytes the first 32
are the AES key and the last 12 the nonce. Each ephemeral key is used once per context, so no pair
of key and nonce ever repeats. The additional data is the version byte followed by the context.
A box is 53 bytes longer than its plaintext.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from picketline.seal.secretbox import CannotOpen

__all__ = [
    "OVERHEAD",
    "CannotOpen",
    "KeyPair",
    "Opener",
    "generate",
    "key_id",
    "open_box",
    "part_context",
    "public_half",
    "seal",
    "seal_many",
    "sealed_to",
]

OVERHEAD = 53

_VERSION = b"\x01"
_KEY_ID = slice(1, 5)
_EPHEMERAL = slice(5, 37)
_INFO = b"picketline/box/v1"


@dataclass(frozen=True)
class KeyPair:
    """An X25519 pair as raw bytes, 32 each. The private half stays out of `repr`."""

    private: bytes = field(repr=False)
    public: bytes


def generate() -> KeyPair:
    """Make a new pair."""
    private = X25519PrivateKey.generate()
    return KeyPair(private.private_bytes_raw(), private.public_key().public_bytes_raw())


def public_half(private: bytes) -> bytes:
    """The public key that belongs to a private one. Raises ValueError on a wrong length."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def key_id(public: bytes) -> bytes:
    """Four bytes that tell apart the keys of an installation; not a proof of anything."""
    return sha256(b"picketline/box/key-id" + public).digest()[:4]


def sealed_to(blob: bytes) -> bytes:
    """The key id in a box, to find its key among several.

    Raises CannotOpen where the blob is no box.
    """
    if blob[:1] != _VERSION or len(blob) < OVERHEAD:
        raise CannotOpen("this is not a sealed box of version 1")
    return blob[_KEY_ID]


def part_context(context: bytes, name: str) -> bytes:
    """The context that opens the part `name` of what `seal_many` sealed."""
    if "|" in name:
        raise ValueError("the name of a part has no '|' in it")
    return context + b"|" + name.encode()


def seal(public: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Seal `plaintext` to the holder of the private half of `public`.

    The context (for example ``b"letter|12|words"``) is not stored and must be given again to open.
    Raises ValueError where `public` is not a usable X25519 key.
    """
    return _Sender(public).box(plaintext, context)


def seal_many(public: bytes, parts: Mapping[str, bytes], context: bytes) -> dict[str, bytes]:
    """Seal several parts of one row for the price of one key agreement.

    Each part becomes a box of its own, with its own derived key and nonce: it can be stored,
    deleted and opened without the others: `open_box(private, blob, part_context(context, name))`.
    The boxes show that they were sealed together, as their row does anyway.
    """
    sender = _Sender(public)
    return {name: sender.box(text, part_context(context, name)) for name, text in parts.items()}


def open_box(private: bytes, blob: bytes, context: bytes) -> bytes:
    """Give back what `seal` took.

    Raises CannotOpen where the box is damaged, for another key or of another context, and
    ValueError where `private` is not 32 bytes long, which is a fault of the program.
    """
    return Opener(private).open(blob, context)


class Opener:
    """Opens the boxes of one row that were sealed together, for the price of one key agreement."""

    def __init__(self, private: bytes) -> None:
        """`private` is the recipient's private key. Raises ValueError unless it has 32 bytes."""
        self._key, self._public = _recipient(private)
        self._ephemeral, self._shared = b"", b""

    def open(self, blob: bytes, context: bytes) -> bytes:
        """Give back what `seal` took. Raises CannotOpen, as `open_box` does."""
        if sealed_to(blob) != key_id(self._public):
            raise CannotOpen("the sealed box is for another key")
        ephemeral = blob[_EPHEMERAL]
        try:
            if ephemeral != self._ephemeral:
                self._shared = self._key.exchange(X25519PublicKey.from_public_bytes(ephemeral))
                self._ephemeral = ephemeral
            cipher, nonce = _derive(self._shared, ephemeral, self._public, context)
            return cipher.decrypt(nonce, blob[_EPHEMERAL.stop :], _VERSION + context)
        except (InvalidTag, ValueError):  # ValueError: an ephemeral key of low order
            raise CannotOpen("the sealed box is damaged, or of another context") from None


@lru_cache(maxsize=64)
def _recipient(private: bytes) -> tuple[X25519PrivateKey, bytes]:
    """The key as an object, and its public half: making them costs as much as an agreement."""
    key = X25519PrivateKey.from_private_bytes(private)
    return key, key.public_key().public_bytes_raw()


class _Sender:
    """One ephemeral key and its agreement with one recipient; never kept beyond a call."""

    def __init__(self, public: bytes) -> None:
        private = X25519PrivateKey.generate()
        self._shared = private.exchange(X25519PublicKey.from_public_bytes(public))
        self._ephemeral = private.public_key().public_bytes_raw()
        self._public = public

    def box(self, plaintext: bytes, context: bytes) -> bytes:
        """One box; called at most once per context, or a nonce would repeat."""
        cipher, nonce = _derive(self._shared, self._ephemeral, self._public, context)
        head = _VERSION + key_id(self._public) + self._ephemeral
        return head + cipher.encrypt(nonce, plaintext, _VERSION + context)


def _derive(shared: bytes, ephemeral: bytes, public: bytes, context: bytes) -> tuple[AESGCM, bytes]:
    info = _INFO + ephemeral + public + context
    material = HKDF(algorithm=SHA256(), length=44, salt=None, info=info).derive(shared)
    return AESGCM(material[:32]), material[32:]
