"""Child processes: stopped in order, with all that they started, whatever happens to us.

Each process of a test holds a connection to the test; that it ends is seen, not waited for.
"""

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from picketline.host.processes import ChildEnded, Company, NotReady, free_port, listens

SOURCES = Path(__file__).parents[2] / "src"
HOLD = "import signal, socket, sys; held = socket.create_connection(('127.0.0.1', {port}))\n"
LISTENS = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(held.sendall(b'bye')))\n"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
STAY = "held.sendall(b'here')\nwhile True: signal.pause()\n"


@pytest.fixture
def door():
    """Where the processes of a test report."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener


def child(door, *lines):
    code = HOLD.format(port=door.getsockname()[1]) + "".join(lines)
    return [sys.executable, "-c", code]


def arrived(door):
    """The connection of the next process, once it has said that it is here."""
    connection, _ = door.accept()
    connection.settimeout(20)
    assert connection.recv(4) == b"here"
    return connection


def last_words(connection):
    """What the process still said; returns when it has ended."""
    with closing(connection):
        words = b""
        while piece := connection.recv(64):
            words += piece
        return words


def test_members_are_asked_to_stop(door, tmp_path):
    with Company(tmp_path) as company:
        company.start("one", child(door, LISTENS, STAY), os.environ)
        member = arrived(door)
    assert last_words(member) == b"bye"


def test_who_was_started_first_serves_the_others_until_they_have_ended(door, tmp_path):
    port = free_port(0)
    echoes = (
        f"door = socket.create_server(('127.0.0.1', {port}))\nheld.sendall(b'here')\n"
        "while True:\n    caller, _ = door.accept()\n    caller.sendall(caller.recv(64))\n"
    )
    asks = (
        f"def end(*_):\n    first = socket.create_connection(('127.0.0.1', {port}))\n"
        "    first.sendall(b'answered')\n    sys.exit(held.sendall(first.recv(64)))\n"
        "signal.signal(signal.SIGTERM, end)\n"
    )
    with Company(tmp_path) as company:
        company.start("first", child(door, LISTENS, echoes), os.environ)
        first = arrived(door)
        company.start("second", child(door, asks, STAY), os.environ)
        second = arrived(door)
    assert last_words(second) == b"answered"
    assert last_words(first) == b"bye"


def test_who_does_not_listen_is_killed(door, tmp_path):
    with Company(tmp_path, patience=0.1) as company:
        company.start("deaf", child(door, DEAF, STAY), os.environ)
        member = arrived(door)
    assert last_words(member) == b""


def test_what_a_member_leaves_behind_is_ended_too(door, tmp_path):
    leaves = "import os\nif os.fork(): sys.exit('left it')\n"
    with Company(tmp_path) as company:
        company.start("parent", child(door, DEAF, leaves, STAY), os.environ)
        orphan = arrived(door)
    assert last_words(orphan) == b""


def test_a_member_that_ends_by_itself_is_named_with_the_end_of_its_log(tmp_path):
    with Company(tmp_path) as company:
        company.start("short", [sys.executable, "-c", "raise SystemExit('no luck')"], os.environ)
        with pytest.raises(ChildEnded, match=r"(?s)short ended by itself with status 1.*no luck"):
            company.wait_for("short", lambda: False)


def test_a_member_that_is_never_ready_is_named(door, tmp_path):
    with Company(tmp_path) as company:
        company.start("late", child(door, LISTENS, STAY), os.environ)
        with pytest.raises(NotReady, match="late is not ready"):
            company.wait_for("late", lambda: False, seconds=0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_members_end_when_we_are_killed(door, tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from picketline.host.processes import Company\n"
        "Company(Path(sys.argv[1])).start('one', sys.argv[2:], os.environ)\nsignal.pause()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), *child(door, LISTENS, STAY)]
    supervisor = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(SOURCES)})
    member = arrived(door)
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait(20)
    assert last_words(member) == b"bye"


def test_the_preferred_port_is_taken_when_it_is_free():
    port = free_port(0)
    assert free_port(port) == port


def test_a_port_in_use_gives_way_to_another(door):
    taken = door.getsockname()[1]
    assert free_port(taken) not in (taken, 0)
    assert listens(taken)
