"""Complaints: a reader's "this is spam" as a provider passes it on (ARF, RFC 5965)."""

import re
from email.message import Message

from picketline.mail.incoming import fields, returned
from picketline.mail.incoming.report import Complaint

_TYPE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_ADDRESS = re.compile(r"<?([^\s<>]{1,256}@[^\s<>@]{1,255}?)>?")
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,20}")
# auth-failure (RFC 6591) is a report about a domain's DNS, not about a letter; not-spam says
# that somebody took a letter back out of the spam folder.
_NO_COMPLAINT = frozenset({"auth-failure", "auth-failed", "not-spam"})


def read(message: Message) -> Complaint | None:
    """The complaint that `message` is, or None.

    `feedback_type` is lower-case: abuse, fraud, virus, opt-out…; "other" where it is missing or
    no word. `original_message_id` may be the only trace, because providers hide the reader's
    address; "" where something is missing. None for a report about authentication and for
    "not-spam". A feedback report inside another message is not this message's.
    """
    if returned.report_type(message) not in ("feedback-report", ""):
        return None
    told = _told(message)
    if told is None:
        return None
    kind = fields.value(told, "Feedback-Type").lower()
    if kind in _NO_COMPLAINT:
        return None
    recipient = _ADDRESS.fullmatch(fields.value(told, "Original-Rcpt-To"))
    domain = fields.value(told, "Reported-Domain").lower().rstrip(".")
    return Complaint(
        feedback_type=kind if _TYPE.fullmatch(kind) else "other",
        original_message_id=returned.original_message_id(message),
        original_recipient=recipient[1] if recipient else "",
        reported_domain=domain if _DOMAIN.fullmatch(domain) else "",
    )


def _told(message: Message) -> Message | None:
    """The fields of the report: the standard library reads them as the header of a message."""
    if message.get_content_type() != "multipart/report":
        return None
    for part in returned.parts(message):
        if part.get_content_type() == "message/feedback-report":
            payload = part.get_payload()
            told = payload[0] if isinstance(payload, list) else None
            return told if isinstance(told, Message) else None
    return None
