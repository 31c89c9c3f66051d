"""What a run needs: a database that can crash, a Postfix, keys, tables and letters that are due.

All of it lies in one folder and is gone with the ``with`` block.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos import postfix
from chaos.postfix import Postfix
from picketline.host import postgres
from picketline.host.postmaster import comes_true

ROOT = Path(__file__).resolve().parent.parent
RELAY = "chaos"
_PACES = ("TARGET_PER_MINUTE", "TARGET_PER_DAY", "DOMAIN_PER_MINUTE")


class Database:
    """An embedded PostgreSQL that waits for the disk at each commit, as in production."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._server = postgres.start(data)

    def conninfo(self) -> str:
        """Where the owner connects to; good after a crash as well."""
        return self._server.conninfo("owner")

    def crash(self) -> None:
        """Break off in the middle of everything ("immediate"), and start again."""
        os.kill(self._server.pid, signal.SIGQUIT)
        if not comes_true(lambda: self._server.poll() is not None, 30):
            raise TimeoutError("the database did not break off")
        self.stop()
        self._server = postgres.start(self._data)

    def stop(self) -> None:
        """End it in order."""
        self._server.stop()


@dataclass(frozen=True)
class Stage:
    """``environment`` is a worker's, ``logs`` the folder for what workers say.

    ``lease`` is in seconds, and so is ``patience``: how long after a lease a letter may be unclear.
    """

    database: Database
    relay: Postfix
    environment: dict[str, str]
    logs: Path
    lease: int

    @property
    def patience(self) -> int:
        """The lease again, and what else a watch waits for."""
        return self.lease + _smtpd_timeout(self.lease) + _grace(self.lease)


def _grace(lease: int) -> int:
    return lease // 2


def _smtpd_timeout(lease: int) -> int:
    return lease // 2


@contextmanager
def stage(letters: int, lease: int, *, keep: bool = False) -> Iterator[Stage]:
    """All that a run needs, with so many letters due. ``keep`` leaves the folder behind."""
    # The next hop's copies keep the line that says under which queue id the relay had them.
    settings = {"smtpd_timeout": f"{_smtpd_timeout(lease)}s", "smtp_header_checks": ""}
    folder = Path(tempfile.mkdtemp(prefix="picketline-chaos-"))
    folder.chmod(0o711)  # the users of Postfix and PostgreSQL have to pass
    with ExitStack() as ending:
        if not keep:
            ending.callback(shutil.rmtree, folder, ignore_errors=True)
        database = Database(folder / "data")
        ending.callback(database.stop)
        home = folder / "postfix"
        home.mkdir()
        relay = ending.enter_context(postfix.running(settings=settings, folder=home))
        environment = _environment(folder / "data", relay, lease)
        owner = environment | {"PICKETLINE_PROCESS": "owner"}
        command = [sys.executable, "-m", "chaos.letters", str(letters)]
        subprocess.run(command, check=True, env=owner, cwd=ROOT, stdout=subprocess.DEVNULL)
        yield Stage(database, relay, environment, folder / "workers", lease)


def _environment(data: Path, relay: Postfix, lease: int) -> dict[str, str]:
    """A worker's environment, without any settings of another installation."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PICKETLINE_", "DATABASE_URL"))
    }
    return kept | {
        "DJANGO_SETTINGS_MODULE": "picketline.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
        "PICKETLINE_PROCESS": "worker",
        "PICKETLINE_DATA": str(data),
        "PICKETLINE_MAIL_DOMAIN": relay.domain,
        "PICKETLINE_SMTP_URL": f"smtp://127.0.0.1:{relay.port}",
        "PICKETLINE_RELAY_LOG": str(relay.log),
        "PICKETLINE_RELAY_NAME": RELAY,
        "PICKETLINE_POSTFIX_CONFIG": str(relay.config),
        "PICKETLINE_LEASE_SECONDS": str(lease),
        "PICKETLINE_GRACE_SECONDS": str(_grace(lease)),
        "PICKETLINE_COUNTER_SECONDS": "5",
        **{f"PICKETLINE_{name}": "0" for name in _PACES},
    }
