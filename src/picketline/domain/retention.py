"""Retention: what is kept how long, and the job that deletes the rest.

The periods are promises of the privacy notice; ``docs/privacy.md`` lists them, a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from picketline.domain import budgets, deliveries
from picketline.domain.links import CONFIRM_WITHIN
from picketline.models import (
    Attempt,
    Campaign,
    Consent,
    Delivery,
    Evidence,
    IncomingMessage,
    Letter,
    PublicName,
    SealedReply,
    SealedSubmission,
    Supporter,
)

UNCONFIRMED_FOR = CONFIRM_WITHIN
ADDRESS_FOR = timedelta(days=14)
TEXT_FOR = timedelta(days=28)
SERVER_REPLIES_FOR = timedelta(days=30)
INDEX_FOR = timedelta(days=30)
EVIDENCE_FOR = timedelta(days=180)
RAW_FOR = timedelta(days=30)
QUARANTINE_FOR = timedelta(days=14)
CONTENT_FOR = timedelta(days=90)


@dataclass(frozen=True)
class Tidied:
    """How many rows each rule of retention touched."""

    unconfirmed: int
    addresses: int
    texts: int
    server_replies: int
    indexes: int
    evidence: int
    incoming: int
    unsent: int
    budgets: int


def tidy() -> Tidied:
    """Delete whatever has been kept long enough. Safe to repeat and to interrupt."""
    return Tidied(
        unconfirmed=_drop_unconfirmed(),
        addresses=_erase_addresses(),
        texts=_erase_texts(),
        server_replies=_erase_server_replies(),
        indexes=_erase_indexes(),
        evidence=_erase_evidence(),
        incoming=_erase_incoming(),
        unsent=_give_up_unsent(),
        budgets=budgets.forget_old(),
    )


def _drop_unconfirmed() -> int:
    """Submissions that nobody confirmed in time, and those that another one replaced."""
    old = Supporter.objects.filter(
        Q(state=Supporter.State.UNCONFIRMED) | Q(state=Supporter.State.CANCELLED),
        created_at__lt=timezone.now() - UNCONFIRMED_FOR,
    )
    with transaction.atomic():
        rows = list(old.select_for_update(skip_locked=True)[:10_000])
        deliveries.cancel_unsent(*rows)
        mails = Delivery.objects.filter(supporter__in=rows)
        mails.exclude(state=Delivery.State.SENDING).delete()
        Supporter.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _settled_before(age: timedelta) -> QuerySet[Supporter]:
    """Confirmed or withdrawn supporters none of whose mail is unsettled or settled since.

    A letter that has been unclear for as long as a delivered one's text is kept counts as settled:
    nobody's words wait for evidence for ever.
    """
    unsettled = Delivery.objects.filter(
        Q(state__in=[*Delivery.UNSENT_STATES, Delivery.State.SENDING])
        | Q(state=Delivery.State.UNCERTAIN, uncertain_since__gt=timezone.now() - TEXT_FOR),
        supporter=OuterRef("pk"),
    )
    recent = Delivery.objects.filter(supporter=OuterRef("pk"), settled_at__gt=timezone.now() - age)
    return Supporter.objects.filter(
        ~Exists(unsettled),
        ~Exists(recent),
        state__in=[Supporter.State.CONFIRMED, Supporter.State.WITHDRAWN],
    )


def _erase_addresses() -> int:
    """Addresses, once bounces can no longer come, unless the writer wants updates or replies."""
    updates = Consent.objects.filter(supporter=OuterRef("pk"), kind=Consent.Kind.UPDATES)
    expecting_replies = (
        Q(replies=Supporter.Replies.ALIAS)
        & ~Q(state=Supporter.State.WITHDRAWN)  # nothing went out that could be replied to
        & ~_closed_since(INDEX_FOR)
    )
    done = _settled_before(ADDRESS_FOR).filter(~Exists(updates)).exclude(expecting_replies)
    copies = done.filter(way=Supporter.Way.OWN_MAILBOX)  # what their link has is a mark of it
    Letter.objects.filter(supporter__in=copies, link_ct__isnull=False).update(link_ct=None)
    return SealedSubmission.objects.filter(supporter__in=done, address_ct__isnull=False).update(
        address_ct=None
    )


def _erase_texts() -> int:
    """Words and names, with the link's own copy of them and the link itself."""
    done = _settled_before(TEXT_FOR)
    letters = done.filter(way=Supporter.Way.SITE)
    Letter.objects.filter(supporter__in=letters, link_ct__isnull=False).update(link_ct=None)
    kept = Q(texts_ct__isnull=False) | Q(signature_ct__isnull=False) | Q(token_ct__isnull=False)
    return SealedSubmission.objects.filter(kept, supporter__in=done).update(
        texts_ct=None, signature_ct=None, token_ct=None
    )


