"""Lock bytes under a symmetric key: AES-256-GCM with a random nonce.

Format of a locked box, in bytes::

    0       version, 0x01
    1..12   nonce, random
    13..    ciphertext, then the 16-byte tag

The additional data is the version byte followed by the caller's context, so that a box moved to
another row, column or campaign does not open. A box is 29 bytes longer than its plaintext.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
OVERHEAD = 29

_VERSION = b"\x01"
_NONCE = slice(1, 13)


class CannotOpen(Exception):
    """The box is damaged, of another key, of another context, or not a box at all."""


def lock(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    """Lock `plaintext` under a 32-byte `key`; only the same `context` opens it again."""
    nonce = os.urandom(12)
    return _VERSION + nonce + _cipher(key).encrypt(nonce, plaintext, _VERSION + context)


def unlock(key: bytes, blob: bytes, context: bytes) -> bytes:
    """Give back what `lock` took.

    Raises CannotOpen on anything wrong with the blob, and ValueError where the key is not
    32 bytes long, which is a fault of the program.
    """
    cipher = _cipher(key)
    if blob[:1] != _VERSION or len(blob) < OVERHEAD:
        raise CannotOpen("this is not a locked box of version 1")
    try:
        return cipher.decrypt(blob[_NONCE], blob[_NONCE.stop :], _VERSION + context)
    except InvalidTag:
        raise CannotOpen("the locked box is damaged, or of another key or context") from None


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError("a key for a locked box is 32 bytes long")
    return AESGCM(key)
