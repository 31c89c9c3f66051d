"""Delivering: the worker with all its bookkeeping, beside programs that only send.

One worker, one connection, the same sink. The worker's database waits for the disk at each commit.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path

from bench import outbox, postoffice, rounds
from picketline.domain.signing import keys_of
from picketline.domain.streams import Stream
from picketline.host.processes import Company, free_port, listens

LETTERS = 10_000
AIM, AIM_SIGNED = 0.5, 0.25
OURS = "worker"


def measure(size: rounds.Size) -> rounds.Report:
    """Letters per second, all of them accepted by the sink; signed where there are keys."""
    a_round = outbox.fill(size.of(LETTERS) // size.rounds, rounds=size.rounds)
    signatures = ", ".join(key.selector for key in keys_of(Stream.LETTERS))
    octets = outbox.octets()
    port = free_port(0)
    with tempfile.TemporaryDirectory() as logs, Company(Path(logs)) as company:
        company.start("sink", postoffice.sink_command(port), os.environ)
        company.wait_for("sink", partial(listens, port))
        worker = outbox.worker(port)
        letters = postoffice.Letters(port, a_round, octets)
        contenders: dict[str, rounds.Contender] = {
            OURS: partial(outbox.send, worker, a_round),
            **{
                name: partial(outbox.rate, send, letters)
                for name, send in postoffice.limits().items()
            },
        }
        for contender in contenders.values():
            contender()
        details = {
            "letters": f"{a_round} a round, {octets:,} bytes each",
            "signed": signatures or "no",
            "sink": postoffice.sink_name(),
        }
        aim = AIM_SIGNED if signatures else AIM
        found = rounds.report("deliver", "letters", contenders, size, aim=aim, details=details)
        worker.close()
    return found
