"""All that is found out about one message, gathered into its report. Runs in `examination`."""

import re
from dataclasses import fields, replace
from email.message import Message
from typing import Any, TypeVar

from picketline.mail.incoming import attachments, inert_text, limits, reading, words
from picketline.mail.incoming.report import (
    Authentication,
    AuthResult,
    Bounce,
    Complaint,
    DkimVerdict,
    Kind,
    Report,
)

_MAX_LISTED = 100  # references, verdicts
_MAX_DETAIL = 1000  # characters of a text that another server wrote
_RESENT = (
    *("resent-from", "resent-to", "resent-date", "resent-sender", "resent-message-id"),
    *("x-forwarded-for", "x-forwarded-to", "x-forwarded-message-id"),
)
_LIST = ("list-id", "list-post", "list-help", "list-owner", "mailing-list", "x-mailing-list")
_UNSUBSCRIBE = re.compile(r"u\.[a-z2-7]{26}@", re.I)

_Part = TypeVar("_Part", Bounce, Complaint, AuthResult, DkimVerdict)


def report_on(raw: bytes, *, verify: bool, nameservers: tuple[str, ...]) -> Report:
    """Examine a message in this process. With `verify`, DKIM keys are asked for by DNS.

    Raises limits.TooMuch, and RecursionError or MemoryError where its bounds were too wide.
    """
    message = limits.parse(raw)
    bounce, complaint, reason = _bounce(message, raw), _complaint(message), _automatic(message)
    name, address = _author(message)
    to, text = _addresses(message, "to"), reading.render(message)
    return Report(
        kind=_kind(bounce, complaint, to, reason),
        message_id="".join(_identifiers(message, "message-id")[:1]),
        in_reply_to="".join(_identifiers(message, "in-reply-to")[:1]),
        references=_identifiers(message, "references")[-_MAX_LISTED:],
        from_address=address,
        from_name=name,
        to=to,
        cc=_addresses(message, "cc"),
        subject=inert_text.line(words.decoded("".join(words.fields(message, "subject")[:1]))),
        automatic=reason,
        forwarded=bool(words.fields(message, *_RESENT)) or _only_carries(message, text.text),
        from_list=bool(words.fields(message, *_LIST)),
        text=text.text,
        truncated=text.truncated,
        attachments=attachments.listing(message),
        bounce=bounce,
        complaint=complaint,
        authentication=_authentication(raw, message, verify=verify, nameservers=nameservers),
    )


def _kind(
    bounce: Bounce | None, complaint: Complaint | None, to: tuple[str, ...], automatic: str
) -> Kind:
    if bounce is not None:
        return Kind.BOUNCE
    if complaint is not None:
        return Kind.COMPLAINT
    if any(_UNSUBSCRIBE.match(address) for address in to):
        return Kind.UNSUBSCRIBE
    return Kind.AUTO_REPLY if automatic else Kind.MESSAGE


def _author(message: Message) -> tuple[str, str]:
    """Name and address, empty unless one field names one mailbox: readers differ over the rest.

    Empty as well where the address has signs that nobody sees: without them it is another's.
    """
    values = words.fields(message, "from")
    mailboxes = words.mailboxes(values)
    if len(values) != 1 or len(mailboxes) != 1:
        return "", ""
    name, address = mailboxes[0]
    if inert_text.line(address) != address:
        return "", ""
    return inert_text.line(name, 200), address


def _addresses(message: Message, name: str) -> tuple[str, ...]:
    found = words.mailboxes(words.fields(message, name))
    return tuple(inert_text.line(address) for _, address in found)


def _identifiers(message: Message, name: str) -> tuple[str, ...]:
    found = words.identifiers(words.fields(message, name))
    return tuple(inert_text.line(each) for each in found)


def _only_carries(message: Message, text: str) -> bool:
    """Whether another message is all there is in this one."""
    kinds = {part.get_content_type() for part in [message, *limits.children(message)]}
    return "message/rfc822" in kinds and not text and "message/delivery-status" not in kinds


# What follows loads libraries of its own, which an ordinary message should not wait for.


def _bounce(message: Message, raw: bytes) -> Bounce | None:
    from picketline.mail.incoming import bounces

    found = bounces.read(message, raw)
    return None if found is None else _plain(found)


def _complaint(message: Message) -> Complaint | None:
    from picketline.mail.incoming import complaints

    found = complaints.read(message)
    return None if found is None else _plain(found)


def _automatic(message: Message) -> str:
    from picketline.mail.incoming import automatic

    return inert_text.line(automatic.reason(message))


def _authentication(
    raw: bytes, message: Message, *, verify: bool, nameservers: tuple[str, ...]
) -> Authentication:
    if not verify:
        from picketline.mail.incoming import results

        found = Authentication(results.read(message), ())
    else:
        from picketline.mail.incoming import authentication

        found = authentication.read(raw, message, nameservers=nameservers)
    return Authentication(
        tuple(_plain(each) for each in found.results[:_MAX_LISTED]),
        tuple(_plain(each) for each in found.dkim[:_MAX_LISTED]),
    )


def _plain(part: _Part) -> _Part:
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    lines: dict[str, Any] = {
        name: inert_text.line(value, _MAX_DETAIL)
        for name, value in values.items()
        if isinstance(value, str)
    }
    return replace(part, **lines)
