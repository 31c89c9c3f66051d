"""Several worker processes: they share a queue, end together, and are replaced when they die."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from tests import builders, postoffice, workers, writers
from tests.mail.scripted_server import Fault
from tests.postoffice import Peer

from picketline.domain import waking
from picketline.host.processes import free_port
from picketline.models import Attempt, Campaign, Delivery

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

State = Delivery.State
GUARD = 30.0


def _until(reached: Callable[[], object]) -> None:
    """Return once something is so; fail rather than hang."""
    limit = time.monotonic() + GUARD
    while not reached():
        assert time.monotonic() < limit, "it never came to this"
        select.select([], [], [], 0.02)


def _write(campaign: Campaign, writers_: int) -> None:
    """Letters and copies of so many writers, all due; four each, but for what asks to confirm."""
    for number in range(writers_):
        writers.confirmed(campaign, address=f"w{number}@writers.example")
    postoffice.make_due()
    waking.wake()


def _ends() -> Counter[str]:
    return Counter(Delivery.objects.values_list("state", flat=True))


class _Office:
    """A mail server for many workers at once; ``watching`` is called with each mail's number."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.watching: Callable[[int], object] = bool
        self.port = free_port(0)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep it."""
        self.messages.append(envelope.content)
        self.watching(len(self.messages))
        return "250 ok"

    def sent(self) -> list[str]:
        """The Message-IDs of all that came."""
        return sorted(str(postoffice.parsed(each)["Message-ID"]) for each in self.messages)


@pytest.fixture
def office() -> Iterator[_Office]:
    office = _Office()
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    yield office
    controller.stop()


def _over() -> int:
    """How many mails were sent, once nothing is left to send."""
    ends = _ends()
    return (
        0 if {State.QUEUED, State.DEFERRED, State.SENDING} & ends.keys() else ends[State.ACCEPTED]
    )


def _of(state: State) -> list[str]:
    return sorted(Delivery.objects.filter(state=state).values_list("message_id", flat=True))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_sigterm_in_the_middle_of_a_batch_leaves_nothing_unclear(
    processes: str, office: _Office
) -> None:
    _write(builders.campaign(), 8)
    Delivery.objects.filter(mail_class="confirmation").delete()
    with workers.worker(office.port, 0, "--processes", processes) as leader:
        office.watching = lambda number: number == 5 and leader.send_signal(signal.SIGTERM)
        _, errors = leader.communicate(timeout=GUARD)
    assert (leader.returncode, errors) == (0, "")
    assert set(_ends()) == {State.ACCEPTED, State.QUEUED}
    assert office.sent() == _of(State.ACCEPTED)
    given_back = Delivery.objects.filter(state=State.QUEUED)
    assert set(given_back.values_list("attempt_count", "lease_until")) == {(0, None)}
    assert not Attempt.objects.exclude(phase="ended").exists()


def test_a_crew_shares_a_queue_and_doubles_nothing(office: _Office) -> None:
    campaign = builders.campaign()
    with workers.worker(office.port, 0, "--processes", "2") as leader:
        _until(lambda: len(workers.children(leader.pid)) == 2)
        _write(campaign, 8)  # what is queued while they listen
        _until(lambda: _over() >= 8 * 4)
        leader.send_signal(signal.SIGTERM)
        _, errors = leader.communicate(timeout=GUARD)
    assert (leader.returncode, errors) == (0, "")
    assert office.sent() == _of(State.ACCEPTED)


def test_members_that_are_killed_are_replaced_and_the_letters_go_on(office: _Office) -> None:
    campaign = builders.campaign()
    with workers.worker(office.port, 0, "--processes", "2") as leader:
        _until(lambda: len(workers.children(leader.pid)) == 2)
        first = workers.children(leader.pid)
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        _until(lambda: len(set(workers.children(leader.pid)) - set(first)) == 2)
        _write(campaign, 1)
        _until(lambda: _over() >= 4)
        leader.send_signal(signal.SIGTERM)
        _, errors = leader.communicate(timeout=GUARD)
    assert leader.returncode == 0
    assert errors.count("ended with status -9; another one takes its place in 1 s") == 2
    assert office.sent() == _of(State.ACCEPTED)


def test_members_end_well_when_their_leader_is_killed(office: _Office) -> None:
    with workers.worker(office.port, 0, "--processes", "2") as leader:
        _until(lambda: len(workers.children(leader.pid)) == 2)
        members = workers.children(leader.pid)
        _until(lambda: all(map(workers.follows_sigterm, members)))
        leader.kill()
        leader.wait()
        _until(lambda: not any(map(_lives, members)))


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_second_sigterm_ends_a_worker_at_once() -> None:
    postoffice.queued(builders.campaign())
    dotted = threading.Event()
    with (
        Peer(answers={"DOT": Fault.SILENCE}) as server,
        workers.worker(server.port) as process,
    ):
        server.watching["DOT"] = dotted.set
        assert dotted.wait(GUARD)
        process.send_signal(signal.SIGTERM)
        _until(lambda: not workers.follows_sigterm(process.pid))
        assert process.poll() is None  # it waits for the answer
        process.send_signal(signal.SIGTERM)
        assert process.wait(GUARD) == -signal.SIGTERM


def test_a_second_sigterm_ends_a_whole_crew_at_once() -> None:
    postoffice.queued(builders.campaign())
    dotted = threading.Event()
    with (
        Peer(answers={"DOT": Fault.SILENCE}) as server,
        workers.worker(server.port, 0, "--processes", "2") as leader,
    ):
        server.watching["DOT"] = dotted.set
        assert dotted.wait(GUARD)
        leader.send_signal(signal.SIGTERM)
        members = workers.children(leader.pid)
        _until(lambda: sum(map(_lives, members)) == 1)  # the other waits for its answer
        leader.send_signal(signal.SIGTERM)
        assert leader.wait(GUARD) == 1


_HOLDS_A_LETTER = """
import django, sys
django.setup()
from django.db import connection, transaction
from picketline.models import Delivery
with connection.cursor() as cursor:
    for name in ("lock_timeout", "idle_in_transaction_session_timeout", "statement_timeout"):
        cursor.execute("SHOW " + name)
        print(cursor.fetchone()[0], end=" ")
with transaction.atomic():
    Delivery.objects.select_for_update().first()
    print(flush=True)
    sys.stdin.read()
"""


def test_a_worker_that_freezes_within_a_transaction_does_not_hold_the_others_up() -> None:
    postoffice.queued(builders.campaign())
    environ = workers.environment(25)
    environ["DATABASE_URL"] += "?options=-c%20idle_in_transaction_session_timeout%3D300ms"
    environ["DJANGO_SETTINGS_MODULE"] = "picketline.settings"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS_A_LETTER],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as frozen:
        assert frozen.stdout is not None
        assert frozen.stdout.readline().split() == ["30s", "300ms", "10min"]
        frozen.send_signal(signal.SIGSTOP)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'")
            cursor.execute("UPDATE picketline_delivery SET due_at = now()")
        frozen.kill()


def test_a_worker_sets_a_limit_of_its_own() -> None:
    environ = {**workers.environment(25), "DJANGO_SETTINGS_MODULE": "picketline.settings"}
    script = _HOLDS_A_LETTER.replace("sys.stdin.read()", "pass")
    told = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["30s", "15s", "10min"]


@pytest.mark.parametrize("number", ["0", "65", "many"])
def test_nonsense_for_the_number_of_processes_is_refused(number: str) -> None:
    with workers.worker(25, 0, "--processes", number) as process:
        _, errors = process.communicate(timeout=GUARD)
    assert process.returncode == 2
    assert "--processes" in errors
