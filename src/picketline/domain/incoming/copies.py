"""Copies: whoever writes from their own mailbox, with a campaign's copy address in CC, is counted.

A copy says in whose name it was written. So it counts only where it is proven that the domain of
that address sent it: by our own mail server's word or by a signature that we checked. One that does
not count is kept with the reason and never answered, and neither is anybody else: whoever is named
in a forged copy hears nothing of it. One that counts gets one mail of thanks (``outgoing``), within
the budget of its address.
"""

from __future__ import annotations

from datetime import UTC

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from picketline.domain import counts, our_mail, suppressions
from picketline.domain.incoming.verdicts import Verdict
from picketline.domain.keyring import public_keys
from picketline.domain.sealing import lock_mark, seal_sender
from picketline.domain.streams import copy_address
from picketline.mail.addresses import AddressRefused, EmailAddr, canonical, parse_address
from picketline.mail.incoming.authentication import aligned, related, undecided
from picketline.mail.incoming.report import Report
from picketline.models import (
    Campaign,
    Delivery,
    IncomingMessage,
    Letter,
    ModelLetter,
    SealedSubmission,
    Supporter,
    TargetVersion,
)
from picketline.seal import index, tokens

COUNTED = "counted"
_KIND = IncomingMessage.Kind.COPY


def is_undecided(report: Report) -> bool:
    """Whether a copy is to be examined again, since the DNS did not say whether it is genuine."""
    authentication, author = report.authentication, report.from_address
    known = aligned(authentication, author, settings.AUTHSERV_ID or "")
    return not known and undecided(authentication, author)


def take(message: IncomingMessage, report: Report) -> Verdict:
    """Count a message that came to a copy address, or say why not; in the caller's transaction."""
    campaign = message.campaign
    if campaign is None:
        return Verdict(_KIND, "no campaign")
    objection = _about_the_way(report, campaign)
    if objection:
        return Verdict(_KIND, objection, readable=True)
    try:
        sender = parse_address(report.from_address, own_domains=(settings.MAIL_DOMAIN,))
    except AddressRefused:
        return Verdict(_KIND, "no ordinary sender", readable=True)
    objection = _about_its_parties(message, report, campaign, sender)
    if objection:
        return Verdict(_KIND, objection, readable=True)
    if suppressions.has(sender):
        # They could not be told what we keep about them, so nothing is kept.
        IncomingMessage.objects.filter(pk=message.pk).update(raw_ct=None)
        return Verdict(_KIND, "sender wants no mail")
    mark = index.blind_index(public_keys().index, str(campaign.pk), canonical(sender))
    message.supporter = _counted(campaign, sender, mark, _language(campaign, report.subject))
    if message.supporter is None:  # what came in is forgotten with whoever wrote it
        confirmed = Supporter.objects.filter(state=Supporter.State.CONFIRMED, campaign=campaign)
        message.supporter = confirmed.filter(address_index=mark).first()
        return Verdict(_KIND, "repeated", readable=True)
    _queue_thanks(message, message.supporter, sender)
    return Verdict(_KIND, COUNTED, readable=True)


def _about_the_way(report: Report, campaign: Campaign) -> str:
    """What is wrong with how it came. Machines' mail never gets here: see ``sorting``."""
    if not aligned(report.authentication, report.from_address, settings.AUTHSERV_ID or ""):
        return "not authenticated"
    if report.forwarded:
        return "forwarded"
    if report.from_list:
        return "from a list"
    # A signature covers To and Cc: the same message, sent on to another campaign, stops here.
    if copy_address(campaign) not in _recipients(report):
        return "copy address not in To or Cc"
    return ""


def _about_its_parties(
    message: IncomingMessage, report: Report, campaign: Campaign, sender: EmailAddr
) -> str:
    targets = {
        address.lower()
        for address in TargetVersion.objects.filter(
            target__campaign=campaign, target__retired_at=None, current=True
        ).values_list("address", flat=True)
    }
    if canonical(sender) in {canonical(address) for address in targets}:
        return "from a target"
    is_answer = report.in_reply_to or report.references
    if is_answer and any(related(_domain(sender), _domain(address)) for address in targets):
        return "from a target"  # somebody there has answered a letter, and all who stood in it
    if not targets & _recipients(report):
        return "no target in To or Cc"
    if not campaign.accepts_letters(message.received_at.astimezone(UTC).date()):
        return "campaign closed"
    return ""


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _recipients(report: Report) -> set[str]:
    return {address.lower() for address in (*report.to, *report.cc)}


def _language(campaign: Campaign, subject: str) -> str:
    """The language we thank in: of the model letter that this subject is of, else the campaign's.

    The campaign's page offers that subject in its own language.
    """
    letters = ModelLetter.objects.filter(campaign=campaign, current=True).order_by("language")
    found = [
        language
        for language, text in letters.values_list("language", "subject")
        if text.casefold() in subject.casefold()
    ]
    known = dict(settings.LANGUAGES)
    default = campaign.default_language
    wanted = [default] if default in found or not found else [*found, default]
    return next((language for language in wanted if language in known), settings.LANGUAGE_CODE)


def _counted(campaign: Campaign, sender: EmailAddr, mark: bytes, language: str) -> Supporter | None:
    """The row of a new supporter; None where this address has written in the campaign before."""
    token = tokens.new_token()
    status_token = tokens.derive(token, tokens.STATUS)
    row = tokens.token_hash(status_token, tokens.STATUS)
    now = timezone.now()
    supporter = Supporter(
        campaign=campaign,
        way=Supporter.Way.OWN_MAILBOX,
        state=Supporter.State.CONFIRMED,
        address_index=mark,
        confirm_hash=tokens.token_hash(token, tokens.CONFIRM),
        status_hash=row,
        page_language=language,
        replies=Supporter.Replies.WRITER,
        created_at=now,
        confirmed_on=now.astimezone(UTC).date(),
    )
    try:
        with transaction.atomic():
            supporter.save(force_insert=True)
    except IntegrityError:
        return None
    SealedSubmission.objects.create(
        supporter=supporter, **seal_sender(sender, token, campaign, row)
    )
    link = lock_mark(suppressions.hash_of(sender), tokens.link_key(status_token), row)
    Letter.objects.create(supporter=supporter, link_ct=link)
    counts.add(campaign.pk, counts.CountKind.COPIES, 1)
    return supporter


def _queue_thanks(message: IncomingMessage, supporter: Supporter, sender: EmailAddr) -> None:
    our_mail.new_notice(
        supporter.campaign_id,
        Delivery.MailClass.THANKS,
        supporter=supporter,
        incoming=message,
        budget_hash=index.keyed_hash(public_keys().budget, canonical(sender)),
    ).save(force_insert=True)
