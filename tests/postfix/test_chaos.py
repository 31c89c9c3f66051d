"""A small run of ``./run chaos``, and what its count would say of letters lost or doubled."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from chaos import plan, postfix
from chaos.plan import Kind
from chaos.sink import Arrived
from chaos.stage import ROOT
from chaos.verdict import Copy, copies, judge
from chaos.witness import Letter

SMALL = (
    "--letters 150 --seed 7 --workers 2 --kill-share 0.03 --crashes 1 --relay-crashes 1 --lease 5"
)


def test_nothing_is_lost_or_doubled_while_everything_crashes() -> None:
    if lack := postfix.missing():
        pytest.skip(lack)
    run = subprocess.run(
        [sys.executable, "-m", "chaos", *SMALL.split()],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
        capture_output=True,
        text=True,
        check=False,
    )
    told = dict(re.findall(r"^(\S.*?)  +(.*)$", run.stdout, re.MULTILINE))
    assert run.stdout.endswith("PASS\n"), run.stdout + run.stderr
    assert run.returncode == 0
    assert (told["letters"], told["lost"], told["duplicated"]) == ("150", "0", "0")
    assert (told["database crashes"], told["relay crashes"]) == ("1", "1")
    assert int(told["workers killed"]) == 4


def test_the_same_seed_plans_the_same_faults() -> None:
    def faults(seed: int) -> list[plan.Fault]:
        return plan.faults(6000, seed, lease=12, kill_share=0.01, crashes=3, relay_crashes=2)

    assert faults(7) == faults(7)
    assert faults(7) != faults(8)
    kinds = [fault.kind for fault in faults(7)]
    numbers = [kinds.count(kind) for kind in (Kind.KILL, Kind.DATABASE, Kind.RELAY)]
    assert numbers == [60, 3, 2]


ONE, TWO = Letter(1, "<1@x>", "accepted"), Letter(2, "<2@x>", "uncertain")


def test_what_arrived_once_is_well() -> None:
    found = judge([ONE, TWO], [Copy("<1@x>", "A"), Copy("<2@x>", "B")], {"<2@x>"})
    assert found.good
    assert (found.left, found.left_there) == (["<2@x>"], 1)


@pytest.mark.parametrize("state", ["accepted", "failed", "bounced", "cancelled", "queued"])
def test_what_nobody_has_is_lost(state: str) -> None:
    assert judge([Letter(1, "<1@x>", state)], [], set()).lost == ["<1@x>"]


def test_what_is_unclear_and_nobody_is_told_of_is_lost() -> None:
    assert judge([TWO], [Copy("<2@x>", "A")], set()).lost == ["<2@x>"]


def test_what_was_handed_over_twice_is_doubled() -> None:
    found = judge([ONE], [Copy("<1@x>", "A"), Copy("<1@x>", "B")], set())
    assert (found.doubled, found.by_relay, found.good) == (["<1@x>"], [], False)


def test_what_came_twice_under_unknown_queue_ids_is_doubled() -> None:
    assert judge([ONE], [Copy("<1@x>", ""), Copy("<1@x>", "")], set()).doubled == ["<1@x>"]


def test_what_the_relay_delivered_twice_itself_is_counted_apart() -> None:
    found = judge([ONE], [Copy("<1@x>", "A"), Copy("<1@x>", "A")], set())
    assert (found.doubled, found.by_relay, found.good) == ([], ["<1@x>"], True)


def test_a_copy_tells_the_queue_id_that_the_relay_gave_it() -> None:
    text = (
        b"Received: from letters.x (unknown [127.0.0.1])\r\n"
        b"\tby mail.x (Postfix) with ESMTP id 4jY8g60sMtzJLCK\r\n"
        b"\tfor <a@y>; Mon, 23 Nov 2026 15:16:50 +0000 (UTC)\r\n"
        b"Message-ID: <1@x>\r\n\r\nWords.\r\n"
    )
    arrived = Arrived("b@x", ("a@y",), text, "mail.x")
    assert copies([arrived]) == [Copy("<1@x>", "4jY8g60sMtzJLCK")]