def _erase_server_replies() -> int:
    """Servers' words after a month, and at once where a person is forgotten whom they may quote."""
    forgotten = Q(delivery__copy_address=None, delivery__supporter__sealed=None)
    old = Attempt.objects.filter(Q(ended_at__lt=timezone.now() - SERVER_REPLIES_FOR) | forgotten)
    return SealedReply.objects.filter(attempt__in=old).delete()[0]


def _closed_since(age: timedelta) -> Q:
    """What belongs to campaigns closed that long ago, by somebody or by their own last day."""
    limit = timezone.now() - age
    return Q(campaign__closes_on__lt=limit.date()) | Q(
        campaign__state__in=[Campaign.State.CLOSED, Campaign.State.ARCHIVED],
        campaign__closed_at__lt=limit,
    )


def _give_up_unsent() -> int:
    """Letters that still wait when their campaign has long been over, such as to a paused target.

    Nobody's words wait for ever: once cancelled they are erased like those of letters that went.
    """
    waiting = Delivery.objects.filter(
        _closed_since(INDEX_FOR),
        mail_class=Delivery.MailClass.LETTER,
        state__in=Delivery.UNSENT_STATES,
    )
    return waiting.update(
        state=Delivery.State.CANCELLED, settled_at=timezone.now(), outcome="campaign closed"
    )


def _erase_indexes() -> int:
    """Hashes of addresses and the public names of campaigns that are over."""
    over = _closed_since(INDEX_FOR)
    PublicName.objects.filter(supporter__in=Supporter.objects.filter(over)).delete()
    return Supporter.objects.filter(over, address_index__isnull=False).update(address_index=None)


def _erase_evidence() -> int:
    """What servers answered and when; the totals and each delivery's final state stay."""
    limit = timezone.now() - EVIDENCE_FOR
    attempts = Attempt.objects.filter(ended_at__lt=limit).delete()[0]
    return attempts + Evidence.objects.filter(seen_at__lt=limit).delete()[0]


def _erase_incoming() -> int:
    """What came in: its bytes, then its text, then that it came; with whoever is forgotten, both.

    A message that nobody has looked at yet waits for the sorting.
    """
    now = timezone.now()
    door = IncomingMessage.Door
    forgotten = Q(supporter__isnull=False, supporter__sealed=None) | Q(
        door__in=[door.ENVELOPE, door.REPLY, door.UNSUBSCRIBE],
        delivery__copy_address=None,
        supporter__sealed=None,
    )
    seen = IncomingMessage.objects.exclude(state=IncomingMessage.State.RECEIVED)
    quarantined = Q(state=IncomingMessage.State.QUARANTINED, received_at__lt=now - QUARANTINE_FOR)
    old = IncomingMessage.objects.filter(quarantined | Q(received_at__lt=now - EVIDENCE_FOR))
    touched = old.delete()[1].get(IncomingMessage._meta.label, 0)
    for column, age in (("raw_ct", RAW_FOR), ("content_ct", CONTENT_FOR)):
        due = seen.filter(forgotten | Q(received_at__lt=now - age), **{f"{column}__isnull": False})
        numbers = due.values("pk")
        touched += IncomingMessage.objects.filter(pk__in=numbers).update(**{column: None})
    return touched
