"""Bounces: what a server says became of a mail of ours annotates that mail, and nothing else.

Which mail it is about is told by the address it came to, never by what stands in it: whoever got
a mail knows that mail's address, and no other. So a forger can at most mark a letter of their own.
No bounce lowers a public number, and none ends anything: where a target says that it blocks us, its
letters wait, as after a refusal in the dialogue, and a person decides.
"""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from picketline.domain import counts, notices, pacing
from picketline.domain.incoming.verdicts import Verdict
from picketline.mail.incoming.report import Bounce, Report
from picketline.models import Delivery, IncomingMessage, TargetVersion

BELIEVED_FOR = timedelta(days=14)
"""How long after a mail was settled a bounce may still move it."""
COUNTED_WITHIN = timedelta(weeks=5)
HARD, SOFT = 2, 5
"""So many letters that bounced for good, or at all, within that time make an address suspect."""

TARGET, WRITER, ORGANISER = "target's address", "writer's address", "organiser's address"

_BLOCK = "5.7."
_KIND = IncomingMessage.Kind.BOUNCE
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_ALIAS = re.compile(r"\bb\.([a-z2-7]{26})@")
State = Delivery.State


def take(message: IncomingMessage, report: Report) -> Verdict:
    """Annotate the mail whose envelope sender this came to, in the caller's transaction.

    Replayed, late, merely delaying, and about another mail: none of these moves anything.
    """
    bounce = report.bounce
    delivery = message.delivery
    if message.door != IncomingMessage.Door.ENVELOPE or bounce is None or delivery is None:
        return Verdict(_KIND, "no mail of ours")
    code = bounce.status if _STATUS.fullmatch(bounce.status) else ""
    if _is_foreign(bounce, delivery):
        return Verdict(_KIND, "about another mail", bounce.permanent, code)
    if not bounce.final:
        _was_taken(delivery)
        return Verdict(_KIND, "not final", bounce.permanent, code)
    if _is_late(delivery):
        return Verdict(_KIND, "late", bounce.permanent, code)
    _was_taken(delivery)
    Delivery.objects.filter(pk=delivery.pk, state=State.ACCEPTED).update(
        state=State.BOUNCED, outcome="bounced", enhanced_code=code
    )
    if code.startswith(_BLOCK):
        notices.tell_of_blocks(pacing.note_refusal(delivery.pk))
    elif delivery.target_version is not None:
        _suspect(message, delivery, delivery.target_version, permanent=bounce.permanent)
    return Verdict(_KIND, _whose(delivery), bounce.permanent, code)


def _is_foreign(bounce: Bounce, delivery: Delivery) -> bool:
    """Whether the notice itself names another mail than the one whose address it came to."""
    named = bounce.original_message_id.strip().strip("<>")
    if named and named != delivery.message_id.strip("<>"):
        return True
    alias = _ALIAS.search(bounce.original_envelope.lower())
    return alias is not None and sha256(alias[1].encode()).digest() != bytes(
        delivery.envelope_hash or b""
    )


def _is_late(delivery: Delivery) -> bool:
    since = delivery.settled_at or delivery.uncertain_since
    return since is not None and since < timezone.now() - BELIEVED_FOR


def _was_taken(delivery: Delivery) -> None:
    """Whoever writes to the address of an uncertain letter has seen it: some server took it."""
    moved = Delivery.objects.filter(pk=delivery.pk, state=State.UNCERTAIN).update(
        state=State.ACCEPTED, settled_at=Now(), outcome="bounce"
    )
    if moved and delivery.mail_class == Delivery.MailClass.LETTER:
        counts.add(delivery.campaign_id, counts.CountKind.LETTERS, 1)


def _whose(delivery: Delivery) -> str:
    if delivery.mail_class == Delivery.MailClass.LETTER:
        return TARGET
    return WRITER if delivery.copy_address_id is None else ORGANISER


def _suspect(
    message: IncomingMessage, delivery: Delivery, version: TargetVersion, *, permanent: bool
) -> None:
    """Mark the target's address once enough different letters to it have come back."""
    versions = TargetVersion.objects.select_for_update(no_key=True, of=("self",))
    version = versions.select_related("target").get(pk=version.pk)
    if version.suspect_since is not None:
        return
    others = IncomingMessage.objects.filter(
        ~Q(pk=message.pk),
        kind=_KIND,
        reason=TARGET,
        delivery__target_version=version,
        received_at__gt=timezone.now() - COUNTED_WITHIN,
    )
    seen = {*others.values_list("delivery_id", "permanent"), (delivery.pk, permanent)}
    every = {number for number, _ in seen}
    hard = {number for number, for_good in seen if for_good}
    if len(hard) >= HARD or len(every) >= SOFT:
        TargetVersion.objects.filter(pk=version.pk).update(suspect_since=Now())
        notices.tell_organisers(delivery.campaign, Delivery.Notice.SUSPECT, version.target)
