"""What a line of Postfix's log says about a message. Pure: it reads text and remembers nothing.

Understood are Postfix 3.4 and later, under any ``syslog_name``, with the traditional date of syslog
or that of RFC 3339, with short queue ids or long ones.

What other servers answer stands in the last parentheses of a delivery's line, and may be anything
at all: ``status=sent``, ``(queue active)``, a whole line of another program. So a line is matched
from its first character, every field before the answer is of a narrow alphabet without spaces, and
each event is believed only from the program that has it to tell. Lines of text that came from
outside in other places (a Message-ID, a HELO name) match nothing.

Cleanup's line ``message-id=<…>`` is no event here, on purpose. It is written while a message
still comes in, also for one that is killed before its final dot: as evidence it would call letters
accepted that Postfix threw away. ``QUEUED`` comes from the queue manager, which opens whole queue
files only.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happened to a message."""

    QUEUED = "queued"  # Postfix has it whole and on disk: it is responsible
    SENT = "sent"  # the next server took it
    DEFERRED = "deferred"  # Postfix will try again
    BOUNCED = "bounced"  # refused for good; a notice goes to the envelope sender
    EXPIRED = "expired"  # given up after maximal_queue_lifetime; a notice goes out
    REMOVED = "removed"  # nothing is left to do
    STARTED = "started"  # Postfix itself: lines that were on their way at its end may be lost


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event. Queue ids may come again unless ``enable_long_queue_ids`` is set.

    ``STARTED`` has no queue id. Lines pass through a socket whose content ends with Postfix, so
    that around its end, by whatever cause, a message may have come and gone without a line.

    ``sender`` is the envelope sender of ``QUEUED`` and ``EXPIRED``; "" for other kinds, and for
    the null sender. ``dsn`` ("2.0.0") and ``text`` are given for deliveries. ``smtp_code`` is the
    code in the other server's answer, None where Postfix speaks for itself. ``text`` is that
    answer, in the words of somebody else; it may hold personal data.
    """

    kind: Kind
    queue_id: str
    sender: str = ""
    dsn: str = ""
    smtp_code: int | None = None
    text: str = ""


_AGENTS = frozenset(
    {"smtp", "lmtp", "discard", "error", "local", "virtual", "pipe", "qmgr", "cleanup"}
)
_STATES = {
    "sent": Kind.SENT,
    "deferred": Kind.DEFERRED,
    "bounced": Kind.BOUNCED,
    "expired": Kind.EXPIRED,
}

# The alphabet of long ids has no vowels, so no word that Postfix puts there looks like one.
# They are a time of ten to twelve characters, a z, and the file's number, which has none.
_SAFE = "0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y"
_DATE = (
    r"(?:[A-Z][a-z]{2} [ 0-3][0-9] [0-9:]{8}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2}))"
)
_HEAD = rf"{_DATE} \S+ [^\s\[\]:]+/(?P<program>[a-z-]+)\[[0-9]+\]: "
_LINE = re.compile(rf"{_HEAD}(?P<rest>.+)")
_BEGINNING = re.compile(rf"{_DATE} \S+ ")
_SECOND_HEAD = re.compile(rf".{_HEAD}")
_MESSAGE = re.compile(rf"([0-9A-F]{{6,20}}|[{_SAFE}z]{{10,12}}z[{_SAFE}]+): (.+)")
_STARTS = {
    "postfix-script": re.compile("starting the Postfix mail system"),
    "master": re.compile(r"daemon started -- version .+"),
}
_QUEUED = re.compile(r"from=<([^\s<>\x22]*)>, size=[0-9]+, nrcpt=[0-9]+ \(queue active\)")
_EXPIRED = re.compile(r"from=<([^\s<>\x22]*)>, status=(?:force-)?expired, returned to sender")
_DELIVERY = re.compile(
    r"to=<[^\s<>\x22]*>,(?: orig_to=<[^\s<>\x22]*>,)? relay=[^\s,]+,(?: conn_use=[0-9]+,)?"
    r" delay=[0-9.]+,(?: delays=[0-9./]+,)? dsn=(?P<dsn>[245]\.[0-9]{1,3}\.[0-9]{1,3}),"
    r" status=(?P<status>sent|deferred|bounced|expired) \((?P<text>.*)\)"
)
_CODE = re.compile(r"(?:host \S+ (?:said|refused to talk to me): )?([245][0-9]{2})(?:[ -]|\Z)")


def read_line(line: str) -> LogEvent | None:
    """The event in a line, which comes without its line end; None if it has none for us.

    None is also the answer to a line that was cut, and to one whose addresses need quotation marks:
    ours never do, and such an address may hold the image of a whole delivery.
    """
    head = _LINE.fullmatch(line)
    if head is None:
        return None
    program, said = head["program"], head["rest"]
    if program in _STARTS:
        return LogEvent(Kind.STARTED, "") if _STARTS[program].fullmatch(said) else None
    message = _MESSAGE.fullmatch(said)
    if message is None or program not in _AGENTS:
        return None
    event = _manager(message[1], message[2]) if program == "qmgr" else None
    return event or _delivery(message[1], message[2])


def damaged(line: str) -> bool:
    """Whether the log is broken at this line, so that others may be missing before it.

    After a write that failed for want of space, ``postlogd`` throws away what Postfix says until
    it is started anew, and then goes on in the middle of the line it could not finish. A hostile
    answer can look like that too: it costs certainty, and never makes any.
    """
    return not _BEGINNING.match(line) or _SECOND_HEAD.search(line) is not None


def _manager(queue_id: str, rest: str) -> LogEvent | None:
    if rest == "removed":
        return LogEvent(Kind.REMOVED, queue_id)
    for kind, pattern in ((Kind.QUEUED, _QUEUED), (Kind.EXPIRED, _EXPIRED)):
        if match := pattern.fullmatch(rest):
            return LogEvent(kind, queue_id, sender=match[1])
    return None


def _delivery(queue_id: str, rest: str) -> LogEvent | None:
    match = _DELIVERY.fullmatch(rest)
    if match is None:
        return None
    code = _CODE.match(match["text"])
    return LogEvent(
        _STATES[match["status"]],
        queue_id,
        dsn=match["dsn"],
        smtp_code=int(code[1]) if code else None,
        text=match["text"],
    )
