"""Handing mails over: claim, build, write down the intent, send the dot, write the result.

No transaction is open while the network is used. Whatever goes wrong with one mail stays with that
mail: the next one goes on.

There are two ways. Without the relay's log one mail is intended at a time, between its text and its
dot, so that a crash leaves one mail uncertain at most. With it the intents of several mails share a
commit before the first of them is offered: whatever a crash leaves uncertain, evidence settles
(``picketline.domain.relay``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest

from django.db import InterfaceError, OperationalError, transaction

from picketline.domain import (
    batches,
    budgets,
    deliveries,
    leases,
    metrics,
    notices,
    pacing,
    signing,
)
from picketline.domain.batches import Batch
from picketline.domain.deliveries import Result
from picketline.domain.keyring import worker_keys
from picketline.domain.leases import BytesChanged, Intended, Intent, Lease, LeaseLost
from picketline.domain.outgoing import NotToBeSent, Outgoing
from picketline.domain.streams import stream_of
from picketline.mail.outcomes import Cause, Kind, Outcome, of_a_relay, poison
from picketline.mail.smtp import ConnectFailed, Connection, Letter, Route, boot_seconds, connect
from picketline.models import Attempt, SealedReply
from picketline.seal import boxes

log = logging.getLogger(__name__)

BATCH = 20
# Where intents share a commit a batch may be large: what a crash leaves unclear, evidence settles.
TOGETHER, LARGE_BATCH = 100, 200
RELAY_REST = timedelta(seconds=30)
# A dot may be sent only while this much of the lease is left: time for the relay's answer.
MARGIN_SHARE = 0.5

_OTHER_BYTES = poison("other bytes than first intended")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A mail with all that it takes to send it."""

    lease: Lease
    mail: Outgoing
    letter: Letter


