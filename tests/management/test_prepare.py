"""Preparing: one command makes keys, tables and roles ready, and may be repeated."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from psycopg import sql
from tests import postoffice

from picketline.domain import roles
from picketline.seal import keys

SOURCES = Path(__file__).parents[2] / "src"
NEW = "picketline_prepared"


@pytest.fixture
def _new_database(transactional_db: None) -> Iterator[None]:
    """A database with nothing in it, gone afterwards."""
    with postoffice.witness() as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NEW)))
        try:
            yield
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(NEW))
            owner.execute(drop)


def _prepare(data: Path, command: str = "prepare") -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCES),
        "DATABASE_URL": postoffice.database_url(NEW),
        "PICKETLINE_DATA": str(data),
    }
    arguments = [sys.executable, "-m", "picketline", command]
    return subprocess.run(arguments, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("_new_database")
def test_an_empty_installation_becomes_ready_and_stays_so(tmp_path: Path) -> None:
    first = _prepare(tmp_path / "data")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "Keys, tables and roles are ready.\n"
    made = keys.load_worker(tmp_path / "data" / "keys")
    assert _prepare(tmp_path / "data").returncode == 0
    assert keys.load_worker(tmp_path / "data" / "keys") == made
    with psycopg.connect(postoffice.database_url(NEW), autocommit=True) as owner:
        owner.execute("SET ROLE picketline_worker")
        owner.execute("SELECT count(*), nextval('picketline_lease') FROM picketline_delivery")
        owner.execute("SET ROLE picketline_public")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("SELECT texts_ct FROM picketline_sealedsubmission")


@pytest.mark.usefixtures("_new_database")
def test_a_command_before_it_says_what_is_missing(tmp_path: Path) -> None:
    done = _prepare(tmp_path, "outbox")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "picketline: The tables are missing or not up to date: picketline prepare.\n"
    )


@pytest.mark.parametrize("process", ["public", "desk", "worker"])
def test_only_the_owner_may_prepare(process: str) -> None:
    with (
        override_settings(PROCESS=process),
        pytest.raises(CommandError, match="PICKETLINE_PROCESS=owner"),
    ):
        call_command("prepare")


def test_without_good_keys_no_table_is_touched(tmp_path: Path) -> None:
    keys.create(tmp_path)
    (tmp_path / "public" / "index.key").chmod(0o644)
    with override_settings(KEYS=tmp_path), pytest.raises(CommandError, match="chmod go-rwx"):
        call_command("prepare")
    (tmp_path / "file").write_text("in the way")
    with override_settings(KEYS=tmp_path / "file" / "keys"), pytest.raises(CommandError):
        call_command("prepare")


@pytest.mark.django_db
def test_a_login_that_may_not_create_roles_gets_the_words_for_its_administrator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise roles.RolesRefused("Ask your administrator for: CREATE ROLE")

    monkeypatch.setattr(roles, "prepare", refuse)
    with pytest.raises(CommandError, match="Ask your administrator"):
        call_command("prepare")
    out = StringIO()
    with override_settings(DATABASE_ROLES=False):
        call_command("prepare", stdout=out)
    assert "ready" in out.getvalue()
