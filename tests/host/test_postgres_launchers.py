"""One launcher per data folder, and no server without its launcher."""

import os
import signal
from pathlib import Path

import psycopg
import pytest
from tests.host.launchers import Launcher, is_gone, said_pid

from picketline.host import faults, postgres, postmaster
from picketline.host.postgres import RunningServer

linux = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux: pidfd_open")


def test_a_second_launcher_is_refused_and_told_by_whom(settled: Path, launch: Launcher) -> None:
    launcher = launch(settled)
    said_pid(launcher)
    with pytest.raises(faults.AlreadyRunning, match=f"process {launcher.pid}") as refusal:
        postgres.start(settled)
    assert refusal.value.pid == launcher.pid
    with pytest.raises(faults.AlreadyRunning):
        postgres.discard(settled)
    assert postgres.connection_parameters(settled, "owner")["NAME"] == "picketline"


@linux
def test_no_server_is_left_when_the_launcher_is_killed(settled: Path, launch: Launcher) -> None:
    launcher = launch(settled)
    process = os.pidfd_open(said_pid(launcher))
    launcher.kill()
    assert is_gone(process, 30)
    with pytest.raises(faults.ServerNotRunning):
        postgres.connection_parameters(settled, "owner")
    postgres.start(settled, durable=False, shelter=settled.parent / "shelter").stop()


@linux
@pytest.mark.parametrize("system", ["Linux", "a system without /proc"])
def test_an_orphan_is_shut_down_and_its_data_served_again(
    settled: Path, launch: Launcher, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if system != "Linux":
        monkeypatch.setattr(postmaster, "PROC", Path("/nonexistent"))
    launcher = launch(settled, "outlives")
    process = os.pidfd_open(said_pid(launcher))
    found = postgres.connection_parameters(settled, "owner")
    with psycopg.connect(
        f"host={found['HOST']} user=picketline password={found['PASSWORD']} dbname=picketline"
    ) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 'here' AS word")
    launcher.kill()
    launcher.wait()
    assert not is_gone(process, 0)
    with postgres.start(settled, durable=False, shelter=settled.parent / "shelter") as server:
        assert is_gone(process, 0)
        with psycopg.connect(server.conninfo()) as owner:
            assert owner.execute("SELECT word FROM kept").fetchone() == ("here",)


@linux
def test_an_orphan_goes_with_the_data_that_is_discarded(data: Path, launch: Launcher) -> None:
    launcher = launch(data, "outlives")
    process = os.pidfd_open(said_pid(launcher))
    launcher.kill()
    launcher.wait()
    postgres.discard(data)
    assert is_gone(process, 0)
    assert not list(data.rglob("database*"))


@pytest.mark.parametrize("who", ["a stranger", "another cluster's server", "a dead process"])
def test_a_number_used_again_is_not_taken_for_our_server(
    settled: Path, server: RunningServer, who: str
) -> None:
    shelter = settled.parent / "shelter"
    with postgres.start(settled, durable=False, shelter=shelter) as first:
        lines = (first.place.cluster / "postmaster.pid").read_text().splitlines()
    number = {"a stranger": os.getpid(), "another cluster's server": server.pid}.get(who, 2**22 - 1)
    left = first.place.cluster / "postmaster.pid"
    left.write_text("\n".join([str(number), *lines[1:]]) + "\n")
    with postgres.start(settled, durable=False, shelter=shelter) as again:
        with psycopg.connect(again.conninfo()) as owner:
            assert owner.execute("SELECT 1").fetchone() == (1,)
        assert server.poll() is None


def test_a_killed_server_is_noticed_and_recovers(settled: Path) -> None:
    shelter = settled.parent / "shelter"
    server = postgres.start(settled, shelter=shelter)
    with psycopg.connect(server.conninfo()) as owner:
        owner.execute("CREATE TABLE written AS SELECT 'here' AS word")
    os.kill(server.pid, signal.SIGQUIT)
    server.stop()
    assert server.poll() is not None
    with (
        postgres.start(settled, shelter=shelter) as server,
        psycopg.connect(server.conninfo()) as owner,
    ):
        assert owner.execute("SELECT word FROM written").fetchone() == ("here",)
