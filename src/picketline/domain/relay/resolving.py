"""Uncertain mails, settled by what the relay knows of them and never by guessing.

*There*: the log or the queue has the mail's envelope sender. Then it is accepted.

*Not there* is proven in a round, in this order, or not at all:

1. Nothing can reach the relay any more: the mail has been seen uncertain for its patience, on a
   clock that nobody sets.
2. The queue is listed. What was taken in and is not listed has left the incoming queue by now, and
   the queue manager has written its line, or is about to.
3. A probe is handed over. The queue manager, one process, writes its line after those.
4. The probe's line is read, from a log that was whole since before the mail was claimed; every mail
   that the relay said yes to meanwhile has its line too; the uncertain mail has none.

Then the mail goes back to the queue, with its Message-ID and its bytes. If the log turns out not to
be whole, the mail stays uncertain, and people are told (``reporting``).

When Postfix ends, lines on their way to the log are lost, so what is in flight at that moment could
come and go unseen. So every mail is looked for in a round at once, before its patience is over: one
that was not there then is not affected when Postfix is started anew later. That is remembered with
the attempt, so that it outlives the process that looked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from picketline.domain.relay import health, notes, probes, unclear
from picketline.domain.relay.log import Reader
from picketline.domain.relay.probes import Probe
from picketline.domain.relay.unclear import Key, Unclear
from picketline.mail import postqueue
from picketline.mail.postqueue import Queued, QueueUnreadable
from picketline.mail.smtp import Route, boot_seconds

log = logging.getLogger(__name__)

HEARTBEAT = timedelta(seconds=15)
ROUND_SECONDS = 60.0
ASK_AGAIN_SECONDS = 600.0


@dataclass(frozen=True)
class Relay:
    """The Postfix that this host's workers hand mail to.

    ``name`` is what attempts call it; ``config`` is its configuration folder, None for the host's
    main instance. The functions ask Postfix itself and hand probes over; tests give others.
    """

    name: str
    log: Path
    config: Path | None
    route: Route
    queue: Callable[[Path | None], list[Queued]] = postqueue.listing
    smtpd_timeout: Callable[[Path | None], int] = postqueue.smtpd_timeout
    probe: Callable[[str, Route], Probe | None] = probes.hand_over


@dataclass(frozen=True)
class _Round:
    """A proof under way, about mails that the queue did not list.

    A probe with a higher number than ``probe`` was handed over after the listing. The log must tell
    of ``witnesses`` and ``probes``: the relay had said yes to them before, and they were not in the
    queue.
    """

    begun: float
    absent: list[Unclear]
    probe: int
    witnesses: list[int]
    probes: list[int]


@dataclass
class Resolver:
    """One process's watch over the uncertain mails of one relay.

    ``lease`` is how long a worker may hold a mail, ``grace`` how long one whose connection broke
    may still be on its way.
    """

    relay: Relay
    lease: timedelta
    grace: timedelta
    _reader: Reader = field(init=False)
    _first_seen: dict[Key, float] = field(default_factory=dict, init=False)
    _round: _Round | None = field(default=None, init=False)
    _run: int = field(default=0, init=False)
    _probes: dict[int, bytes] = field(default_factory=dict, init=False)
    _probed_for: int | None = field(default=None, init=False)
    _rests_until: float = field(default=0.0, init=False)
    _silence: tuple[float, float] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.relay.name, self.relay.log)

    def run(self) -> None:
        """One pass: read the log on, accept what it proves, go on with proving absence."""
        self._reader.read()
        notes.accept_proven()
        self._notice_a_new_run()
        if self._round is not None:
            self._go_on(self._round)
        sought = self._sought()
        if self._round is not None or boot_seconds() < self._rests_until:
            return
        if sought:
            self._begin(sought)
        else:
            self._beat()

    def _notice_a_new_run(self) -> None:
        """What was under way with the Postfix that ended proves nothing now."""
        run = health.run_since(self.relay.name)
        if run != self._run:
            self._run = run
            self._round = None
            self._probes.clear()

    def _sought(self) -> list[Unclear]:
        """Uncertain mails that the log covers, and that a round would bring further."""
        now = boot_seconds()
        mails = unclear.of(self.relay.name, self.grace)
        self._first_seen = {mail.key: self._first_seen.get(mail.key, now) for mail in mails}
        since = health.whole_since(self.relay.name)
        if since is None:
            return []
        return [
            mail
            for mail in mails
            if mail.token > since
            and (self._is_ripe(mail) if mail.looked_for else mail.token > self._run)
        ]

    def _is_ripe(self, mail: Unclear) -> bool:
        """Whether nothing of this mail can reach the relay any more."""
        seen_for = boot_seconds() - self._first_seen[mail.key]
        return mail.waited and seen_for >= self._patience(mail)

    def _patience(self, mail: Unclear) -> float:
        """How long a dot can still be on its way, in seconds from when the mail was seen uncertain.

        A worker that wrote the end of its attempt sends nothing more. One that was given up may
        only be frozen, and send its dot when it thaws, until the relay hangs up on it. The times
        are added up from here because a database's clock that is set may end a lease early.
        """
        grace = self.grace.total_seconds()
        if not mail.given_up:
            return grace
        return max(grace, self.lease.total_seconds() + self._smtpd_timeout())

    def _smtpd_timeout(self) -> float:
        """Seconds; endless where Postfix does not say. Asked now and then: it may be changed."""
        now = boot_seconds()
        if self._silence is None or now > self._silence[0] + ASK_AGAIN_SECONDS:
            try:
                self._silence = now, float(self.relay.smtpd_timeout(self.relay.config))
            except QueueUnreadable as fault:
                self._trouble(str(fault))
                self._silence = now, float("inf")
        return self._silence[1]

    def _begin(self, sought: list[Unclear]) -> None:
        """List the queue, then hand a probe over. What is listed is there."""
        witnesses = unclear.without_a_line(self.relay.name, min(mail.attempt for mail in sought))
        own = dict(self._probes)
        listed = self._listed()
        if listed is None:
            self._rest()
            return
        notes.write_queued(
            [(mail.number, listed[mail.envelope]) for mail in sought if mail.envelope in listed]
        )
        notes.accept_proven()
        proof = _Round(
            begun=boot_seconds(),
            absent=[mail for mail in sought if mail.envelope not in listed],
            probe=probes.last(self.relay.name),
            witnesses=[number for number, envelope in witnesses.items() if envelope not in listed],
            probes=[number for number, envelope in own.items() if envelope not in listed],
        )
        if self._hand_probe_over():
            self._round = proof

    def _listed(self) -> dict[bytes, str] | None:
        """The queue id of each mail of ours in the queue; None where it cannot be read."""
        try:
            queue = self.relay.queue(self.relay.config)
        except QueueUnreadable as fault:
            self._trouble(str(fault))
            return None
        taken = [entry for entry in queue if entry.queue_name != "maildrop"]
        hashed = ((notes.hash_of(entry.sender), entry.queue_id) for entry in taken)
        return {envelope: queue_id for envelope, queue_id in hashed if envelope is not None}

    def _go_on(self, proof: _Round) -> None:
        """Conclude, once the log tells of a probe that was handed over after the listing."""
        if probes.seen_after(self.relay.name, proof.probe):
            self._round = None
            self._conclude(proof)
        elif boot_seconds() > proof.begun + ROUND_SECONDS:
            self._round = None

    def _conclude(self, proof: _Round) -> None:
        lost = probes.unseen(proof.probes)
        for number in lost:
            self._probes.pop(number, None)
        if lost or unclear.still_without_a_line(proof.witnesses):
            self._trouble("the log has lost lines")
            health.begin(self.relay.name)
            return
        unclear.queue_again(self.relay.name, [mail for mail in proof.absent if mail.looked_for])
        unclear.note_looked_for([mail for mail in proof.absent if not mail.looked_for])

    def _beat(self) -> None:
        """While mail is handed over, a probe now and then: a gap in the log would lack its line."""
        if self._probed_for is None:
            self._probed_for = unclear.last_attempt()
        if not unclear.handed_over_since(self.relay.name, self._probed_for):
            return
        if not probes.handed_lately(self.relay.name, HEARTBEAT):
            self._hand_probe_over()
        self._probed_for = unclear.last_attempt()

    def _hand_probe_over(self) -> bool:
        """False, and a rest begins, where the relay did not take it."""
        unseen = probes.unseen(self._probes)
        self._probes = {number: self._probes[number] for number in unseen}
        probe = self.relay.probe(self.relay.name, self.relay.route)
        if probe is None:
            self._rest()
            return False
        self._probes[probe.number] = probe.envelope
        return True

    def _rest(self) -> None:
        self._rests_until = boot_seconds() + HEARTBEAT.total_seconds()

    def _trouble(self, sentence: str) -> None:
        log.warning("evidence of %s: %s", self.relay.name, sentence)


def of_this_host(route: Route, lease: timedelta) -> Resolver | None:
    """The watch over the relay that the settings name; None where no log of it is configured.

    ``lease`` is what the worker claims with, ``route`` its way to the relay.
    """
    if settings.RELAY_LOG is None:
        return None
    relay = Relay(settings.RELAY_NAME, settings.RELAY_LOG, settings.POSTFIX_CONFIG, route)
    return Resolver(relay, lease, timedelta(seconds=settings.GRACE_SECONDS))
