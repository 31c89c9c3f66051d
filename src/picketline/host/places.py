"""Where a data folder's database lives, and who may serve it.

Below the data folder, in `database/`:

    lock          held by the one launcher, for its life; says its process number
    elsewhere     only when the cluster had to be kept outside: the folder that holds it
    sockets-at    while a server runs: the folder of its socket

and, there or in that other folder: `cluster/` (PostgreSQL's own files), `sockets/`, `server.log`,
`postgresql.conf`, `pg_hba.conf`. Only folders made here ever get a mode or an owner.
"""

import fcntl
import hashlib
import logging
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from picketline.host.accounts import Account
from picketline.host.faults import (
    AlreadyRunning,
    ClusterMissing,
    ClusterOfAnotherUser,
    FolderUnusable,
    usable,
)
from picketline.host.passwords import password_file, write_secret

SHELTER = Path("/var/lib/picketline")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """The folder that holds a cluster and what belongs to it."""

    folder: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / "cluster"

    @property
    def log(self) -> Path:
        """The server's log; the previous one stands beside it."""
        return self.folder / "server.log"


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder with exactly this mode; one that exists is left as it is."""
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(mode)


def prepare(data: Path) -> None:
    """Make the data folder and its `database/`, open to other users only as far as root needs."""
    mode = 0o711 if os.geteuid() == 0 else 0o700
    with usable(data):
        data.parent.mkdir(parents=True, exist_ok=True)
        make_folder(data, mode)
        make_folder(data / "database", mode)


def lock(data: Path) -> int:
    """Take the data folder for ourselves; the open file returned holds it until it is closed.

    Raises AlreadyRunning, FolderUnusable.
    """
    with usable(data):
        file = os.open(data / "database" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 20).strip()
            os.close(file)
            raise AlreadyRunning(data, int(holder) if holder.isdigit() else 0) from None
        os.ftruncate(file, 0)
        os.write(file, b"%d\n" % os.getpid())
    return file


def known_place(data: Path) -> Place:
    """Where the records of this data folder say that its cluster is, or would be."""
    record = data / "database" / "elsewhere"
    with usable(data):
        if record.exists():
            return Place(Path(record.read_text("utf-8").strip()))
    return Place(data / "database")


def settle(data: Path, account: Account, shelter: Path) -> Place:
    """The place of the cluster; a new one is chosen where `account` can reach it.

    Raises ClusterMissing, ClusterOfAnotherUser, FolderUnusable.
    """
    place = known_place(data)
    with usable(data):
        if place.cluster.exists():
            check_owner(place.cluster, account)
            return place
        if password_file(data, "owner").exists():
            raise ClusterMissing(
                f"The database that {data} belongs to is not in {place.cluster}. Put it back; or, "
                f"to begin with an empty one, delete {password_file(data, 'owner')}."
            )
    if account.enters(place.folder):
        return place
    return settle_elsewhere(data, account, shelter)


def check_owner(cluster: Path, account: Account) -> None:
    """Raise ClusterOfAnotherUser unless the cluster belongs to the account."""
    owner = cluster.stat().st_uid
    if owner != account.uid:
        raise ClusterOfAnotherUser(
            f"The database in {cluster} belongs to user number {owner}, not to {account.name} "
            f"(number {account.uid}). Start Picketline as the user that started it the first time."
        )


def settle_elsewhere(data: Path, account: Account, shelter: Path) -> Place:
    """A fresh folder below `shelter`, which is made when missing, noted in the data folder."""
    open_shelter(shelter)
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    with usable(shelter):
        folder = Path(tempfile.mkdtemp(prefix=f"{digest}-", dir=shelter))
        folder.chmod(0o711)
    if not account.enters(folder):
        folder.rmdir()
        raise FolderUnusable(
            f"The user {account.name}, which runs the database, can enter neither {data} nor "
            f"{shelter}. Choose another folder with PICKETLINE_DATA, or do not start as root."
        )
    with usable(data):
        write_secret(data / "database" / "elsewhere", f"{folder}\n")
    log.warning(
        "The database is kept in %s, since the user %s cannot enter %s.", folder, account.name, data
    )
    return Place(folder)


def open_shelter(shelter: Path) -> None:
    """Make the folder for what must lie outside the data folder, or check the one there is.

    Programs and clusters below it are trusted by root: nobody else may be able to replace them.
    """
    with usable(shelter):
        make_folder(shelter, 0o711)
        found = shelter.stat()
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise FolderUnusable(
            f"The folder {shelter} can be changed by users other than root, "
            "so no database is put there. Choose another folder with PICKETLINE_DATA."
        )
