"""Bounces in the shapes of servers that follow no standard, by way of flufl.bounce.

The library guesses from wording, so it is asked only about mail that a machine sent.
"""

import logging
import re
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr

from picketline.mail.incoming import fields, returned
from picketline.mail.incoming.report import Bounce

# The library's expressions take quadratic time for a line, and there are fifty of them: it sees
# the beginning of a message only, where every server says what happened.
_MOST_LINES = 600
_LONGEST_LINE = 400

_DAEMONS = re.compile(
    r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|maildeliverysystem|post[-_.]?master|mail[-_.]?delivery"
    r"|mdaemon|mail[-_.]?system|bounces?|daemon|smtp|system|administrator)(?:[-+=].*)?",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[!-~]{1,256}@[A-Za-z0-9._-]{1,255}")

_log = logging.getLogger(__name__)


def read(message: Message, raw: bytes) -> Bounce | None:
    """What the library makes of a message that a machine sent; None where it knows no bounce.

    There is no status. `final` and `permanent` are as the library says.
    """
    if not sent_by_machine(message):
        return None
    from flufl.bounce import all_failures  # takes as long to load as all the rest of us

    try:
        delayed, failed = all_failures(message_from_bytes(_beginning(raw)))
    except Exception:  # noqa: BLE001 - code that raises anything on what is not as it expects
        _log.info("the library of bounces could not read a message")
        return None
    addresses = _addresses(failed) or _addresses(delayed)
    if not addresses:
        return None
    final = bool(_addresses(failed))
    return Bounce(
        action="failed" if final else "delayed",
        status="",
        final=final,
        permanent=final,
        recipient=addresses[0],
        diagnostic="",
        original_message_id=returned.original_message_id(message),
        original_envelope="",
        source="library",
    )


def sent_by_machine(message: Message) -> bool:
    """Whether the message says of itself that it comes from a mail server, not from a person."""
    automatic = fields.value(message, "Auto-Submitted").lower()
    if automatic.startswith("auto-") or message["X-Failed-Recipients"]:
        return True
    senders = [*fields.values(message, "Return-Path"), *fields.values(message, "From")]
    return any(_is_daemon(sender) for sender in senders)


def _is_daemon(sender: str) -> bool:
    if sender.replace(" ", "").endswith("<>"):
        return True
    return bool(_DAEMONS.fullmatch(parseaddr(sender)[1].partition("@")[0]))


def _beginning(raw: bytes) -> bytes:
    lines = raw.split(b"\n", _MOST_LINES)[:_MOST_LINES]
    return b"\n".join(line.rstrip(b"\r")[:_LONGEST_LINE] for line in lines) + b"\n"


def _addresses(found: set[bytes | str]) -> list[str]:
    texts = (each.decode("ascii", "replace") if isinstance(each, bytes) else each for each in found)
    return sorted(text.strip() for text in texts if _ADDRESS.fullmatch(text.strip()))
