"""Delivering into a real Postfix, which writes every letter to its disk before it says yes.

The same letters by the worker and by ``smtp-source``; Postfix throws away what it has taken.
Needs root and Debian's Postfix.
"""

from __future__ import annotations

import sys
from functools import partial

from chaos import postfix

from bench import outbox, postoffice, rounds

LETTERS = 5_000
AIM = 0.7
OURS = "worker"


def measure(size: rounds.Size) -> rounds.Report:
    """Letters per second, all of them accepted by Postfix."""
    if reason := postfix.missing():
        sys.exit(f"The durable delivery cannot be measured: {reason}.")
    a_round = outbox.fill(size.of(LETTERS) // size.rounds, rounds=size.rounds)
    octets = outbox.octets()
    with postfix.running(settings={"transport_maps": "static:discard:"}) as relay:
        worker = outbox.worker(relay.port)
        letters = postoffice.Letters(relay.port, a_round, octets)
        contenders: dict[str, rounds.Contender] = {
            OURS: partial(outbox.send, worker, a_round),
            **{
                name: partial(outbox.rate, send, letters)
                for name, send in postoffice.limits().items()
            },
        }
        for contender in contenders.values():
            contender()
        details = {"letters": f"{a_round} a round, {octets:,} bytes each", "signed": "no"}
        found = rounds.report("durable", "letters", contenders, size, aim=AIM, details=details)
        worker.close()
    return found
