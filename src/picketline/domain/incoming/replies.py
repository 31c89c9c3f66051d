"""Replies of targets: whose they are, what is passed on to the writer, and what nobody may learn.

A reply is read as inert text and nothing else of it goes anywhere. It reaches the letter's writer
only if they chose that, and the public only if an organiser publishes it (``publishing``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit

from django.conf import settings

from picketline.domain import our_mail
from picketline.domain.incoming import contents, doors
from picketline.domain.incoming.verdicts import Verdict
from picketline.mail.incoming import inert_text
from picketline.mail.incoming.authentication import related
from picketline.mail.incoming.report import Attachment, Report
from picketline.models import Delivery, IncomingMessage, Supporter, TargetVersion

OTHER_ADDRESS = "other address"
MOST_FORWARDED = 10
"""So many answers to one letter reach its writer: who knows an alias shall not flood a mailbox."""

_HELD = IncomingMessage.Publication.HELD
_KIND = IncomingMessage.Kind.REPLY


@dataclass(frozen=True)
class Reply:
    """What a person may read of a reply: inert text without any private address of ours.

    ``from_target``: it came from a domain of the target's; nothing proves even that.
    """

    received_on: date
    from_name: str
    from_address: str
    subject: str
    text: str
    truncated: bool
    attachments: tuple[Attachment, ...]
    from_target: bool

    @property
    def sender(self) -> str:
        """Name and address as the reply gave them, as far as it did."""
        return f"{self.from_name} <{self.from_address}>" if self.from_name else self.from_address


def take(message: IncomingMessage, report: Report) -> Verdict:
    """Keep a person's answer to a letter or a target, in the caller's transaction.

    ``message`` names its target, and its letter where that is known.
    """
    from_target = _is_from_target(message, report.from_address)
    if not from_target and message.campaign and not doors.hears_anyone(message.campaign):
        return Verdict(IncomingMessage.Kind.UNKNOWN, "late, from another address", readable=True)
    reason = "" if from_target else OTHER_ADDRESS
    supporter = message.supporter
    if message.delivery is not None and (supporter is None or supporter.erased_on):
        return Verdict(_KIND, "writer erased")  # it may quote words that were to be forgotten
    if supporter is not None and _wants_it(message, supporter):
        _forward(message, supporter)
    return Verdict(_KIND, reason, publication=_HELD, readable=True)


def read(message: IncomingMessage) -> Reply | None:
    """What a reply says; None once that has been erased. Raises ``boxes.CannotOpen``."""
    content = contents.opened(message)
    if content is None:
        return None
    return Reply(
        received_on=message.received_at.date(),
        from_name=without_ours(inert_text.defanged(content.from_name)),
        from_address=without_ours(inert_text.defanged(content.from_address)),
        subject=without_ours(inert_text.defanged(content.subject)),
        text=without_ours(content.text),
        truncated=content.truncated,
        attachments=tuple(
            replace(each, name=without_ours(inert_text.defanged(each.name)))
            for each in content.attachments
        ),
        from_target=message.reason != OTHER_ADDRESS,
    )


def without_ours(text: str) -> str:
    """The text without links to our pages and addresses at our domain: some are secrets."""
    site = urlsplit(settings.SITE_URL).netloc
    return inert_text.without(text, [f"{site}/", settings.MAIL_DOMAIN])


def _is_from_target(message: IncomingMessage, address: str) -> bool:
    """Whether this address is at the target's domain, now or in an earlier version of it."""
    domain = address.rpartition("@")[2]
    known = TargetVersion.objects.filter(target=message.target_id).values_list("address", flat=True)
    return any(related(domain, each.rpartition("@")[2]) for each in known)


def _wants_it(message: IncomingMessage, supporter: Supporter) -> bool:
    if supporter.replies != Supporter.Replies.ALIAS:
        return False
    before = Delivery.objects.filter(
        mail_class=Delivery.MailClass.FORWARDED_REPLY, incoming__delivery=message.delivery
    )
    return before.count() < MOST_FORWARDED


def _forward(message: IncomingMessage, supporter: Supporter) -> None:
    our_mail.new_notice(
        supporter.campaign_id,
        Delivery.MailClass.FORWARDED_REPLY,
        supporter=supporter,
        incoming=message,
        target_id=message.target_id,
    ).save(force_insert=True)
