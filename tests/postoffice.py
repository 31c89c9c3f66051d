"""The worker's side of a test: mail that is due, a mail server that is watched, and a witness."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from urllib.parse import quote

import psycopg
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo
from tests import builders, writers
from tests.mail.scripted_server import Answer, Script, ScriptedServer

from picketline.domain import leases, roles, supporters
from picketline.domain.handover import Sender
from picketline.domain.leases import Intent, Lease
from picketline.mail.routes import Route, Security, Timeouts
from picketline.models import Attempt, Campaign, Delivery, Supporter

MailClass = Delivery.MailClass
State = Delivery.State
HOUR = timedelta(hours=1)
BYTES = b"b" * 32


class Answers(dict[str, Any]):
    """A script's answers; ``watch`` has what is to be done before the answer to a command."""

    def __init__(self, answers: dict[str, Answer | list[Answer]]) -> None:
        super().__init__(answers)
        self.watch: dict[str, Callable[[], None]] = {}

    def get(self, moment: str, usual: Any = None) -> Any:
        """The scripted answer, once whoever watches this moment is done."""
        self.watch.get(moment, bool)()
        return super().get(moment, usual)


class Peer(ScriptedServer):
    """A mail server that calls ``watching["DATA"]`` and the like before it answers."""

    def __init__(self, **script: Any) -> None:
        answers = Answers(script.pop("answers", {}))
        super().__init__(Script(answers=answers, **script))
        self.watching = answers.watch

    def mails(self) -> list[EmailMessage]:
        """What was kept, as a mail program reads it."""
        return [parsed(message) for message in self.messages]


def parsed(data: bytes) -> EmailMessage:
    """A message as a mail program reads it, with no defect found."""
    message = message_from_bytes(data, policy=default)
    assert not message.defects
    return message


def route(port: int) -> Route:
    """The way to a server on loopback; nothing waits longer than a stuck test may."""
    patience = Timeouts(10, 10, 10, 10, 10, 10, 1)
    return Route("127.0.0.1", port, Security.NONE, ehlo="letters.test", timeouts=patience)


def send(peer: Peer, *, lease: timedelta = HOUR, **choices: Any) -> int:
    """One round of a worker of its own, which ends its connection; how many mails it claimed."""
    worker = Sender(route(peer.port), lease, **choices)
    try:
        return worker.run_once()
    finally:
        worker.close()


def queued(campaign: Campaign, mail_class: MailClass = MailClass.LETTER) -> list[Delivery]:
    """The mails of this class, all due, of a writer who confirmed; no other mail is left."""
    supporter = writers.submit(campaign)
    if mail_class != MailClass.CONFIRMATION:
        supporters.confirm(writers.link(supporter))
    Delivery.objects.exclude(mail_class=mail_class).delete()
    make_due()
    return list(supporter.deliveries.order_by("pk"))


def letter(campaign: Campaign | None = None) -> Delivery:
    """The one mail there is: a letter, due, of a writer who confirmed."""
    wanted, *others = queued(campaign or builders.campaign())
    for other in others:
        other.delete()
    return wanted


def intend(lease: Lease, sha256: bytes = BYTES, margin: timedelta = timedelta(0)) -> None:
    """Commit the intent to send these bytes, under aliases that are all alike."""
    leases.intend(Intent(lease, sha256, b"e" * 32, None), margin)


def rows() -> list[object]:
    """Everything that any function of a worker could change about mails and attempts."""
    return [list(table.objects.order_by("pk").values()) for table in (Delivery, Attempt)]


@contextmanager
def rights_of_a_worker() -> Iterator[None]:
    """Within the ``with`` this connection may do what the worker's role may, and no more."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {roles.WORKER}")
        try:
            yield
        finally:
            cursor.execute("RESET ROLE")


def make_due() -> None:
    """Whatever waits may go now."""
    waiting = Delivery.objects.filter(state__in=Delivery.UNSENT_STATES)
    waiting.update(due_at=timezone.now() - HOUR)


def claimed(delivery: Delivery, *, lease: timedelta = HOUR) -> Lease:
    """A lease for this mail, which must be the only one due."""
    (only,) = leases.claim(10, lease)
    assert only.delivery_id == delivery.pk
    return only


def expire_leases() -> None:
    """The holder of every lease has been gone for too long."""
    Delivery.objects.filter(state=State.SENDING).update(lease_until=timezone.now() - HOUR)


def of_class(mail_class: MailClass, supporter: Supporter | None = None) -> Delivery:
    """The one mail of a class, as the database has it."""
    rows = Delivery.objects.filter(mail_class=mail_class)
    return rows.get(supporter=supporter) if supporter else rows.get()


def database_url(name: str = "", *, port: int = 0) -> str:
    """DATABASE_URL for a process: of the test's own database, or of another one on its server.

    With ``port`` it leads through whoever listens there on loopback.
    """
    login = connection.settings_dict
    where = f"{quote(login['HOST'], safe='')}:{login['PORT'] or 5432}"
    if port:
        where = f"127.0.0.1:{port}"
    user, password = quote(login["USER"]), quote(login["PASSWORD"], safe="")
    return f"postgresql://{user}:{password}@{where}/{name or login['NAME']}"


def witness() -> psycopg.Connection[Any]:
    """A connection of nobody's: it sees what is committed, from any thread."""
    login = connection.settings_dict
    return psycopg.connect(
        make_conninfo(
            host=login["HOST"],
            port=login["PORT"] or None,
            user=login["USER"],
            password=login["PASSWORD"],
            dbname=login["NAME"],
        ),
        autocommit=True,
    )
