"""Mailboxes: what comes back is fetched by IMAP where no mail server can hand it to us.

A message leaves the folder only once it is committed, and no message is ever deleted: it goes to
one of two other folders. Who emptied the folder and died before moving a message meets it again;
the sorting drops the second copy.
"""

from __future__ import annotations

import imaplib
import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls

from picketline.domain.incoming import doors, receiving
from picketline.mail.incoming.limits import MAX_HEADER, MAX_MESSAGE

log = logging.getLogger(__name__)

RECIPIENT_FIELDS = ("X-Original-To", "Delivered-To", "Envelope-To")
"""Where mail servers write whom a message was for, if a mailbox takes the mail of many."""

PROCESSED, UNKNOWN = "Processed", "Unknown"
_SECONDS = 60.0
_AT_A_TIME = 50
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"^([!-9;-~]+):((?:[^\n]|\n[ \t])*)", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>,;]+@[^\s<>,;]+")


class MailboxTrouble(Exception):
    """The mailbox cannot be read now; the text says what kind of trouble, and no password."""


@dataclass(frozen=True)
class Fetched:
    """How many messages were taken in, and how many were left for a person to look at."""

    kept: int
    unknown: int


def fetch(url: str, fields: tuple[str, ...] = RECIPIENT_FIELDS) -> Fetched:
    """Take in what is in the mailbox: ``imaps://user:password@host[:port]/FOLDER[?ca=FILE]``.

    ``imap://`` means STARTTLS; the certificate is checked always. ``fields`` are the header fields
    that name the recipient: the first one, from the top, that is a door of ours counts. Messages
    that are too large or for no door go to the folder *Unknown*, all others to *Processed*.

    Raises ``MailboxTrouble``, and whatever the database raises.
    """
    with _open(url) as mailbox:
        kept = unknown = 0
        for uid in mailbox.uids()[:_AT_A_TIME]:
            raw = _read(mailbox, uid)
            if raw is None:
                continue
            taken = _take(raw, fields)
            mailbox.move(uid, PROCESSED if taken else UNKNOWN)
            kept, unknown = kept + taken, unknown + (not taken)
        return Fetched(kept, unknown)


@contextmanager
def _open(url: str) -> Iterator[BaseMailBox]:
    try:
        mailbox = _connect(urlsplit(url))
        try:
            _enter(mailbox, urlsplit(url))
            yield mailbox
            mailbox.logout()
        finally:
            with suppress(OSError):  # closed already, after a goodbye
                mailbox.client.shutdown()
    except (ImapToolsError, imaplib.IMAP4.error, OSError) as error:
        raise MailboxTrouble(type(error).__name__) from None


def _connect(parts: SplitResult) -> BaseMailBox:
    context = ssl.create_default_context(cafile=parse_qs(parts.query).get("ca", [None])[0])
    kind, usual = (MailBox, 993) if parts.scheme == "imaps" else (MailBoxStartTls, 143)
    port = parts.port or usual
    return kind(parts.hostname or "", port, timeout=_SECONDS, ssl_context=context)


def _enter(mailbox: BaseMailBox, parts: SplitResult) -> None:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    mailbox.login(user, password, initial_folder=None)
    for name in (PROCESSED, UNKNOWN):
        if not mailbox.folder.exists(name):
            mailbox.folder.create(name)
    mailbox.folder.set(unquote(parts.path.strip("/")) or "INBOX")


def _read(mailbox: BaseMailBox, uid: str) -> bytes | None:
    """The message, or one byte more of it than may be taken in. It stays unread there.

    None where the server does not give it: it vanished, or is damaged and stays where it is.
    """
    _, answer = mailbox.client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MAX_MESSAGE + 1}>)")
    for part in answer:
        if isinstance(part, tuple):
            return bytes(part[1])
    log.warning("the mailbox does not give one of its messages")
    return None


def _take(raw: bytes, fields: tuple[str, ...]) -> bool:
    head = raw[: min(MAX_HEADER, _end_of_header(raw))]
    wanted = {field.lower().encode() for field in fields}
    sender = ""
    recipients = []
    for name, value in _FIELD.findall(head):
        found = _ADDRESS.search(value.decode("latin-1"))
        if name.lower() == b"return-path" and not sender:
            sender = found[0] if found else ""
        elif name.lower() in wanted and found:
            recipients.append(found[0])
    recipient = next((each for each in recipients if doors.find(each, sender)), None)
    if recipient is None:
        return False
    try:
        receiving.receive(recipient, sender, raw)
    except (receiving.NoSuchAddress, receiving.TooLarge):
        return False
    return True


def _end_of_header(raw: bytes) -> int:
    gap = _BLANK_LINE.search(raw, 0, MAX_HEADER)
    return gap.start() if gap else len(raw)
