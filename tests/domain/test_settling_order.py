"""Settling takes its rows in one order, so that it never waits in a circle with a withdrawal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from tests import builders, postoffice

from picketline.domain import deliveries, leases
from picketline.domain.leases import Lease
from picketline.domain.relay import notes
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Campaign, Delivery, Evidence

pytestmark = pytest.mark.django_db(transaction=True)

ACCEPTED = Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250)
LATER = Outcome(Kind.TEMPORARY, Phase.RCPT, Cause.NONE, 450)


def _held(campaign: Campaign) -> list[Lease]:
    """Two letters in a worker's hands, the later one first."""
    postoffice.queued(campaign)
    found = leases.claim(10, postoffice.HOUR)
    return sorted(found, key=lambda lease: -lease.delivery_id)


def _while_somebody_locks_in_order(act: Callable[[], Any]) -> Any:
    """Do it while another session takes both rows in the order of their numbers."""
    first, second = Delivery.objects.order_by("pk").values_list("pk", flat=True)
    lock = "SELECT FROM picketline_delivery WHERE id = %s FOR NO KEY UPDATE"
    begun = threading.Event()

    def run() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            running.append(cursor.fetchone()[0])
        begun.set()
        try:
            return act()
        finally:
            connection.close()

    running: list[int] = []
    with postoffice.witness() as other, ThreadPoolExecutor(1) as pool:
        with other.transaction():
            other.execute(lock, [first])
            done = pool.submit(run)
            assert begun.wait(10)
            waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = %s"
            with postoffice.witness() as watch:
                while not watch.execute(waits, [running[0], "Lock"]).fetchone()[0]:  # type: ignore[index]
                    assert not done.done()
            other.execute(lock, [second])
        return done.result(10)


@pytest.mark.parametrize("outcomes", [(ACCEPTED, ACCEPTED), (LATER, LATER), (ACCEPTED, LATER)])
def test_results_are_settled_while_their_writer_withdraws(
    outcomes: tuple[Outcome, Outcome],
) -> None:
    results = list(zip(_held(builders.campaign()), outcomes, strict=True))
    settled = _while_somebody_locks_in_order(lambda: deliveries.settle_many(results, direct=False))
    assert settled == results


def test_what_is_proven_is_accepted_while_its_writer_withdraws() -> None:
    for lease in _held(builders.campaign()):
        mail = Delivery.objects.filter(pk=lease.delivery_id)
        mail.update(state="uncertain", lease_until=None, uncertain_since=Now())
        Evidence.objects.create(
            delivery=mail.get(), queue_id="4XyZ12", kind="queued", seen_at=Now()
        )
    assert len(_while_somebody_locks_in_order(notes.accept_proven)) == 2
