"""The one folder through which the database is reached: 0700, and noted in the data folder."""

import os
import shutil
import socket
import tempfile
from pathlib import Path

from picketline.host.accounts import Account
from picketline.host.faults import ServerNotRunning, usable
from picketline.host.passwords import write_secret
from picketline.host.places import make_folder

PORT = "5432"  # no port is opened; it is part of the socket's name
SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET_PATH = 103  # bytes, without the final NUL: macOS; Linux has 107


def open_sockets(home: Path, account: Account) -> Path:
    """A 0700 folder for the socket: beside the cluster, or in a temporary folder if that is long.

    The path of a socket is limited to about a hundred bytes.
    """
    with usable(home):
        folder = home / "sockets"
        if fits(folder):
            make_folder(folder, 0o700)
        else:
            near = Path(tempfile.gettempdir())
            parent = near if fits(near / "picketline-12345678") else Path("/tmp")  # noqa: S108
            folder = Path(tempfile.mkdtemp(prefix="picketline-", dir=parent))
        account.give(folder)
    return folder


def fits(folder: Path) -> bool:
    """Whether the path of a socket in this folder is short enough."""
    return len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH


def note_sockets(data: Path, sockets: Path) -> None:
    """Tell other processes where the running server listens."""
    with usable(data):
        write_secret(data / "database" / "sockets-at", f"{sockets}\n")


def noted_sockets(data: Path) -> Path | None:
    """Where the server listens, or listened when its launcher was killed; None after a stop."""
    try:
        return Path((data / "database" / "sockets-at").read_text("utf-8").strip())
    except OSError:
        return None


def close_sockets(data: Path, sockets: Path) -> None:
    """Forget that a server ran, and remove the folder of its socket."""
    shutil.rmtree(sockets, ignore_errors=True)
    (data / "database" / "sockets-at").unlink(missing_ok=True)


def live_sockets(data: Path) -> Path:
    """The folder of the socket on which a server answers now; raises ServerNotRunning."""
    sockets = noted_sockets(data)
    if sockets is None:
        raise ServerNotRunning(data)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(str(sockets / SOCKET_NAME))
    except OSError as fault:
        raise ServerNotRunning(data) from fault
    return sockets
