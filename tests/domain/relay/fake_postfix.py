"""A Postfix as far as its log, its queue and what leaves it go. A scripted peer speaks its SMTP."""

from __future__ import annotations

import secrets
import threading
from base64 import b32encode
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db.models import F
from django.db.models.functions import Now
from tests import builders, postoffice
from tests.mail.scripted_server import Fault
from tests.postoffice import Peer

from picketline.domain import counts, leases
from picketline.domain.keyring import worker_keys
from picketline.domain.relay import Relay, Resolver
from picketline.domain.relay.probes import Probe
from picketline.mail.postqueue import Queued
from picketline.mail.routes import Route
from picketline.models import (
    Attempt,
    Campaign,
    Delivery,
    Evidence,
    RelayHealth,
    RelayLog,
    RelayProbe,
)
from picketline.seal import index

NAME = "here"
GRACE, LEASE = timedelta(seconds=30), timedelta(seconds=60)
SMTPD_TIMEOUT = 10
PATIENCE = (LEASE + GRACE).total_seconds() + SMTPD_TIMEOUT
"""Seconds that are enough for every kind of uncertain mail."""


@dataclass
class FakePostfix:
    """Takes messages, logs as Postfix does, and lets what it delivers fall into ``sink``."""

    folder: Path
    full: bool = False  # the active queue: what comes waits in "incoming", without a line
    blocked: bool = False  # nothing is delivered
    silent: bool = False  # lines are lost
    dead: bool = False  # probes are not taken
    sink: list[str] = field(default_factory=list)
    queue: list[Queued] = field(default_factory=list)
    _one_by_one: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _ids: int = 0
    _waiting: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = self.folder / "maillog"
        self.log.touch()

    def write(self, *lines: str, program: str = "qmgr") -> None:
        """Log lines, unless they get lost."""
        if not self.silent:
            with self.log.open("a", encoding="utf-8") as file:
                file.writelines(f"{heading(program)} {line}\n" for line in lines)

    def take(self, sender: str, message_id: str) -> str:
        """A message whose dot came; returns its queue id."""
        queue_id = self.begin(message_id)
        self._waiting[queue_id] = sender, message_id
        self.queue.append(Queued(queue_id, "incoming", sender, 1))
        if not self.full:
            self.activate(queue_id)
        return queue_id

    def begin(self, message_id: str) -> str:
        """A message whose header came; cleanup logs it before it is whole."""
        self._ids += 1
        queue_id = f"4jY7RR{self._ids:05}zBCD"
        self.write(f"{queue_id}: message-id={message_id}", program="cleanup")
        return queue_id

    def activate(self, queue_id: str) -> None:
        """The queue manager comes to a message, and delivers it if it can."""
        sender, _ = self._waiting[queue_id]
        self.write(f"{queue_id}: from=<{sender}>, size=260, nrcpt=1 (queue active)")
        if not self.blocked:
            self.deliver(queue_id)

    def deliver(self, queue_id: str) -> None:
        """The next server takes a message."""
        _, message_id = self._waiting.pop(queue_id)
        self.queue = [entry for entry in self.queue if entry.queue_id != queue_id]
        self.sink.append(message_id)
        self.write(delivery(queue_id, "sent", "250 2.0.0 Ok"), program="smtp")
        self.write(f"{queue_id}: removed")

    def restart(self) -> None:
        """It ended, somehow, and begins again."""
        self.write("daemon started -- version 3.7.11", program="master")

    def probe(self, relay: str, route: Route) -> Probe | None:
        """What the resolver hands probes over with."""
        if self.dead:
            return None
        alias = b32encode(secrets.token_bytes(20)).decode().lower()[:26]
        envelope = sha256(alias.encode()).digest()
        row = RelayProbe.objects.create(relay=relay, envelope_hash=envelope, handed_at=Now())
        with self._one_by_one:
            self.take(f"b.{alias}@letters.picketline.example", "<probe>")
        self.sink = [each for each in self.sink if each != "<probe>"]
        return Probe(row.pk, envelope)

    def resolver(self, **changes: Any) -> Resolver:
        """A worker's watch over this Postfix."""
        asked: dict[str, Any] = {
            "queue": lambda _: list(self.queue),
            "smtpd_timeout": lambda _: SMTPD_TIMEOUT,
            "probe": self.probe,
        }
        choices = {key: changes.pop(key) for key in list(changes) if key in asked}
        relay = Relay(NAME, self.log, None, postoffice.route(1), **asked | choices)
        return Resolver(relay, **{"lease": LEASE, "grace": GRACE} | changes)

    def send(self, *answers: bytes | Fault, stored: bool = True) -> list[str]:
        """A worker sends what is due; each dot gets the next answer, the last one stays.

        Returns the Message-IDs of what this Postfix took. ``stored`` is what a broken connection
        means: the message was taken, or it was not.
        """
        script: dict[str, Any] = {"DOT": list(answers) or b"250 2.0.0 Ok: queued as 77\r\n"}
        with Peer(answers=script, stores_before_dropping=stored) as server:
            while postoffice.send(server, lease=LEASE, relay=NAME):
                pass
        taken = [str(mail["Message-ID"]) for mail in server.mails()]
        for message_id in taken:
            self.take(sender_of(message_id), message_id)
        return taken


