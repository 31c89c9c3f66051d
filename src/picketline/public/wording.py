"""Sentences that follow from a state, each a whole one, so that all can be translated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from picketline.domain.letter_status import TargetStatus
from picketline.mail.outcomes import Cause
from picketline.models import Campaign, Delivery, DemandStatus
from picketline.models.targets import Role

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

State = Delivery.State
Relay = Delivery.RelayStatus

ROLES: dict[str, _StrPromise] = {
    Role.COMPANY: gettext_lazy("company"),
    Role.PARENT: gettext_lazy("parent company"),
    Role.SUBSIDIARY: gettext_lazy("subsidiary"),
    Role.OWNER: gettext_lazy("owner"),
    Role.LOCAL_GOVERNMENT: gettext_lazy("local government"),
    Role.MINISTRY: gettext_lazy("ministry"),
    Role.EMBASSY: gettext_lazy("embassy"),
}

DEMAND_STATUSES: dict[str, _StrPromise] = {
    # Translators: status of a demand that has not been met.
    DemandStatus.Status.OPEN: gettext_lazy("not met"),
    DemandStatus.Status.PARTLY_MET: gettext_lazy("met in part"),
    DemandStatus.Status.MET: gettext_lazy("met"),
    DemandStatus.Status.WITHDRAWN: gettext_lazy("withdrawn"),
}

OUTCOMES: dict[str, _StrPromise] = {
    Campaign.Outcome.WON: gettext_lazy("It was won."),
    Campaign.Outcome.PARTLY_WON: gettext_lazy("It was won in part."),
    Campaign.Outcome.LOST: gettext_lazy("It was lost."),
    Campaign.Outcome.NO_FURTHER_ACTION: gettext_lazy("No further action is planned."),
}

# By the recipients' own server, where we talk to it ourselves.
_FAILURES: dict[str, _StrPromise] = {
    Cause.ADDRESS: gettext_lazy(
        "Not delivered: their server says that this address does not exist."
    ),
    Cause.POLICY: gettext_lazy("Not delivered: their server refuses letters like this one."),
    Cause.MAILBOX_FULL: gettext_lazy("Not delivered: their mailbox stayed full for days."),
    Cause.SENDER: gettext_lazy("Not delivered: their server refuses our address as a sender."),
    Cause.RELAY: gettext_lazy("Not delivered: no connection to a mail server came about for days."),
    Cause.POISON: gettext_lazy("Not delivered: this letter could not be made into a mail."),
}
_DELAYS: dict[str, _StrPromise] = {
    Cause.MAILBOX_FULL: gettext_lazy("Not delivered yet: their mailbox is full. We try again."),
    Cause.SENDER: gettext_lazy(
        "Not delivered yet: our sending address was not accepted. We try again."
    ),
    Cause.RELAY: gettext_lazy(
        "Not delivered yet: the mail server could not be reached. We try again."
    ),
}
# By our own mail server: theirs has not been asked.
_FAILURES_HERE: dict[str, _StrPromise] = {
    **_FAILURES,
    Cause.ADDRESS: gettext_lazy("Not delivered: our mail server does not take this address."),
    Cause.POLICY: gettext_lazy("Not delivered: our mail server refuses letters like this one."),
    Cause.SENDER: gettext_lazy("Not delivered: our mail server refuses our address as a sender."),
}
# Given up after days of "later", or found undelivered by a person: nobody refused it for good.
_FAILED = gettext_lazy("Not delivered: no mail server took it, and it is not tried again.")
_DELAYED = gettext_lazy(
    "Not delivered yet: a mail server asked us to come back later. We try again."
)


def delivery_sentence(row: TargetStatus, at: str, relay_at: str) -> str:
    """What became of the letter to one target; ``at`` and ``relay_at`` are its times in words.

    "Accepted by their server" is said only where their server itself said so.
    """
    returned = row.state == State.BOUNCED and row.relay_status in (Relay.BOUNCED, Relay.EXPIRED)
    if row.state == State.ACCEPTED or returned:
        return _accepted(row, at, relay_at)
    if row.state == State.FAILED:
        return str((_FAILURES if row.direct else _FAILURES_HERE).get(row.reason, _FAILED))
    if row.state == State.DEFERRED:
        return str(_DELAYS.get(row.reason, _DELAYED))
    return _elsewhere(row)


def delivery_kind(row: TargetStatus) -> str:
    """Good, bad or in between: the one word that style sheets know."""
    refused = row.relay_status in (Relay.BOUNCED, Relay.EXPIRED)
    if row.state in (State.FAILED, State.BOUNCED) or refused:
        return "open"
    if row.state == State.ACCEPTED and (row.direct or row.relay_status == Relay.SENT):
        return "met"
    return "partly" if row.state in (State.ACCEPTED, State.UNCERTAIN) else "waiting"


def delivery_label(row: TargetStatus) -> str:
    """The state in one or two words."""
    labels = {
        "met": _("Delivered"),
        "open": _("Not delivered"),
        "partly": _("Unclear") if row.state == State.UNCERTAIN else _("On its way"),
        "waiting": _("Cancelled") if row.state == State.CANCELLED else _("Waiting"),
    }
    return labels[delivery_kind(row)]


def _accepted(row: TargetStatus, at: str, relay_at: str) -> str:
    # Translators: at and relay_at are a day and a time, like "7 March 2012 at 14:02 UTC".
    sentences = {
        Relay.SENT: _("Accepted by their server: %(relay_at)s."),
        Relay.BOUNCED: _(
            "Handed to our mail server: %(at)s. It could not be delivered to their server."
        ),
        Relay.EXPIRED: _(
            "Handed to our mail server: %(at)s. Their server did not take it within days, and "
            "ours has given up."
        ),
        Relay.DEFERRED: _(
            "Handed to our mail server: %(at)s. Their server has not taken it yet, and ours "
            "keeps trying."
        ),
    }
    if row.relay_status == Relay.BOUNCED and (cause := _cause_of(row.code)):
        handed = _("Handed to our mail server: %(at)s.") % {"at": at}
        return f"{handed} {_FAILURES[cause]}"
    if row.relay_status in sentences:
        return sentences[Relay(row.relay_status)] % {"at": at, "relay_at": relay_at}
    if row.direct:
        return _("Accepted by their server: %(at)s.") % {"at": at}
    return _("Handed to our mail server: %(at)s.") % {"at": at}


def _cause_of(code: str) -> Cause | None:
    """Whose matter a refusal for good is that our mail server passed on, where its code says so."""
    if code.startswith("5.7."):
        return Cause.POLICY
    return Cause.ADDRESS if code.startswith("5.1.") else None


def _elsewhere(row: TargetStatus) -> str:
    if row.state == State.SENDING:
        return _("Being handed to our mail server at this moment.")
    if row.state == State.UNCERTAIN:
        return _(
            "The connection broke at the moment of handing over, so this letter may have been "
            "taken or not. It is not sent again unless it is certain that it was not taken: "
            "nothing shall arrive twice."
        )
    if row.state == State.BOUNCED:
        return _("Their server took it at first and then sent it back as undeliverable.")
    if row.state == State.CANCELLED and row.reason == "campaign closed":
        return _("Cancelled: the organisers ended the campaign before it was sent.")
    if row.state == State.CANCELLED:
        return _("Cancelled before it was sent.")
    return _("Waiting for its turn.")
