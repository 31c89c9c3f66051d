"""Fingerprints: the same message, taken in twice, is sorted once."""

from __future__ import annotations

import hmac
import re

from picketline.domain.keyring import worker_keys

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def fingerprint(recipient: str, message_id: str, raw: bytes) -> bytes:
    """32 bytes that are the same for every arrival of one message at one address of ours.

    Of the header only the Message-ID counts, and line ends do not: every way here has its own.
    Keyed, so that nobody can test a stolen database for a message they have a copy of.
    """
    gap = _BLANK_LINE.search(raw)
    body = (raw[gap.end() :] if gap else raw).replace(b"\r\n", b"\n")
    parts = [recipient.lower().encode("utf-8", "replace"), message_id.encode("utf-8", "replace")]
    digest = hmac.new(worker_keys().envelope, b"incoming|", "sha256")
    for part in (*parts, body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
