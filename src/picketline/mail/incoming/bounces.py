"""Bounces: what a mail server says became of a letter (RFC 3464, RFC 6533), or seems to say.

Only fields that are made for machines decide anything. Nothing here is proof: whoever knows an
envelope sender can write such a notice, so the caller lets it speak of that one delivery only.
"""

import re
from email.message import Message

from picketline.mail.incoming import fields, older_bounces, returned
from picketline.mail.incoming.delivery_status import Recipient, StatusReport, read_report
from picketline.mail.incoming.report import Bounce

_STATUS = re.compile(r"([45])\.(\d{1,3})\.(\d{1,3})(?!\d|\.\d)")
_SMTP = re.compile(
    r"smtp\s*;\s*(?:([45])\d\d(?:[ -]+#?([45]\.\d{1,3}\.\d{1,3})(?!\d))?(?!\d|\.)"
    r"|([45]\.\d{1,3}\.\d{1,3})(?!\d|\.\d))",
    re.IGNORECASE,
)
_ENVELOPE = re.compile(r"[!-~]{1,200}@[A-Za-z0-9.-]{1,253}")

FAILED = "failed"
DELAYED = "delayed"
_ACTIONS = {"fail": FAILED, "failure": FAILED, "error": FAILED, "delay": DELAYED}  # seen instead
# Permanent by its class, but the mailbox or the route may be well again tomorrow: mailbox full,
# mail system full, and everything about routing (5.4.4 comes from a DNS that is being repaired).
_SOFT = re.compile(r"5\.(?:2\.2|3\.1|4\.\d+)")


def read(message: Message, raw: bytes) -> Bounce | None:
    """The bounce that `message` is, or None.

    `raw` is the message as it arrived. None as well for a notice of success (action delivered,
    relayed or expanded): it says nothing that could mark an address. Of several recipients the
    first that failed is told, else the first that is delayed. `final` is True where the server
    gave up; `permanent` where, besides, the class of the status is 5 and it is neither a full
    mailbox nor a matter of routing. The status is the field's own; the SMTP reply beside it
    only fills in a status that is missing or says nothing (x.0.0).
    """
    report = read_report(message)
    told = [(_action(each), each) for each in report.recipients] if report is not None else []
    if report is None or not any(action for action, _ in told):
        return (
            None
            if returned.report_type(message) == "feedback-report"
            else older_bounces.read(message, raw)
        )
    for wanted in (FAILED, DELAYED):
        for action, recipient in told:
            if action == wanted:
                return _bounce(message, report, action, recipient)
    return None


def _action(recipient: Recipient) -> str:
    """The action in RFC 3464's words; where it is missing, what the class of the status means."""
    if recipient.action:
        return _ACTIONS.get(recipient.action, recipient.action)
    return {"5": FAILED, "4": DELAYED}.get(_status(recipient)[:1], "")


def _status(recipient: Recipient) -> str:
    found = _STATUS.match(recipient.status)
    stated = found[0] if found else ""
    if stated and not stated.endswith(".0.0"):
        return stated
    found = _SMTP.match(recipient.diagnostic)
    if found is None:
        return stated
    code_class, enhanced, alone = found.groups(default="")
    code_class = code_class or alone[0]
    if stated and code_class != stated[0]:
        return stated
    # An enhanced code of another class than its reply code is a slip: RFC 2034 forbids it.
    agreed = alone or (enhanced if enhanced.startswith(code_class) else "")
    return agreed or stated or f"{code_class}.0.0"


def _bounce(message: Message, report: StatusReport, action: str, recipient: Recipient) -> Bounce:
    status = _status(recipient)
    final = action == FAILED
    return Bounce(
        action=action,
        status=status,
        final=final,
        permanent=final and status.startswith("5") and not _SOFT.fullmatch(status),
        recipient=recipient.address,
        diagnostic=recipient.diagnostic[:500],
        original_message_id=returned.original_message_id(message),
        original_envelope=_envelope(message, report),
        source=report.source,
    )


def _envelope(message: Message, report: StatusReport) -> str:
    """The envelope sender of the letter as far as the notice names it.

    The envelope id if the letter had one, the sender that Postfix notes, or the Return-Path of
    the returned letter.
    """
    letter = returned.letter_in(message)
    path = fields.value(letter, "Return-Path") if letter is not None else ""
    for text in (report.envelope_id, report.sender, path):
        found = _ENVELOPE.search(text.replace("<", " "))
        if found:
            return found[0]
    return ""
