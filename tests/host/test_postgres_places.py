"""Where the files lie, whose they are, and what is left alone."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from tests.host.launchers import Launcher, said_pid

from picketline.host import binaries, faults, postgres

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the server changes its user")


def look(folder: Path) -> list[tuple[str, int, int, int]]:
    """Name, mode and owner of a folder and of everything above it."""
    found = [(str(each), each.stat()) for each in (folder, *folder.parents)]
    return [(name, stat.st_mode, stat.st_uid, stat.st_gid) for name, stat in found]


def test_folders_that_were_there_keep_mode_and_owner(folder: Path) -> None:
    data = folder / "parent" / "data"
    data.mkdir(parents=True)
    (folder / "parent").chmod(0o750)
    data.chmod(0o751)
    before = look(data)
    with postgres.start(data, durable=False, shelter=folder / "shelter"):
        assert look(data) == before
    assert look(data) == before


@root
def test_root_steps_down_to_a_user_that_exists_and_makes_none(data: Path) -> None:
    before = pwd.getpwall()
    with postgres.start(data, durable=False, shelter=data.parent / "shelter") as server:
        owner = server.place.cluster.stat().st_uid
        assert owner != 0
        assert Path(f"/proc/{server.pid}").stat().st_uid == owner
        status = Path(f"/proc/{server.pid}/status").read_text()
    assert "Groups:\t \n" in status or "Groups:\t\n" in status
    assert pwd.getpwall() == before


@root
def test_the_user_is_the_one_that_the_operator_names(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PICKETLINE_DATABASE_USER", "nobody")
    with postgres.start(data, durable=False, shelter=data.parent / "shelter") as server:
        assert server.place.cluster.stat().st_uid == pwd.getpwnam("nobody").pw_uid


@root
@pytest.mark.parametrize("name", ["picketline-no-such-user", "root"])
def test_a_user_that_will_not_do_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PICKETLINE_DATABASE_USER", name)
    with pytest.raises(faults.UserUnusable, match=name):
        postgres.start(data)
    assert not data.exists()


@root
def test_another_user_than_the_first_is_refused(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PICKETLINE_DATABASE_USER", "nobody")
    postgres.start(data, durable=False, shelter=data.parent / "shelter").stop()
    monkeypatch.setenv("PICKETLINE_DATABASE_USER", "daemon")
    with pytest.raises(faults.ClusterOfAnotherUser, match="not to daemon"):
        postgres.start(data, shelter=data.parent / "shelter")


@root
def test_below_a_closed_folder_the_cluster_goes_elsewhere(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    data, shelter = closed / "data", folder / "shelter"
    with postgres.start(data, durable=False, shelter=shelter) as server:
        assert server.place.folder.parent == shelter
        with psycopg.connect(server.conninfo()) as owner:
            owner.execute("CREATE TABLE kept AS SELECT 'here' AS word")
        assert postgres.connection_parameters(data, "worker")["HOST"] == str(server.sockets)
    assert f"kept in {server.place.folder}" in caplog.text
    assert closed.stat().st_mode & 0o777 == 0o700
    assert shelter.stat().st_mode & 0o777 == 0o711
    with (
        postgres.start(data, durable=False, shelter=shelter) as server,
        psycopg.connect(server.conninfo()) as owner,
    ):
        assert owner.execute("SELECT word FROM kept").fetchone() == ("here",)
    postgres.discard(data)
    assert not list(shelter.iterdir())


@root
def test_a_shelter_that_others_can_change_is_not_trusted(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    (folder / "shelter").mkdir()
    (folder / "shelter").chmod(0o777)
    with pytest.raises(faults.FolderUnusable, match="other than root"):
        postgres.start(folder / "closed" / "data", shelter=folder / "shelter")
    assert (folder / "shelter").stat().st_mode & 0o777 == 0o777


@root
def test_programs_that_the_user_cannot_reach_are_copied_once(
    folder: Path, data: Path, launch: Launcher
) -> None:
    package = binaries.find_binaries().folder.parent
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        (closed / name).symlink_to(package.with_name(name))
    for _ in ("copied", "found"):
        launcher = launch(data, path=(closed,))
        program = Path(f"/proc/{said_pid(launcher)}/exe").readlink()
        launcher.communicate()
        assert launcher.returncode == 0
        assert program.is_relative_to(folder / "shelter")
    copies = [*(folder / "shelter").iterdir()]
    assert len(copies) == 1
    files = [copies[0], *copies[0].rglob("*")]
    assert {(file.stat().st_uid, file.stat().st_mode & 0o777) for file in files} == {(0, 0o755)}
    assert not [file for file in files if "vector" in file.name]


def test_a_file_in_the_way_is_named(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(faults.FolderUnusable, match="a file stands where a folder should be"):
        postgres.start(folder / "file" / "data")
    with pytest.raises(faults.FolderUnusable, match="a file stands where a folder should be"):
        postgres.start(folder / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="needs an ordinary user: root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o500)
    with pytest.raises(faults.FolderUnusable, match="this user may not use it"):
        postgres.start(folder / "closed" / "data")


@root
@pytest.mark.parametrize(
    ("options", "sentence"),
    [("size=1m", "full|No space left"), ("ro,size=64m", "the file system is read-only")],
)
def test_a_full_or_read_only_disk_is_named(folder: Path, options: str, sentence: str) -> None:
    code = (
        "import sys; from pathlib import Path; from picketline.host import faults, postgres\n"
        "try: postgres.start(Path(sys.argv[1]), durable=False)\n"
        "except faults.DatabaseTrouble as trouble: print(trouble)\n"
    )
    disk = folder / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o {options},mode=0755 tmpfs "$1" || exit 77; shift; exec "$@"'
    unshare = shutil.which("unshare")
    if not unshare:
        pytest.skip("needs unshare, for a disk of its own")
    said = subprocess.run(
        [unshare, "-m", "sh", "-c", mount, "sh", disk, sys.executable, "-c", code, disk / "data"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode in (1, 77):
        pytest.skip("needs the right to mount")
    assert said.returncode == 0, said.stderr
    assert any(each in said.stdout for each in sentence.split("|"))


def test_a_database_that_vanished_is_not_replaced_by_an_empty_one(data: Path) -> None:
    shelter = data.parent / "shelter"
    with postgres.start(data, durable=False, shelter=shelter) as server:
        cluster = server.place.cluster
    shutil.rmtree(cluster)
    with pytest.raises(faults.ClusterMissing, match="Put it back"):
        postgres.start(data, shelter=shelter)
    postgres.discard(data)
    postgres.start(data, durable=False, shelter=shelter).stop()


def test_an_initialisation_cut_short_is_taken_up_again(data: Path) -> None:
    shelter = data.parent / "shelter"
    with postgres.start(data, durable=False, shelter=shelter) as server:
        with psycopg.connect(server.conninfo("superuser"), dbname="postgres", autocommit=True) as c:
            c.execute("DROP DATABASE picketline")
            c.execute("DROP ROLE picketline_desk")
        (data / "keys" / "owner" / "database-password").unlink()
        (data / "keys" / "desk" / "database-password").unlink()
    with (
        postgres.start(data, durable=False, shelter=shelter) as server,
        psycopg.connect(server.conninfo("desk")) as desk,
    ):
        assert desk.execute("SELECT current_database()").fetchone() == ("picketline",)
