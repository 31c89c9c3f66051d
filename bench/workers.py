"""Two workers on one outbox, beside one. Both work with connections of their own."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import django
from django.db import connections

from bench import postoffice, rounds
from picketline.host.processes import Company, free_port, listens

LETTERS = 10_000
AIM, CORES = 1.6, 4


def measure(size: rounds.Size) -> rounds.Report:
    """Letters per second. The aim holds where worker, database and sink need not share cores."""
    from bench import outbox

    a_round = outbox.fill(size.of(LETTERS) // size.rounds // 2, rounds=2 * size.rounds)
    port = free_port(0)
    with tempfile.TemporaryDirectory() as logs, Company(Path(logs)) as company:
        company.start("sink", postoffice.sink_command(port), os.environ)
        company.wait_for("sink", partial(listens, port))
        contenders: dict[str, rounds.Contender] = {
            f"{number} workers": partial(_by, number, port, a_round) for number in (2, 1)
        }
        aim = AIM if (os.cpu_count() or 1) >= CORES else None
        details = {"letters": f"{a_round} a round", "cores": os.cpu_count()}
        return rounds.report("workers", "letters", contenders, size, aim=aim, details=details)


def _by(workers: int, port: int, letters: int) -> float:
    """Letters per second of so many workers, from when all are ready until all are done."""
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(workers + 1)
    share = letters // workers
    processes = [context.Process(target=_work, args=(port, share, ready)) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    started = time.perf_counter()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - started
    if any(process.exitcode for process in processes):
        raise SystemExit("A worker broke off.")
    return share * workers / seconds


def _work(port: int, letters: int, ready: Barrier) -> None:
    django.setup()
    from bench import outbox

    worker = outbox.worker(port)
    worker.run_once(1)  # connected, and everything imported
    ready.wait()
    sent = 1
    while sent < letters and (claimed := worker.run_once(min(outbox.BATCH, letters - sent))):
        sent += claimed
    worker.close()
