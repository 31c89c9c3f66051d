"""The confirmations' budget: nobody's mailbox can be flooded by typing its address into forms.

At most one confirmation in ten minutes and three in a day go to one canonical address, across all
campaigns. The worker decides, not the request, so that every submission is answered alike.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from picketline.domain import leases
from picketline.domain.leases import Lease
from picketline.domain.links import CONFIRM_WITHIN
from picketline.models import ConfirmationSent, Delivery

PAUSE = timedelta(minutes=10)
DAY = timedelta(days=1)
PER_DAY = 3


def reserve(delivery: Delivery, lease: Lease) -> bool:
    """Take a confirmation out of its address's budget; other mails have none and always may go.

    False where it may not go now: it was given back until the pause is over or the day's budget
    is free again, dropped because its link would have expired by then, or another worker holds it
    by now. A mail that was paid for once is not charged again when retried.
    """
    if delivery.budget_hash is None:
        return True
    address_hash = bytes(delivery.budget_hash)
    now = timezone.now()
    with transaction.atomic():
        _one_at_a_time(address_hash)
        sent = list(
            ConfirmationSent.objects.filter(address_hash=address_hash, sent_at__gt=now - DAY)
            .order_by("-sent_at")
            .values_list("sent_at", flat=True)[:PER_DAY]
        )
        free_at = _free_at(sent)
        if free_at > delivery.created_at + CONFIRM_WITHIN:
            leases.drop(lease, "budget")
            return False
        if free_at > now:
            leases.give_back(lease, wait=free_at - now)
            return False
        if not leases.held(lease).filter(budget_hash=address_hash).update(budget_hash=None):
            return False
        ConfirmationSent.objects.create(address_hash=address_hash, sent_at=now)
    return True


def _free_at(sent: list[datetime]) -> datetime:
    """When the next confirmation may go, after those of the last day, newest first."""
    if len(sent) >= PER_DAY:
        return sent[-1] + DAY
    return sent[0] + PAUSE if sent else datetime.min.replace(tzinfo=UTC)


def forget_old() -> int:
    """Delete what the budget no longer needs; returns how many rows."""
    return ConfirmationSent.objects.filter(sent_at__lte=timezone.now() - DAY).delete()[0]


def _one_at_a_time(address_hash: bytes) -> None:
    """Two workers with mails to one address take turns until the end of the transaction."""
    number = int.from_bytes(address_hash[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
