"""Unsubscribing: one mail to the alias in ``List-Unsubscribe``, by hand or by one click."""

from __future__ import annotations

from picketline.domain import suppressions
from picketline.domain.incoming.verdicts import Verdict
from picketline.models import IncomingMessage

_KIND = IncomingMessage.Kind.UNSUBSCRIBE


def take(message: IncomingMessage) -> Verdict:
    """Write no more to whoever the mail with this alias went to, in the caller's transaction.

    What the message says does not matter, and neither who sent it: only who got the mail knows
    its alias.
    """
    delivery = message.delivery
    if delivery is None or not suppressions.is_to_writer(delivery.mail_class):
        return Verdict(_KIND, "not a writer's mail")
    if delivery.supporter is None:
        return Verdict(_KIND, "erased")
    suppressions.leave_alone(delivery.supporter)
    return Verdict(_KIND)
