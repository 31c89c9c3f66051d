"""A pytest plugin: one throw-away embedded PostgreSQL for the whole run.

The settings look for a running server as soon as they are read, which pytest-django does before any
conftest; so this module is loaded by `-p tests.servers`. The processes of pytest-xdist inherit the
environment and share the server of the process that started them. With DATABASE_URL the server
that it names is used instead.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from picketline.host import postgres


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    os.environ.setdefault("PICKETLINE_PROCESS", "owner")
    given = os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE")
    if not given and "PYTEST_XDIST_WORKER" not in os.environ:
        serve(early_config)
    return (yield)


def serve(config: pytest.Config) -> None:
    """Start a server in a temporary data folder, until pytest ends."""
    folder = Path(tempfile.mkdtemp(prefix="picketline-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(folder))
    folder.chmod(0o711)  # as root, the server's own user has to pass
    os.environ["PICKETLINE_DATA"] = str(folder / "data")
    server = postgres.start(folder / "data", durable=False)
    config.add_cleanup(server.stop)
