"""Complaints: somebody pressed "this is spam" under a mail of ours (ARF, RFC 5965)."""

from __future__ import annotations

from picketline.domain import notices, suppressions
from picketline.domain.incoming.verdicts import Verdict
from picketline.models import Delivery, IncomingMessage

_KIND = IncomingMessage.Kind.COMPLAINT


def take(message: IncomingMessage) -> Verdict:
    """Leave a writer who complains alone for ever; tell the organisers of a target who does.

    A complaint that came to a campaign's visible address names its mail by its own words only:
    nobody is suppressed on the strength of those. In the caller's transaction.
    """
    delivery, campaign = message.delivery, message.campaign
    if delivery is None or delivery.mail_class == Delivery.MailClass.LETTER:
        if campaign is not None:
            target = delivery.target if delivery else None
            notices.tell_organisers(campaign, Delivery.Notice.COMPLAINT, target)
        return Verdict(_KIND, "a letter" if delivery else "of no mail that we know")
    if not suppressions.is_to_writer(delivery.mail_class):
        return Verdict(_KIND, "an organiser's mail")
    if delivery.supporter is None:
        return Verdict(_KIND, "erased")
    suppressions.leave_alone(delivery.supporter)
    return Verdict(_KIND, "a writer's mail")
