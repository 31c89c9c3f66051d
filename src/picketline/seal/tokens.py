"""Secret links: tokens, what follows from them, and the only thing stored of them, a hash.

A token is 32 characters of lower-case base32 (160 random bits), so that it survives mail clients,
line wrapping and being read aloud. Derivation goes one way: the confirm link's token yields the
status link's, and nothing leads back. What `token_hash` and `link_key` make of
a token are independent: whoever reads the database has the hash and still no key.
"""

import os
import re
from base64 import b32encode
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

TOKEN_BYTES = 20
TOKEN_LENGTH = 32

CONFIRM = "confirm"
STATUS = "status"

_SHAPE = re.compile(r"[a-z2-7]{32}")


def new_token() -> str:
    """A fresh token from the system's random source."""
    return _spell(os.urandom(TOKEN_BYTES))


def well_formed(token: str) -> bool:
    """Whether this can be a token at all: a cheap check before any look in the database."""
    return _SHAPE.fullmatch(token) is not None


def derive(token: str, purpose: str) -> str:
    """The token for `purpose` (such as `STATUS`) that follows from a token higher up."""
    return _spell(_expand(token, "derive/" + purpose, TOKEN_BYTES))


def link_key(status_token: str) -> bytes:
    """The 32-byte key, for `secretbox`, of what the bearer of a status link may read."""
    return _expand(status_token, "link-key", 32)


def token_hash(token: str, purpose: str) -> bytes:
    """32 bytes to store and look up instead of the token; of no use for another purpose.

    A plain hash suffices: a token has 160 random bits and cannot be guessed.
    """
    return sha256(f"picketline/token/{purpose}|{token}".encode()).digest()


def _expand(token: str, info: str, length: int) -> bytes:
    hkdf = HKDF(SHA256(), length=length, salt=None, info=f"picketline/token/{info}".encode())
    return hkdf.derive(token.encode())


def _spell(raw: bytes) -> str:
    return b32encode(raw).decode().lower()
