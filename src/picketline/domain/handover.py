"""Handing mails over: claim, build, offer, write down the intent, send the dot, write the result.

No transaction is open while the network is used. Whatever goes wrong with one mail stays with that
mail: the next one goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import InterfaceError, OperationalError

from picketline.domain import budgets, deliveries, leases
from picketline.domain.keyring import worker_keys
from picketline.domain.leases import BytesChanged, Lease, LeaseLost
from picketline.domain.outgoing import NotToBeSent, Outgoing, build
from picketline.mail.outcomes import Cause, Outcome, poison
from picketline.mail.smtp import ConnectFailed, Connection, Pending, Route, boot_seconds, connect
from picketline.models import Attempt, Delivery, SealedReply
from picketline.seal import boxes

log = logging.getLogger(__name__)

BATCH = 20
RELAY_REST = timedelta(seconds=30)
# A dot may be sent only while this much of the lease is left: time for the relay's answer.
MARGIN_SHARE = 0.5


@dataclass
class Sender:
    """One worker's hands: the way to the mail server and the connection it keeps to it.

    ``direct`` says that the server is the recipients' own. ``stopping`` is asked between mails.
    """

    route: Route
    lease: timedelta
    direct: bool = False
    stopping: Callable[[], bool] = bool
    _connection: Connection | None = field(default=None, init=False)
    _rests_until: float = field(default=0.0, init=False)

    def run_once(self, limit: int = BATCH) -> int:
        """Send a batch of what is due; returns how many mails were claimed.

        After the mail server was out of reach it claims nothing for a while.
        """
        started = boot_seconds()
        if started < self._rests_until:
            return 0
        claimed = leases.claim(limit, self.lease)
        deadline = started + self.lease.total_seconds() * (1 - MARGIN_SHARE)
        for number, lease in enumerate(claimed):
            if self.stopping() or boot_seconds() > deadline:
                self._give_back(claimed[number:])
                break
            try:
                self._send(lease, deadline)
            except ConnectFailed as failure:
                log.warning("mail server out of reach: %s", failure.outcome.phase)
                self._give_back(claimed[number:], wait=RELAY_REST)
                self._rests_until = boot_seconds() + RELAY_REST.total_seconds()
                break
        return len(claimed)

    def close(self) -> None:
        """Say goodbye to the mail server."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, lease: Lease, deadline: float) -> None:
        prepared = self._prepare(lease)
        if prepared is None:
            return
        connection = self._connected()
        pending = connection.offer(prepared.sender, prepared.recipient, prepared.data)
        if isinstance(pending, Outcome):
            self._settle(lease, pending)
            return
        outcome = self._commit(lease, prepared, connection, pending, deadline)
        if outcome is not None:
            self._settle(lease, outcome)

    def _prepare(self, lease: Lease) -> Outgoing | None:
        """The bytes to send, or None where this mail was settled without sending."""
        try:
            delivery = _delivery(lease)
            if not budgets.reserve(delivery, lease):
                return None
            return build(delivery)
        except NotToBeSent as reason:
            leases.drop(lease, str(reason))
        except (OperationalError, InterfaceError):
            raise  # the database is away, which is no mail's fault
        except Exception as fault:  # noqa: BLE001 - one mail that cannot be built must not stop the rest
            log.error("delivery %s cannot be built: %s", lease.delivery_id, type(fault).__name__)  # noqa: TRY400 - a traceback could quote personal data
            self._settle(lease, poison(type(fault).__name__))
        return None

    def _commit(
        self,
        lease: Lease,
        mail: Outgoing,
        connection: Connection,
        pending: Pending,
        deadline: float,
    ) -> Outcome | None:
        """Intent, then dot. None where another worker holds the mail by now."""
        try:
            leases.intend(
                lease,
                sha256=mail.digest,
                envelope=mail.envelope_hash,
                reply=mail.reply_hash,
                margin=self.lease * MARGIN_SHARE / 2,
            )
        except LeaseLost:
            connection.abandon()
            return None
        except BytesChanged:
            connection.abandon()
            return poison("other bytes than first intended")
        except BaseException:
            connection.abandon()
            raise
        return connection.commit(pending, deadline=deadline)

    def _settle(self, lease: Lease, outcome: Outcome) -> None:
        if outcome.cause is Cause.POLICY:
            log.warning("delivery %s refused by policy", lease.delivery_id)
        if deliveries.settle(lease, outcome, direct=self.direct) and outcome.text:
            _keep_reply(lease, outcome.text)

    def _connected(self) -> Connection:
        if self._connection is None or not self._connection.usable:
            self._connection = connect(self.route)
        return self._connection

    def _give_back(self, claimed: list[Lease], wait: timedelta = timedelta(0)) -> None:
        for lease in claimed:
            leases.give_back(lease, wait=wait)


def _delivery(lease: Lease) -> Delivery:
    return Delivery.objects.select_related(
        "campaign__organisation",
        "supporter__campaign",
        "supporter__sealed",
        "target",
        "target_version",
        "copy_address",
    ).get(pk=lease.delivery_id)


def _keep_reply(lease: Lease, text: str) -> None:
    """Seal the server's words to ourselves: they may quote an address."""
    attempt = Attempt.objects.get(delivery_id=lease.delivery_id, lease_token=lease.token)
    blob = boxes.seal(
        worker_keys().installation_public, text[:1000].encode(), b"reply|%d" % attempt.pk
    )
    SealedReply.objects.bulk_create([SealedReply(attempt=attempt, text_ct=blob)])
