"""An installation of its own for one benchmark: database, keys, tables, the campaign, style sheet.

It lives in a temporary folder and is gone with the ``with`` block.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from picketline.host import postgres

ROOT = Path(__file__).resolve().parent.parent
SLUG = "zhanaozen-2011"
MAIL_DOMAIN = "picketline.example"
# What is measured is the machinery, not how long it is told to wait.
_PACES = ("TARGET_PER_MINUTE", "TARGET_PER_DAY", "DOMAIN_PER_MINUTE")
_SET_UP = (
    ("prepare",),
    ("campaign", "load", str(ROOT / "campaigns" / SLUG), "--open"),
    ("collectstatic", "--noinput"),
)


@contextmanager
def installation(process: str, *, durable: bool) -> Iterator[dict[str, str]]:
    """The environment for a process of this kind ("public", "worker"), ready to be started.

    ``durable`` says whether the database waits for the disk at each commit, as it does in
    production.
    """
    folder = Path(tempfile.mkdtemp(prefix="picketline-bench-"))
    folder.chmod(0o711)  # as root, the server's own user has to pass
    data = folder / "data"
    try:
        with postgres.start(data, durable=durable):
            environment = _environment(data)
            for command in _SET_UP:
                _picketline(command, environment)
            yield environment | {"PICKETLINE_PROCESS": process}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(data: Path) -> dict[str, str]:
    """Our own environment without any settings of another installation."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PICKETLINE_", "DATABASE_URL"))
    }
    return kept | {
        "DJANGO_SETTINGS_MODULE": "picketline.settings",
        "PICKETLINE_DATA": str(data),
        "PICKETLINE_MAIL_DOMAIN": MAIL_DOMAIN,
        **{f"PICKETLINE_{name}": "0" for name in _PACES},
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }


def _picketline(command: tuple[str, ...], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "picketline", *command],
        check=False,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"picketline {' '.join(command)} failed:\n{done.stdout}{done.stderr}")
