"""Claiming from a full outbox, beside one that is nearly empty; and what memory that takes."""

from __future__ import annotations

import os
import resource
import tempfile
import time
from functools import partial
from pathlib import Path

from django.db import connection, transaction

from bench import outbox, postoffice, rounds
from picketline.domain import leases
from picketline.host.processes import Company, free_port, listens

SMALL, LARGE = 1_000, 200_000
CLAIMS, BATCH = 50, 100
AIM = 0.5
_FILL = """
WITH writers AS (
    INSERT INTO picketline_supporter (campaign_id, state, confirm_hash, status_hash, page_language,
        country, signs_as, replies, created_at)
    SELECT campaign_id, 'confirmed', sha256(('c' || number)::bytea), sha256(('s' || number)::bytea),
           'en', 'ES', 'person', 'alias', now()
    FROM generate_series(1, %(writers)s) number,
         (SELECT min(id) AS campaign_id FROM picketline_campaign) campaign
    RETURNING id, campaign_id
)
INSERT INTO picketline_delivery (campaign_id, mail_class, supporter_id, target_id,
    target_version_id, model_letter_id, state, message_id, dated, due_at, created_at,
    attempt_count, outcome, enhanced_code, direct, relay_status)
SELECT writers.campaign_id, 'letter', writers.id, version.target_id, version.id,
       (SELECT min(id) FROM picketline_modelletter), 'queued',
       '<' || replace(gen_random_uuid()::text, '-', '') || '@letters.picketline.example>',
       now(), now(), now(), 0, '', '', false, ''
FROM writers CROSS JOIN picketline_targetversion version WHERE version.current
"""


def measure(size: rounds.Size) -> rounds.Report:
    """Claims per second of a batch of 100 with 200,000 letters waiting, beside 1,000.

    Details tell the slowest claims, and the memory after sending a thousand letters from each.
    """
    rates: dict[str, list[float]] = {}
    details: dict[str, object] = {"batch": BATCH}
    outbox.fill(SMALL, rounds=2)
    port = free_port(0)
    with tempfile.TemporaryDirectory() as logs, Company(Path(logs)) as company:
        company.start("sink", postoffice.sink_command(port), os.environ)
        company.wait_for("sink", partial(listens, port))
        for waiting in (SMALL, size.of(LARGE)):
            _fill_up(waiting)
            name = f"{waiting:,} waiting"
            times = [_claim() for _ in range(CLAIMS * size.rounds)]
            rates[name] = [
                CLAIMS / sum(times[start : start + CLAIMS])
                for start in range(0, len(times), CLAIMS)
            ]
            slowest = sorted(times)[int(len(times) * 0.99)]
            details[f"slowest of a hundred claims, {name}"] = f"{slowest * 1000:.1f} ms"
            worker = outbox.worker(port)
            outbox.send(worker, SMALL // 2)
            worker.close()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            details[f"memory after sending, {name}"] = f"{peak / 1024:.0f} MB"
    small, large = rates
    ratio = [many / few for few, many in zip(rates[small], rates[large], strict=True)]
    return rounds.Report(
        name="backlog",
        unit="claims",
        ours=large,
        limit=small,
        rates={name: rounds.Spread.of(values) for name, values in rates.items()},
        ratio=rounds.Spread.of(ratio),
        aim=AIM,
        details=details,
    )


def _fill_up(waiting: int) -> None:
    """Letters that are due behind those that can be sent, until so many wait."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM picketline_delivery WHERE state = 'queued'")
        (there,) = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM picketline_targetversion WHERE current")
        (targets,) = cursor.fetchone()
        if waiting > there:
            cursor.execute(_FILL, {"writers": (waiting - there) // targets})
        cursor.execute("ANALYZE")


def _claim() -> float:
    """Seconds of one claim, which is undone: given back, letters would be due behind all others."""
    started = time.perf_counter()
    with transaction.atomic():
        leases.claim(BATCH, outbox.LEASE, relay="bench")
        seconds = time.perf_counter() - started
        transaction.set_rollback(True)
    return seconds
