"""What the demo's mail server accepted, kept in a folder so that it survives a restart.

Each envelope recipient of a message gets an entry of its own: ``<id>.eml``, the bytes as they came,
and ``<id>.json``, who it was for and from. An entry exists once its JSON file has its name.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One message in one mailbox; ``received`` is an ISO 8601 time in UTC.

    ``sender`` is the envelope's, which a real server writes into Return-Path: what cannot be
    delivered goes back there. Empty for what is itself a notice of that kind.
    """

    id: str
    mailbox: str
    received: str
    sender: str = ""


class Received:
    """The entries below a folder, oldest first. Safe for several threads, for one process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._entries = {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}

    def keep(self, sender: str, recipients: Sequence[str], content: bytes) -> list[Entry]:
        """Put a message into the mailbox of each recipient; on disk when this returns.

        Raises ``OSError``, and then keeps it for none of them.
        """
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        stem = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        mailboxes = dict.fromkeys(address.lower() for address in recipients)
        entries = [
            Entry(f"{stem}-{number}", mailbox, moment, sender)
            for number, mailbox in enumerate(mailboxes)
        ]
        try:
            for entry in entries:
                self._write(f"{entry.id}.eml", content)
            for entry in entries:
                self._write(f"{entry.id}.json", json.dumps(asdict(entry)).encode())
            _flush(self._folder)
        except OSError:
            for entry in entries:
                for ending in ("json", "eml"):
                    (self._folder / f"{entry.id}.{ending}").unlink(missing_ok=True)
            raise
        with self._lock:
            self._entries.update({entry.id: entry for entry in entries})
        return entries

    def entries(self) -> list[Entry]:
        """All entries, oldest first."""
        with self._lock:
            return list(self._entries.values())

    def find(self, entry_id: str) -> Entry | None:
        """The entry with this id; ``None`` where there is none."""
        return self._entries.get(entry_id)

    def original(self, entry: Entry) -> bytes:
        """The message as it came over the wire."""
        return (self._folder / f"{entry.id}.eml").read_bytes()

    def _write(self, name: str, content: bytes) -> None:
        draft = self._folder / f"{name}.new"
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._folder / name)


def _read(path: Path) -> Entry:
    return Entry(**json.loads(path.read_text(encoding="utf-8")))


def _flush(folder: Path) -> None:
    """Make the names in a folder as durable as the files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