_TIMES: dict[Any, str] = {
    Delivery: "due_at lease_until uncertain_since settled_at",
    Attempt: "started_at committed_at ended_at",
    RelayHealth: "whole_from whole_until",
    RelayProbe: "handed_at seen_at",
    RelayLog: "read_at",
    Evidence: "seen_at",
}


class Clock:
    """The clock that nobody sets, and the database's, which tests move together or apart."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        """Seconds since nobody knows when."""
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        """Time passes on all clocks."""
        self.seconds += seconds
        set_database_clock(timedelta(seconds=seconds))


def set_database_clock(ahead: timedelta) -> None:
    """Every time in the database lies by so much further back, as if its clock had been set."""
    for table, columns in _TIMES.items():
        table.objects.update(**{column: F(column) - ahead for column in columns.split()})


def heading(program: str) -> str:
    """How a line of Postfix's log begins."""
    return f"2026-08-01T10:00:00.123456+00:00 mail postfix/{program}[12]:"


def delivery(queue_id: str, status: str, said: str, dsn: str = "2.0.0") -> str:
    """What a delivery agent logs of one try."""
    return (
        f"{queue_id}: to=<office@owner.example>, relay=mx.owner.example[192.0.2.1]:25, delay=0.1,"
        f" delays=0.1/0/0/0, dsn={dsn}, status={status} ({said})"
    )


def sender_of(message_id: str) -> str:
    """The envelope sender of the letter with this Message-ID."""
    alias = index.nonce_alias(worker_keys().envelope, message_id)
    return f"b.{alias}@letters.picketline.example"


def letters(campaign: Campaign) -> int:
    """The public number of letters."""
    counts.sum_up()
    return counts.totals(campaign)[counts.CountKind.LETTERS]


def crash() -> None:
    """The workers die with their mails as they are; the reaper finds them."""
    postoffice.expire_leases()
    leases.reap()


def attempts(mail: Delivery) -> list[str]:
    """How the attempts at a mail ended."""
    found = Attempt.objects.filter(delivery=mail).order_by("pk")
    return list(found.values_list("outcome", flat=True))


def a_letter() -> Delivery:
    """The only mail that is due."""
    letter, other = postoffice.queued(builders.campaign())
    other.delete()
    return letter


def state(mail: Delivery) -> str:
    """The state of a mail by now."""
    mail.refresh_from_db()
    return mail.state


def passes(watch: Resolver, clock: Clock, seconds: float = 2 * PATIENCE, step: float = 15) -> None:
    """A worker's passes for so long. What is due again meanwhile is sent by nobody."""
    for _ in range(int(seconds / step)):
        watch.run()
        clock.pass_by(step)
    watch.run()
