"""Follow a log file across rotations, and say when nobody can know what was in between.

Whoever concludes something from a line that is *not* there must know that nothing was missed.
``read_on`` therefore proves continuity or says that it cannot: the file is the one that was read
(its inode), it still holds what was read (a hash of the last octets), and every file that was
written since is there to be read.

Files must be rotated by renaming, to the same name with something after it (``maillog.1``,
``maillog.20260801-030000``), and stay uncompressed until they have been read.
"""

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

_REMEMBERED = 256  # octets before the position
_LEAST = 65536
_PACKED = frozenset({".gz", ".bz2", ".xz", ".zst", ".lz4"})


@dataclass(frozen=True, slots=True)
class Position:
    """How far a log was read: to be kept as it is and given to the next call.

    ``mark`` is the SHA-256, in hexadecimal, of the up to 256 octets before ``offset``.
    """

    inode: int
    offset: int
    mark: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. ``lines`` are complete, in the order of the log, without their line ends.

    ``whole`` says that nothing can be missing between the position that was given and these
    lines; else ``reason`` is a sentence without personal data, and ``position`` is either the old
    one (to be tried again) or a fresh start. ``more`` says that the limit was reached.
    """

    lines: tuple[str, ...]
    position: Position | None
    whole: bool
    reason: str = ""
    more: bool = False


class _Lost(Exception):
    """Continuity cannot be proven; the text says why."""


def read_on(path: Path, position: Position | None, limit_bytes: int = 1 << 22) -> Reading:
    """The lines since ``position``, about ``limit_bytes`` of them (65536 at least).

    Without a position, and where continuity is lost, reading starts at the beginning of the file
    that is at ``path`` now, and ``whole`` is False for that call. An unfinished last line is left
    for the next one. A renamed file is left only when its successor holds something: its writer
    goes on in it until told to reopen. After odd rotations a line may come twice, but none is
    left out. Raises nothing for a log that cannot be read: it is a Reading with a ``reason``.
    """
    limit = max(limit_bytes, _LEAST)
    try:
        if position is None:
            return _afresh(path, "the log is read for the first time", limit)
        with ExitStack() as opened:
            try:
                return _through(_chain(path, position, opened), position, limit)
            except _Lost as loss:
                return _afresh(path, str(loss), limit)
    except OSError as fault:
        return Reading((), position, False, f"the log cannot be read: {fault.strerror}")


def _afresh(path: Path, reason: str, limit: int) -> Reading:
    with path.open("rb") as file:
        lines, more = _lines(file, limit)
        return Reading(lines, _position(file), False, reason, more)


def _through(files: list[BinaryIO], position: Position, limit: int) -> Reading:
    """Read the first file from ``position`` and all others from their beginning."""
    _enter(files[0], position)
    found: list[str] = []
    for file in files:
        before = file.tell()
        lines, more = _lines(file, limit)
        found += lines
        limit -= file.tell() - before
        if more or limit <= 0 or file is files[-1]:
            break
        if file.read(1):
            raise _Lost("a rotated log ends in the middle of a line")
    return Reading(tuple(found), _position(file), True, more=more or file is not files[-1])


def _chain(path: Path, position: Position, opened: ExitStack) -> list[BinaryIO]:
    """The file of ``position`` and all that were written to after it, in their order.

    Files without content are left out: only a line in a later file shows that the writer of an
    earlier one is gone, and so that its end is its end. That is why all are opened and measured
    before any is read.
    """
    current = _opened(path, opened)
    if current is not None and os.fstat(current.fileno()).st_ino == position.inode:
        return [current]
    others = {name: _opened(name, opened) for name in sorted(path.parent.glob(f"{path.name}.*"))}
    files = [file for name, file in others.items() if file and name.suffix not in _PACKED]
    first = next((f for f in files if os.fstat(f.fileno()).st_ino == position.inode), None)
    if first is None:
        raise _Lost("the file that was read last is gone")
    _refuse_packed(others, first)
    later = [f for f in files if f is not first and _age(f) >= _age(first)]
    later.sort(key=_age)
    if current is not None:
        later.append(current)
    return [first, *(file for file in later if os.fstat(file.fileno()).st_size)]


def _opened(path: Path, opened: ExitStack) -> BinaryIO | None:
    """A regular file, open; None where there is none, or no longer."""
    try:
        if not S_ISREG(path.stat().st_mode):
            return None
        return opened.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None


def _age(file: BinaryIO) -> tuple[int, int]:
    """Sorts files by their last line, and by their renaming where that is the same moment."""
    status = os.fstat(file.fileno())
    return status.st_mtime_ns, status.st_ctime_ns


def _refuse_packed(others: dict[Path, BinaryIO | None], first: BinaryIO) -> None:
    """Compressors keep the time of the last change, so a packed log that is missing shows."""
    for name, file in others.items():
        unread = file and name.suffix in _PACKED and others.get(name.with_suffix("")) is None
        if file and unread and _age(file)[0] >= _age(first)[0]:
            raise _Lost("a rotated log was compressed before it was read")


def _enter(file: BinaryIO, position: Position) -> None:
    """Go to the position, if the file still has what was read before it."""
    if os.fstat(file.fileno()).st_size < position.offset:
        raise _Lost("the log was truncated")
    file.seek(position.offset)
    if _position(file) != position:
        raise _Lost("the log was replaced")


def _position(file: BinaryIO) -> Position:
    offset = file.tell()
    file.seek(max(0, offset - _REMEMBERED))
    mark = hashlib.sha256(file.read(offset - file.tell())).hexdigest()
    return Position(os.fstat(file.fileno()).st_ino, offset, mark)


def _lines(file: BinaryIO, limit: int) -> tuple[tuple[str, ...], bool]:
    """The complete lines from here on, within the limit, and whether that was reached.

    The file is left after the last of them. A single line longer than the limit comes whole.
    """
    start = file.tell()
    octets = file.read(limit)
    more = len(octets) == limit
    if more and b"\n" not in octets:
        octets += file.readline()
    end = octets.rfind(b"\n") + 1
    file.seek(start + end)
    return tuple(octets[:end].decode("utf-8", "replace").split("\n")[:-1]), more
