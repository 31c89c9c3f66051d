"""Folders and servers for the tests of the embedded database."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.host.launchers import Launcher

from picketline.host import postgres
from picketline.host.postgres import RunningServer

# A launcher of its own: says the server's number, then waits to be told or killed.
LAUNCHER = """
import sys
from pathlib import Path
from picketline.host import clusters, postgres
if "outlives" in sys.argv:
    clusters.dies_with_us = lambda _signal: None
server = postgres.start(Path(sys.argv[1]), durable=False, shelter=Path(sys.argv[2]))
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


def new_folder() -> Path:
    """A temporary folder that every user may pass; pytest's own are closed to all but one."""
    folder = Path(tempfile.mkdtemp(prefix="picketline-test-"))
    folder.chmod(0o711)
    return folder


@pytest.fixture
def folder() -> Iterator[Path]:
    made = new_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture
def data(folder: Path) -> Path:
    return folder / "data"


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """A running server, for tests that change nothing in it."""
    made = new_folder()
    with postgres.start(made / "data", durable=False, shelter=made / "shelter") as running:
        yield running
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def settled() -> Iterator[Path]:
    """A data folder whose database was made before; nobody serves it between tests."""
    made = new_folder()
    postgres.start(made / "data", durable=False, shelter=made / "shelter").stop()
    yield made / "data"
    shutil.rmtree(made)


@pytest.fixture
def launch(folder: Path) -> Iterator[Launcher]:
    """Starts a launcher in a process of its own; `pid` on its first line is the server's."""
    started: list[subprocess.Popen[str]] = []

    def start(data: Path, *words: str, path: tuple[Path, ...] = ()) -> "subprocess.Popen[str]":
        launcher = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(data), str(folder / "shelter"), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, *sys.path)))},
        )
        started.append(launcher)
        return launcher

    yield start
    for launcher in started:
        launcher.communicate()