@dataclass
class Sender:
    """One worker's hands: the way to the mail server and the connection it keeps to it.

    ``direct`` says that the server is the recipients' own. ``stopping`` is asked between mails.
    ``relay`` names the server whose log tells of what it took; ``intents`` is how many mails may
    share one commit of their intents, which must be 1 where there is no such log.
    """

    route: Route
    lease: timedelta
    direct: bool = False
    stopping: Callable[[], bool] = bool
    relay: str = ""
    intents: int = 1
    _connection: Connection | None = field(default=None, init=False)
    _rests_until: float = field(default=0.0, init=False)
    _deadline: float = field(default=0.0, init=False)
    _blocking: set[int] = field(default_factory=set, init=False)

    def run_once(self, limit: int = BATCH) -> int:
        """Send a batch of what is due; returns how many mails were claimed.

        After the mail server was out of reach it claims nothing for a while.
        """
        started = boot_seconds()
        if started < self._rests_until:
            return 0
        with metrics.phase("claim"):
            rest = claimed = leases.claim(limit, self.lease, relay=self.relay)
        if not claimed:
            return 0
        metrics.claimed(len(claimed))
        self._deadline = started + self.lease.total_seconds() * (1 - MARGIN_SHARE)
        self._blocking.clear()
        batch = batches.load(claimed) if self.intents > 1 else None
        while rest and not self._must_stop():
            connection = self._connected(rest)
            if connection is None:
                leases.give_back(rest, wait=RELAY_REST)
                return len(claimed)
            chunk, rest = rest[: self.intents], rest[self.intents :]
            left = self._send(connection, chunk, batch or batches.load(chunk))
            if left:
                leases.give_back(left)
        if rest:
            leases.give_back(rest)
        return len(claimed)

    def close(self) -> None:
        """Say goodbye to the mail server."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _must_stop(self) -> bool:
        return self.stopping() or boot_seconds() > self._deadline

    def _connected(self, waiting: Sequence[Lease]) -> Connection | None:
        """A connection to the mail server; None, and a rest begins, where it is out of reach."""
        if self._connection is None or not self._connection.usable:
            try:
                self._connection = connect(self.route)
            except ConnectFailed as failure:
                log.warning("mail server out of reach: %s", failure.outcome.phase)
                with transaction.atomic():
                    pacing.note([(waiting[0], failure.outcome)], relay=self.relay)
                self._rests_until = boot_seconds() + RELAY_REST.total_seconds()
                return None
        return self._connection

    def _send(self, connection: Connection, chunk: Sequence[Lease], batch: Batch) -> list[Lease]:
        """Send what can be sent of these; returns what was not begun."""
        held = [lease for lease in chunk if lease.target_id in self._blocking]
        with metrics.phase("build"):
            ready = [
                prepared
                for lease in chunk
                if lease not in held and (prepared := self._prepared(lease, batch)) is not None
            ]
        send = self._one_by_one if self.intents == 1 else self._together
        with metrics.phase("send"):
            return held + send(connection, ready)

    def _prepared(self, lease: Lease, batch: Batch) -> _Ready | None:
        """The bytes to send, or None where this mail was settled without sending."""
        try:
            if not budgets.reserve(batch.mails[lease.delivery_id], lease):
                return None
            mail = batch.build(lease.delivery_id)
            data = signing.signed(mail.data, stream_of(lease.mail_class))
            return _Ready(lease, mail, Letter(mail.sender, mail.recipient, data))
        except NotToBeSent as reason:
            leases.drop(lease, str(reason))
        except (OperationalError, InterfaceError):
            raise  # the database is away, which is no mail's fault
        except Exception as fault:  # noqa: BLE001 - one mail that cannot be built must not stop the rest
            log.error("delivery %s cannot be built: %s", lease.delivery_id, type(fault).__name__)  # noqa: TRY400 - a traceback could quote personal data
            self._settle([(lease, poison(type(fault).__name__))])
        return None

    def _one_by_one(self, connection: Connection, ready: Sequence[_Ready]) -> list[Lease]:
        """Offer a mail, write its intent down, send the dot; returns what had no right to go."""
        left: list[Lease] = []
        for each in ready:
            pending = connection.offer(each.letter.sender, each.letter.recipient, each.letter.data)
            if isinstance(pending, Outcome):
                refusal = self._understood(pending)
                self._look_at(each.lease, refusal)
                self._settle([(each.lease, refusal)])
                continue
            try:
                leases.intend(self._intent(each), self._margin)
            except LeaseLost:
                connection.abandon()
                left.append(each.lease)
            except BytesChanged:
                connection.abandon()
                self._settle([(each.lease, _OTHER_BYTES)])
            except BaseException:
                connection.abandon()
                raise
            else:
                outcome = connection.commit(pending, deadline=self._deadline)
                self._look_at(each.lease, outcome)
                self._settle([(each.lease, outcome)])
        return left

    def _together(self, connection: Connection, ready: Sequence[_Ready]) -> list[Lease]:
        """Write all intents down, then send, each with its dot, over this one connection."""
        intended = leases.intend_many([self._intent(each) for each in ready], self._margin)
        going = [each for each in ready if intended[each.lease.delivery_id] is Intended.HELD]
        results: list[Result] = [
            (each.lease, _OTHER_BYTES)
            for each in ready
            if intended[each.lease.delivery_id] is Intended.CHANGED
        ]
        left = [each.lease for each in ready if intended[each.lease.delivery_id] is Intended.LOST]
        try:
            for each, following in zip_longest(going, going[1:]):
                if not self._may_go(connection, each, first=each is going[0]):
                    left.append(each.lease)
                    continue
                answer = connection.hand_over(
                    each.letter,
                    deadline=self._deadline,
                    following=following.letter if following else None,
                )
                outcome = self._understood(answer)
                results.append((each.lease, outcome))
                self._look_at(each.lease, outcome)
        finally:
            self._settle(results)
        return left

    def _may_go(self, connection: Connection, each: _Ready, *, first: bool) -> bool:
        """Whether this mail, whose envelope may be open already, is to be sent after all.

        A server that hangs up between two mails costs the second one nothing. The first one is
        tried in any case: a server that hangs up on all of us would else never be found out.
        """
        if self._must_stop() or each.lease.target_id in self._blocking:
            connection.abandon()
            return False
        return first or connection.usable

    def _understood(self, outcome: Outcome) -> Outcome:
        return outcome if self.direct else of_a_relay(outcome)

    def _look_at(self, lease: Lease, outcome: Outcome) -> None:
        if outcome.cause is Cause.POLICY:
            log.warning("delivery %s refused by policy", lease.delivery_id)
            if lease.domain and lease.target_id is not None:  # a letter, no notice about a target
                self._blocking.add(lease.target_id)

    def _intent(self, each: _Ready) -> Intent:
        mail = each.mail
        return Intent(each.lease, mail.digest, mail.envelope_hash, mail.reply_hash)

    @property
    def _margin(self) -> timedelta:
        return self.lease * MARGIN_SHARE / 2

    def _settle(self, results: Sequence[Result]) -> None:
        if not results:
            return
        with metrics.phase("settle"), transaction.atomic():
            settled = deliveries.settle_many(results, direct=self.direct)
            notices.tell_of_blocks(pacing.note(settled, relay=self.relay, direct=self.direct))
            _keep_replies(settled)
        metrics.settled(settled)


def _keep_replies(results: Sequence[Result]) -> None:
    """Seal the server's words to ourselves: they may quote an address. A yes needs no words."""
    refused = {
        lease.token: outcome.text
        for lease, outcome in results
        if outcome.kind is not Kind.ACCEPTED and outcome.text
    }
    if not refused:
        return
    key = worker_keys().installation_public
    SealedReply.objects.bulk_create(
        SealedReply(
            attempt=attempt,
            text_ct=boxes.seal(
                key, refused[attempt.lease_token][:1000].encode(), b"reply|%d" % attempt.pk
            ),
        )
        for attempt in Attempt.objects.filter(lease_token__in=refused)
    )
