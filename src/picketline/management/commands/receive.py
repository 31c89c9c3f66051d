"""``picketline receive``: takes in what mail servers and mailboxes have for us."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal
import sys
import threading
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connection

from picketline.domain.incoming import doors, mailbox, receiving
from picketline.domain.keyring import public_keys
from picketline.domain.streams import reply_domain
from picketline.host import listener
from picketline.host.listener import Answer, Office
from picketline.mail.incoming.limits import MAX_MESSAGE
from picketline.seal.keys import KeyProblem

log = logging.getLogger(__name__)

# <sysexits.h>, as Postfix's pipe(8) understands them. Every other code would bounce the message.
EX_DATAERR, EX_NOUSER, EX_TEMPFAIL = 65, 67, 75
MAILBOX_REST_SECONDS = 60.0


class Command(BaseCommand):
    """One message on standard input, a listener for a mail server, or a mailbox to empty."""

    help = "Take in mail: from standard input, as a mail server by LMTP or SMTP, or by IMAP."
    requires_system_checks = ()  # each message on standard input starts it anew

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Standard input is meant where no other way is named."""
        parser.add_argument("--recipient", help="Of the message on standard input.")
        parser.add_argument("--sender", default="", help="Its envelope sender; empty for bounces.")
        way = parser.add_mutually_exclusive_group()
        way.add_argument("--lmtp", metavar="HOST:PORT", help="Listen for a mail server's LMTP.")
        way.add_argument("--smtp", metavar="HOST:PORT", help="Listen for a mail server's SMTP.")
        way.add_argument("--imap", action="store_true", help="Empty PICKETLINE_IMAP_URL.")
        parser.add_argument("--once", action="store_true", help="With --imap: once, then stop.")
        parser.add_argument(
            "--recipient-field",
            action="append",
            metavar="NAME",
            help="With --imap: a header field that names the recipient. May be given repeatedly.",
        )
        parser.add_argument(
            "--allow-remote",
            action="store_true",
            help="Listen where other machines can connect; nothing is encrypted there.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Whatever goes wrong, nobody is told that we have a message before it is committed."""
        try:
            public_keys()
        except KeyProblem as problem:
            raise CommandError(str(problem), returncode=EX_TEMPFAIL) from None
        if options["lmtp"] or options["smtp"]:
            self._listen(options)
        elif options["imap"]:
            self._empty(options)
        else:
            self._take(options)

    def _take(self, options: dict[str, Any]) -> None:
        if not options["recipient"]:
            raise CommandError("Say --recipient, --lmtp, --smtp or --imap.", returncode=EX_TEMPFAIL)
        raw = sys.stdin.buffer.read(MAX_MESSAGE + 1)
        answer = _keep(options["recipient"], options["sender"], raw)
        codes = {
            Answer.UNKNOWN: EX_NOUSER,
            Answer.TOO_LARGE: EX_DATAERR,
            Answer.LATER: EX_TEMPFAIL,
        }
        if answer in codes:
            raise CommandError(answer, returncode=codes[answer])

    def _listen(self, options: dict[str, Any]) -> None:
        host, port = _place(options["lmtp"] or options["smtp"])
        office = Office(_knows, _keeps, connection.close, reply_domain(), MAX_MESSAGE)
        try:
            listening = listener.bind(host, port, remote=options["allow_remote"])
        except (listener.NotLoopback, OSError) as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"listening on {host}:{listening.getsockname()[1]}")
        self.stdout.flush()
        asyncio.run(_until_told(office, listening, lmtp=bool(options["lmtp"])))

    def _empty(self, options: dict[str, Any]) -> None:
        if settings.IMAP_URL is None:
            raise CommandError("PICKETLINE_IMAP_URL is not set.")
        fields = tuple(options["recipient_field"] or mailbox.RECIPIENT_FIELDS)
        fetch = functools.partial(mailbox.fetch, settings.IMAP_URL, fields)
        if options["once"]:
            try:
                found = fetch()
            except mailbox.MailboxTrouble as trouble:
                raise CommandError(f"The mailbox is out of reach ({trouble}).") from None
            self.stdout.write(f"{found.kept} kept, {found.unknown} unknown")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            if not _round(fetch):
                stop.wait(MAILBOX_REST_SECONDS)


def _round(fetch: Callable[[], mailbox.Fetched]) -> bool:
    """One look into the mailbox; whether there may be more in it."""
    with _fresh_connection():
        try:
            found = fetch()
        except Exception as fault:  # noqa: BLE001 - what was not committed stays in the mailbox
            log.warning("the mailbox could not be emptied: %s", type(fault).__name__)
            return False
    return found.kept + found.unknown > 0


async def _until_told(office: Office, listening: Any, *, lmtp: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await listener.listen(office, listening, stop, lmtp=lmtp)


def _knows(recipient: str, sender: str) -> Answer:
    with _fresh_connection():
        return _guarded(lambda: Answer.KEPT if doors.find(recipient, sender) else Answer.UNKNOWN)


def _keeps(recipient: str, sender: str, raw: bytes) -> Answer:
    with _fresh_connection():
        return _keep(recipient, sender, raw)


def _keep(recipient: str, sender: str, raw: bytes) -> Answer:
    def kept() -> Answer:
        try:
            receiving.receive(recipient, sender, raw)
        except receiving.NoSuchAddress:
            return Answer.UNKNOWN
        except receiving.TooLarge:
            return Answer.TOO_LARGE
        return Answer.KEPT

    return _guarded(kept)


def _guarded(answer: Callable[[], Answer]) -> Answer:
    """An answer in any case: what could not be kept now may be so later, so it must come again."""
    try:
        return answer()
    except Exception as fault:  # noqa: BLE001 - any fault of ours means "later", never "lost"
        log.warning("a message could not be taken in: %s", type(fault).__name__)
        return Answer.LATER


@contextmanager
def _fresh_connection() -> Iterator[None]:
    """What Django does around a request: a database that was away is connected to anew."""
    close_old_connections()
    yield
    close_old_connections()


def _place(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise CommandError("Give host and port, like 127.0.0.1:2424.")
    return host.strip("[]"), int(port)
