"""Lines of the relay's log, each taken in once: evidence, relay statuses, probes seen.

Several processes may read the log of one relay: who holds the row of ``RelayLog`` reads on, the
others leave it to them. What was read and what it says are committed together.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone
from psycopg import errors

from picketline.domain import notices, pacing
from picketline.domain.relay import health, notes
from picketline.domain.relay.notes import Note
from picketline.mail.log_file import Position, Reading, read_on
from picketline.mail.postfix_log import Kind, LogEvent, damaged, read_line
from picketline.models import RelayLog

log = logging.getLogger(__name__)

STEP = 1 << 22
STEPS = 8
# Where the log's file system has less than this left, lines may be missing without a trace.
ROOM = 1 << 20
REMEMBERED = 50_000
IDLE = timedelta(seconds=20)
# Workers that write results down go first: PostgreSQL would end one of two that wait for each
# other after a second, and that shall never be a worker.
_GIVE_WAY = "SET LOCAL lock_timeout = '200ms'"


@dataclass
class Reader:
    """One process's way through the log of one relay.

    It remembers whose mail a queue id is; the database knows what it has forgotten.
    """

    relay: str
    path: Path
    _owners: dict[str, int | None] = field(default_factory=dict, init=False)
    _begun: bool = field(default=False, init=False)
    _told: str = field(default="", init=False)

    def read(self) -> None:
        """Read on to the end of the log, unless another process is at it."""
        for _ in range(STEPS):
            try:
                with transaction.atomic():
                    reading = self._step()
            except OperationalError as fault:
                if isinstance(fault.__cause__, errors.LockNotAvailable):
                    return  # nothing was taken in: the lines are there at the next pass
                raise
            self._begun = self._begun or reading is not None
            if reading is None or not reading.more:
                return

    def _step(self) -> Reading | None:
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_WAY)
        row = _locked(self.relay)
        if row is None:
            return None
        position = _position(row)
        reading = read_on(self.path, position, STEP)
        if reading.position is None or (not reading.whole and reading.position == position):
            self._tell(reading.reason)
            return None  # unread is not lost: whether it is will show once it can be read
        if not self._begun:
            health.note_boot(self.relay)
        found = self._note(reading.lines)
        trouble = self._doubt(reading)
        self._tell(trouble)
        if trouble:
            health.begin(self.relay)
            _move(row, reading.position)
        elif reading.position != position or _long_ago(row):
            health.extend(self.relay)
            _move(row, reading.position)
        _tell_pacing(found)
        return reading

    def _doubt(self, reading: Reading) -> str:
        """Why lines may be missing before the end of what was read; empty if none can be."""
        if not reading.whole:
            return reading.reason
        if any(map(damaged, reading.lines)):
            return "the log is damaged"
        return _lack_of_room(self.path)

    def _note(self, lines: Iterable[str]) -> list[Note]:
        """Write down what the lines say of mails of ours; in their order."""
        events = [event for line in lines if (event := read_line(line)) is not None]
        if not events:
            return []
        if any(event.kind is Kind.STARTED for event in events):
            health.note_start(self.relay)
        senders = {event.sender for event in events if event.kind is Kind.QUEUED}
        found = notes.deliveries_of(senders)
        notes.see_probes(self.relay, senders)
        asked = {event.queue_id for event in events if event.kind in notes.STATUSES}
        self._owners |= notes.owners_of(self.relay, asked - self._owners.keys())
        about_us = [note for event in events if (note := self._of(event, found)) is not None]
        notes.write(about_us)
        self._forget()
        return about_us

    def _of(self, event: LogEvent, found: dict[str, int]) -> Note | None:
        """The event as one of a delivery of ours.

        A queue id belongs to the sender that the queue manager named with it last.
        """
        if event.kind in (Kind.QUEUED, Kind.REMOVED):
            self._owners.pop(event.queue_id, None)
        if event.kind is Kind.QUEUED:
            self._owners[event.queue_id] = found.get(event.sender)
        owner = self._owners.get(event.queue_id)
        return None if owner is None else Note(owner, event)

    def _forget(self) -> None:
        for queue_id in list(self._owners)[: len(self._owners) - REMEMBERED]:
            del self._owners[queue_id]

    def _tell(self, trouble: str) -> None:
        """Log a trouble once, until it is another one or over."""
        if trouble and trouble != self._told:
            log.warning("evidence of %s: %s", self.relay, trouble)
        self._told = trouble


def _tell_pacing(found: Sequence[Note]) -> None:
    """Whoever refuses us is left in peace, and organisers are told: a person decides."""
    events = [(note.owner, note.event) for note in found]
    notices.tell_of_blocks(pacing.note_relay_events(events))


def _locked(relay: str) -> RelayLog | None:
    """How far the log was read, to be read on by this transaction; None where another is at it."""
    rows = RelayLog.objects.filter(relay=relay)
    row = rows.select_for_update(skip_locked=True).first()
    if row is None and not rows.exists():
        begun = RelayLog(relay=relay, inode=0, offset=0, mark=b"", read_at=Now())
        RelayLog.objects.bulk_create([begun], ignore_conflicts=True)
        row = rows.select_for_update(skip_locked=True).first()
    return row


def _move(row: RelayLog, position: Position) -> None:
    row.inode, row.offset = position.inode, position.offset
    row.mark = bytes.fromhex(position.mark)
    row.read_at = Now()
    row.save()


def _long_ago(row: RelayLog) -> bool:
    """Whether it is time to write down again that the log is read, though nothing is new."""
    return abs(timezone.now() - row.read_at) > IDLE


def _position(row: RelayLog) -> Position | None:
    return Position(row.inode, row.offset, bytes(row.mark).hex()) if row.inode else None


def _lack_of_room(path: Path) -> str:
    try:
        state = os.statvfs(path)
    except OSError:
        return ""  # between two names: the next reading finds it
    scarce = state.f_bavail * state.f_frsize < ROOM
    return "the file system of the log is full" if scarce else ""
