"""A Postfix of one's own on loopback, set up by ``deploy/postfix/set-up``, with a sink behind it.

It needs root and Debian's Postfix; nothing outside its folder is touched.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from chaos.sink import PATIENCE, Sink
from picketline.mail.postfix_log import LogEvent, read_line
from picketline.mail.postqueue import Queued, listing

SET_UP = Path(__file__).parent.parent / "deploy" / "postfix" / "set-up"
_PAUSE = 0.02


def missing() -> str:
    """What this host lacks to run a Postfix of one's own; empty if nothing."""
    if not shutil.which("postfix") or not shutil.which("postqueue"):
        return "Postfix is not installed"
    return "" if os.geteuid() == 0 else "only root can run a Postfix of its own"


@contextmanager
def running(
    *,
    domain: str = "picketline.example",
    settings: Mapping[str, str] | None = None,
    mx: bool = False,
    folder: Path | None = None,
) -> Iterator[Postfix]:
    """A Postfix that runs within the ``with``, in this folder or a temporary one; its sinks too.

    ``settings`` are lines of main.cf that differ from deploy/postfix/main.cf. With ``mx`` it
    also listens for the world, at ``mx_port``.
    """
    with ExitStack() as ending:
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="picketline-postfix-"))
            ending.callback(shutil.rmtree, folder)
        folder.chmod(0o711)  # Postfix's own user has to pass
        sink = ending.enter_context(Sink())
        receiver = ending.enter_context(Sink(lmtp=True))
        postfix = Postfix(folder, sink, receiver, domain=domain, mx=mx)
        postfix.set_up(settings or {})
        ending.callback(postfix.abort)
        postfix.start()
        yield postfix


class Postfix:
    """An instance: ``port`` takes mail from here, ``sink`` has what it sent into the world.

    ``receiver`` stands for Picketline's LMTP listener. ``config``, ``log`` and ``queue_folder`` are
    where its files are.
    """

    def __init__(
        self, folder: Path, sink: Sink, receiver: Sink, *, domain: str, mx: bool = False
    ) -> None:
        self.folder = folder
        self.sink = sink
        self.receiver = receiver
        self.domain = domain
        self.hostname = f"mail.{domain}"
        self.config = folder / "config"
        self.queue_folder = folder / "queue"
        self.log = folder / "log" / "maillog"
        self.port = _free_port()
        self.mx_port = _free_port() if mx else 0

    def set_up(self, settings: Mapping[str, str]) -> None:
        """Write the configuration, with these lines of main.cf in place of the usual ones."""
        self.config.mkdir(exist_ok=True)
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.config / "local.cf").write_text("".join(lines))
        self._run([sys.executable, str(SET_UP), *self.options()])

    def options(self) -> list[str]:
        """What ``set-up`` is told."""
        options = {
            "domain": self.domain,
            "hostname": self.hostname,
            "config-dir": str(self.config),
            "queue-dir": str(self.queue_folder),
            "data-dir": str(self.folder / "data"),
            "log": str(self.log),
            "listen": f"127.0.0.1:{self.port}",
            "receive": f"127.0.0.1:{self.receiver.port}",
            "relayhost": f"127.0.0.1:{self.sink.port}",
        }
        if self.mx_port:
            options["mx"] = f"127.0.0.1:{self.mx_port}"
        return [f"--{name}={value}" for name, value in options.items()]

    def start(self) -> None:
        """Start it; it takes mail when this returns."""
        self.command("start")

    def stop(self) -> None:
        """End it in order, and make sure that it has ended."""
        if self.processes():
            self.command("stop")
        self.abort()

    def abort(self) -> None:
        """Kill every process of this instance, as a crash would; return when all are gone."""
        while pids := self.processes():
            for pid in pids:
                _kill(pid)

    def command(self, name: str) -> None:
        """Run ``postfix NAME`` on this instance. Raises CalledProcessError."""
        self._run(["postfix", "-c", str(self.config), name])

    def processes(self) -> list[int]:
        """The pids that are alive: master's process group, and at home in this instance's queue."""
        try:
            master = int((self.queue_folder / "pid" / "master.pid").read_text())
        except (FileNotFoundError, ValueError):
            return []
        numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in numbers if self._own(pid, master)]

    def queue(self) -> list[Queued]:
        """What is in the queue."""
        return listing(self.config)

    def lines(self) -> list[str]:
        """The log."""
        return self.log.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]

    def events(self) -> list[LogEvent]:
        """What Picketline reads out of the log."""
        return [event for line in self.lines() if (event := read_line(line)) is not None]

    def wait_until(self, fact: Callable[[], bool]) -> None:
        """Return once a fact about the queue or the log is true. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        while not fact():
            if time.monotonic() > deadline:
                raise TimeoutError("Postfix never came to that")
            time.sleep(_PAUSE)

    def _own(self, pid: int, master: int) -> bool:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            home = Path(os.readlink(f"/proc/{pid}/cwd"))
        except OSError:
            return False
        return fields[0] != "Z" and int(fields[2]) == master and home == self.queue_folder

    def _run(self, command: list[str]) -> None:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _kill(pid: int) -> None:
    """SIGKILL, and wait until it worked; whoever its parent is, a pidfd tells."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [], PATIENCE)
    except ProcessLookupError:
        pass
    finally:
        os.close(process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
