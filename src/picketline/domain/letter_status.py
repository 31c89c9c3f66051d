"""Letters on their way: what their writer sees of them, and how to call them back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from picketline.domain import counts, deliveries, links
from picketline.domain.sealing import Content
from picketline.models import Campaign, Consent, Delivery, IncomingMessage, PublicName, Supporter
from picketline.seal import tokens

State = Delivery.State


@dataclass(frozen=True)
class TargetStatus:
    """How far the letter to one target has come; ``at`` is when it was settled.

    ``answered_on`` is the day of the target's first reply; ``code`` the enhanced status code
    (RFC 3463) of the last server that said something, or empty.
    """

    target_id: int
    target_key: str
    state: State
    at: datetime | None
    reason: str
    direct: bool
    relay_status: str
    relay_status_at: datetime | None
    answered_on: date | None = None
    code: str = ""


@dataclass(frozen=True)
class LetterStatus:
    """What the status page shows. ``content`` is None once it has been erased."""

    campaign: Campaign
    supporter: Supporter
    content: Content | None
    deliveries: tuple[TargetStatus, ...]
    can_withdraw: bool
    consents: frozenset[Consent.Kind]


def status(status_token: str) -> LetterStatus:
    """The fate of a confirmed letter; changes nothing. Raises ``LinkUnknown``."""
    supporter = _by_status_token(status_token)
    found = (
        supporter.deliveries.filter(mail_class=Delivery.MailClass.LETTER)
        .select_related("target")
        .order_by("target__position")
    )
    answers = _first_answers(found)
    rows = tuple(_target_status(delivery, answers.get(delivery.pk)) for delivery in found)
    return LetterStatus(
        campaign=supporter.campaign,
        supporter=supporter,
        content=links.content(supporter, status_token),
        deliveries=rows,
        can_withdraw=any(row.state in Delivery.UNSENT_STATES for row in rows),
        consents=frozenset(
            Consent.Kind(kind) for kind in supporter.consents.values_list("kind", flat=True)
        ),
    )


def withdraw(status_token: str) -> None:
    """Cancel what has not been sent; what is with a mail server cannot be called back.

    A supporter none of whose letters went out no longer counts, and is no longer named on the
    campaign's page. Raises ``LinkUnknown``.
    """
    with transaction.atomic():
        supporter = _by_status_token(status_token, lock=True)
        _withdraw(supporter)


def take_back(status_token: str, kind: Consent.Kind) -> None:
    """Withdraw one of the optional consents; a name that was shown disappears at once.

    The consent to send is withdrawn by ``withdraw`` or ``erase``. Raises ``LinkUnknown``.
    """
    with transaction.atomic():
        supporter = _by_status_token(status_token, lock=True)
        supporter.consents.filter(kind=kind).exclude(kind=Consent.Kind.SEND).delete()
        if kind == Consent.Kind.SHOW_NAME:
            PublicName.objects.filter(supporter=supporter).delete()


def erase(status_token: str) -> None:
    """Withdraw, then delete name, address and words for ever. Raises ``LinkUnknown``.

    The link then shows only how many letters had gone out, and the number of letters accepted
    stays as it is: those letters are with their targets. Where one is, the keyed hash of the
    address stays too, as long as for everybody: else whoever erases could write a second letter.
    """
    with transaction.atomic():
        supporter = _by_status_token(status_token, lock=True)
        _withdraw(supporter)
        links.forget(supporter)
        row = Supporter.objects.filter(pk=supporter.pk)
        row.update(erased_on=links.today())
        row.filter(state=Supporter.State.WITHDRAWN).update(address_index=None)


def finish_withdrawals() -> int:
    """Finish what could not be finished while a worker held a letter; returns how many writers.

    Letters given back since are cancelled, and a writer none of whose letters went out in the end
    is no longer counted. Safe to run in several places at once.
    """
    deliveries.cancel_ownerless()
    late = deliveries.given_back_too_late().values("supporter")
    pks = set(Supporter.objects.filter(pk__in=late).values_list("pk", flat=True))
    pks |= set(_left_without_a_letter().values_list("pk", flat=True))
    for pk in pks:
        with transaction.atomic():
            for supporter in Supporter.objects.select_for_update().filter(pk=pk):
                _withdraw(supporter)
    return len(pks)


def _left_without_a_letter() -> QuerySet[Supporter]:
    """Supporters still counted whose withdrawal met a worker that then dropped the last letter."""
    letters = Delivery.objects.filter(mail_class=Delivery.MailClass.LETTER)
    alive = letters.filter(supporter=OuterRef("pk")).exclude(state=State.CANCELLED)
    recalled = letters.filter(recalled=True).values("supporter")
    return Supporter.objects.filter(
        ~Exists(alive), pk__in=recalled, state=Supporter.State.CONFIRMED
    )


def _first_answers(mails: Iterable[Delivery]) -> dict[int, date]:
    """The day of the first reply to each letter that has one."""
    replies = IncomingMessage.objects.filter(delivery__in=mails, kind=IncomingMessage.Kind.REPLY)
    latest_first = replies.order_by("-received_at").values_list("delivery_id", "received_at")
    return {number: at.astimezone(UTC).date() for number, at in latest_first if number}


def _by_status_token(token: str, *, lock: bool = False) -> Supporter:
    supporter = links.find(token, tokens.STATUS, lock=lock)
    if supporter.way != Supporter.Way.SITE:  # it has a page of its own: see ``copy_status``
        raise links.LinkUnknown
    if supporter.state not in (
        Supporter.State.HELD,
        Supporter.State.CONFIRMED,
        Supporter.State.WITHDRAWN,
    ):
        raise links.LinkUnknown
    return supporter


def _withdraw(supporter: Supporter) -> None:
    deliveries.cancel_unsent(supporter)
    if supporter.state != Supporter.State.CONFIRMED:
        return
    letters = supporter.deliveries.filter(mail_class=Delivery.MailClass.LETTER)
    if letters.exclude(state=State.CANCELLED).exists():
        return
    if links.move(supporter, Supporter.State.WITHDRAWN):
        counts.add(supporter.campaign_id, counts.CountKind.SUPPORTERS, -1)
        if supporter.members:
            counts.add(supporter.campaign_id, counts.CountKind.MEMBERS, -supporter.members)
        PublicName.objects.filter(supporter_id=supporter.pk).delete()
        supporter.state = Supporter.State.WITHDRAWN


def _target_status(delivery: Delivery, answered_on: date | None) -> TargetStatus:
    target = delivery.target
    if target is None:  # a constraint forbids it
        raise links.LinkUnknown
    return TargetStatus(
        target_id=target.pk,
        target_key=target.key,
        state=State(delivery.state),
        at=delivery.settled_at,
        reason=delivery.outcome,
        direct=delivery.direct,
        relay_status=delivery.relay_status,
        relay_status_at=delivery.relay_status_at,
        code=delivery.enhanced_code,
        answered_on=answered_on,
    )
