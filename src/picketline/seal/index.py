"""Equality without reading: keyed hashes of canonical addresses, and aliases that tell nothing.

Whoever holds the key and a list of addresses can test which of them are here; these hashes
protect a stolen database, not a server that was taken over.
"""

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# Two digits of RFC 4648's base32 for each ten bits: the standard library takes three times as long.
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
HASH_BYTES = 16
KEY_BYTES = 32


def blind_index(root: bytes, campaign: str, canonical: str) -> bytes:
    """16 bytes, equal exactly for equal canonical addresses within one campaign.

    `campaign` is anything that never changes for the campaign, such as its id as text. The key is
    HKDF-SHA256 of the 32-byte `root` and the campaign, so two campaigns cannot be compared.
    """
    info = b"picketline/index/" + campaign.encode()
    key = HKDF(SHA256(), length=KEY_BYTES, salt=None, info=info).derive(_checked(root))
    return keyed_hash(key, canonical)


def keyed_hash(key: bytes, canonical: str) -> bytes:
    """16 bytes of HMAC-SHA256 under a 32-byte key that serves this one purpose."""
    return hmac.digest(_checked(key), canonical.encode(), "sha256")[:HASH_BYTES]


def nonce_alias(key: bytes, message_id: str) -> str:
    """26 characters of lower-case base32 for a reply alias or an envelope sender.

    The same Message-ID always has the same alias; without the key nobody can make one.
    """
    bits = int.from_bytes(keyed_hash(key, message_id), "big") << 2  # 128 and 2 are 13 times 10
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError("a key for an index is 32 bytes long")
    return key
