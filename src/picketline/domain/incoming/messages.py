"""Messages that people wrote: a target's reply, a writer's copy, or neither.

Whoever writes to a campaign's visible address instead of the alias in Reply-To is known by the
Message-ID of our letter that the answer names, or by the target's domain. Both only say whose
reply a person is to look at: neither is proof of who wrote it.
"""

from __future__ import annotations

from django.conf import settings

from picketline.domain.incoming import copies, replies
from picketline.domain.incoming.verdicts import Verdict
from picketline.mail.addresses import at_or_below
from picketline.mail.incoming.report import Report
from picketline.models import Delivery, IncomingMessage, TargetVersion

Door, Kind = IncomingMessage.Door, IncomingMessage.Kind


def take(message: IncomingMessage, report: Report) -> Verdict:
    """The kind of a message that no machine wrote, in the caller's transaction."""
    if _is_ours(report.from_address):
        return Verdict(Kind.UNKNOWN, "from ourselves")
    if message.door == Door.COPY:
        return copies.take(message, report)
    if message.door != Door.REPLY and not _answers_letter(message, report):
        return Verdict(Kind.UNKNOWN, "of nobody we wrote to", readable=True)
    return replies.take(message, report)


def _is_ours(address: str) -> bool:
    """Mail between two campaigns of ours, or two mailboxes that answer each other, ends here."""
    return at_or_below(address.lower().rpartition("@")[2], settings.MAIL_DOMAIN)


def _answers_letter(message: IncomingMessage, report: Report) -> bool:
    """Whether a message answers a letter; if so, it is linked to the letter or its target."""
    delivery = message.delivery or _letter_named(message, report)
    if delivery is not None:
        if delivery.mail_class != Delivery.MailClass.LETTER:
            return False
        message.delivery = delivery
        message.supporter_id, message.target_id = delivery.supporter_id, delivery.target_id
        return True
    message.target_id = _target_at(message, report.from_address)
    return message.target_id is not None


def _letter_named(message: IncomingMessage, report: Report) -> Delivery | None:
    named = [f"<{each.strip('<> ')}>" for each in (report.in_reply_to, *report.references)]
    letters = Delivery.objects.filter(mail_class=Delivery.MailClass.LETTER)
    return letters.filter(message_id__in=named, campaign=message.campaign_id).first()


def _target_at(message: IncomingMessage, address: str) -> int | None:
    """The campaign's target at the domain of this address, if there is exactly one."""
    versions = TargetVersion.objects.filter(
        target__campaign=message.campaign_id,
        current=True,
        address__iendswith=address[address.rfind("@") :] if "@" in address else "@",
    )
    found = set(versions.values_list("target_id", flat=True)[:2])
    return found.pop() if len(found) == 1 else None
