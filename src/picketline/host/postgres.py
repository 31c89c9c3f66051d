"""The embedded PostgreSQL: one command starts it, every process finds it from the data folder.

    with postgres.start(data) as server:                      # the launcher
        psycopg.connect(server.conninfo("owner"))

    postgres.connection_parameters(data, "public")            # a web process or the worker

It listens on a Unix socket in a 0700 folder only, and every role has a scram password. What can go
wrong is a `faults.DatabaseTrouble`, whose text is a sentence for the operator. Linux and macOS.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from psycopg.conninfo import make_conninfo

from picketline.host import clusters, places, postmaster, roles, sockets
from picketline.host.accounts import Account, server_account
from picketline.host.binaries import within_reach
from picketline.host.faults import StartFailed, usable
from picketline.host.passwords import ROLES, password_file, read_password, role_of
from picketline.host.places import SHELTER, Place
from picketline.host.sockets import PORT

START_LIMIT = 300.0  # seconds: recovery after a power cut takes its time


class RunningServer:
    """A server that accepts connections, until `stop` or the end of the `with` block."""

    def __init__(
        self,
        data: Path,
        place: Place,
        socket_folder: Path,
        child: "subprocess.Popen[bytes]",
        lock: int,
    ) -> None:
        self.data = data
        self.place = place
        self.sockets = socket_folder
        self._child = child
        self._lock = lock
        self._stopped = False

    @property
    def pid(self) -> int:
        """The server's process number."""
        return self._child.pid

    def poll(self) -> int | None:
        """None while the server runs, else its exit status."""
        return self._child.poll()

    def conninfo(self, process: str = "owner") -> str:
        """The connection string of this process' role, for `psycopg.connect`."""
        return make_conninfo(
            host=str(self.sockets),
            port=PORT,
            user=role_of(process),
            password=read_password(self.data, process),
            dbname=roles.DATABASE,
        )

    def stop(self) -> None:
        """Shut the server down cleanly and let go of the data folder; again does nothing.

        Raises StopFailed, and then still holds the folder.
        """
        if self._stopped:
            return
        postmaster.shut_down(self.pid, lambda: self._child.poll() is not None)
        self._stopped = True
        sockets.close_sockets(self.data, self.sockets)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(data: Path, *, durable: bool = True, shelter: Path = SHELTER) -> RunningServer:
    """Start the database of this data folder, which is made when it does not exist.

    `durable=False` is for tests: faster, and a power cut loses everything. `shelter` is where root
    puts what the database's user could not reach otherwise. Call it from a thread that lives as
    long as the server shall: on Linux the server shuts down with it.

    Raises AlreadyRunning and every other DatabaseTrouble but ServerNotRunning.
    """
    data = data.resolve()
    account = server_account()
    places.prepare(data)
    lock = places.lock(data)
    try:
        place = places.settle(data, account, shelter)
        return start_at(data, place, account, lock, durable=durable, shelter=shelter)
    except BaseException:
        os.close(lock)
        raise


def start_at(
    data: Path, place: Place, account: Account, lock: int, *, durable: bool, shelter: Path
) -> RunningServer:
    """Start the database in its place; `lock` is the held lock file."""
    binaries = clusters.binaries_for(place)
    if not account.is_ourselves:
        binaries = within_reach(binaries, account, shelter)
    if place.cluster.exists():
        postmaster.clear_away(place.cluster)
    else:
        clusters.initialise(data, place, binaries, account, durable=durable)
    leftover = sockets.noted_sockets(data)
    if leftover is not None:
        sockets.close_sockets(data, leftover)
    folder = sockets.open_sockets(place.folder, account)
    child = None
    try:
        clusters.configure(place, folder, account, durable=durable)
        child = clusters.launch(place, binaries, account)
        wait_until_ready(place, child)
        roles.give_roles(data, folder)
        sockets.note_sockets(data, folder)
    except BaseException:
        if child is not None:
            postmaster.shut_down(child.pid, lambda: child.poll() is not None)
        sockets.close_sockets(data, folder)
        raise
    return RunningServer(data, place, folder, child, lock)


def wait_until_ready(place: Place, child: "subprocess.Popen[bytes]") -> None:
    """Return when the server accepts connections; raises StartFailed with the end of its log."""

    def decided() -> bool:
        return child.poll() is not None or postmaster.is_ready(place.cluster, child.pid)

    if postmaster.comes_true(decided, START_LIMIT) and child.poll() is None:
        return
    with usable(place.folder):
        lines = place.log.read_text("utf-8", "replace").strip().splitlines()
    end = "\n".join(lines[-8:])
    raise StartFailed(f"The database did not start. The end of its log, {place.log}:\n{end}")


def connection_parameters(data: Path, process: str) -> dict[str, str]:
    """How a process reaches the running database of this data folder, as Django names it.

    `process` is owner (migrations, tests), public, desk or worker. The keys are HOST (the folder of
    the socket), PORT, USER, PASSWORD and NAME. Raises ServerNotRunning, PasswordMissing,
    UnknownProcess.
    """
    data = data.resolve()
    role = role_of(process)
    return {
        "HOST": str(sockets.live_sockets(data)),
        "PORT": PORT,
        "USER": role,
        "PASSWORD": read_password(data, process),
        "NAME": roles.DATABASE,
    }


def discard(data: Path) -> None:
    """Destroy the database of this data folder, wherever its files are, with its passwords.

    A server that outlived its launcher is shut down first. Raises AlreadyRunning, FolderUnusable.
    """
    data = data.resolve()
    if not (data / "database").exists():
        return
    lock = places.lock(data)
    try:
        place = places.known_place(data)
        postmaster.clear_away(place.cluster)
        with usable(data):
            for process in ROLES:
                password_file(data, process).unlink(missing_ok=True)
            for folder in (place.folder, data / "database"):
                with suppress(FileNotFoundError):
                    shutil.rmtree(folder)
    finally:
        os.close(lock)
