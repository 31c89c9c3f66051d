"""The command ``picketline``: what it tells whoever has just installed it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from picketline.__main__ import OWN_HELP

SOURCES = Path(__file__).parent.parent / "src"
COMMANDS = SOURCES / "picketline" / "management" / "commands"


def picketline(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), **settings}
    command = [sys.executable, "-m", "picketline", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_the_help_names_every_command() -> None:
    listed = {line.split()[0] for line in OWN_HELP.splitlines() if line.startswith("  ")}
    assert {file.stem for file in COMMANDS.glob("[a-z]*.py")} <= listed


@pytest.mark.parametrize("command", ["prepare", "outbox", "pacing", "campaign list"])
def test_a_database_out_of_reach_is_told_in_a_sentence(command: str, tmp_path: Path) -> None:
    url = "postgres://nobody@127.0.0.1:1/picketline"
    done = picketline(*command.split(), DATABASE_URL=url, PICKETLINE_DATA=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("picketline: The database is out of reach: connection failed:")
    assert "Traceback" not in done.stderr


def test_the_usage_names_the_command_as_it_is_typed() -> None:
    assert "usage: picketline replies" in picketline("replies", "--help").stdout
