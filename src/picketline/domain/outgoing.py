"""Outgoing mail: a delivery's row made into the bytes and the envelope of one message.

The same row gives the same bytes at every attempt: texts were frozen by the writer's confirmation,
and aliases follow from the Message-ID by a key that only the worker holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from picketline.domain import our_mail, suppressions
from picketline.domain.incoming import replies
from picketline.domain.keyring import worker_keys
from picketline.domain.sealing import Erased, OpenedSubmission, opened
from picketline.domain.streams import Stream, domain_of, reply_domain, stream_of
from picketline.mail.compose import OutgoingMail, compose
from picketline.models import Campaign, Delivery, Supporter, TargetVersion
from picketline.seal import index, tokens
from picketline.text import languages
from picketline.text.paragraphs import wrap_letter

MailClass = Delivery.MailClass
Read = Callable[[Supporter], OpenedSubmission]


class NotToBeSent(Exception):
    """The mail must not go out any more; the argument says why in one word."""


@dataclass(frozen=True)
class Outgoing:
    """A message ready to be offered. Hashes are what is kept of the two aliases."""

    data: bytes
    sender: str
    recipient: str
    envelope_hash: bytes
    reply_hash: bytes | None

    @property
    def digest(self) -> bytes:
        """SHA-256 of the message."""
        return sha256(self.data).digest()


def build(delivery: Delivery, read: Read = opened) -> Outgoing:
    """The message of a delivery, which must come with its campaign, supporter and copy address.

    ``read`` opens a submission; give one that remembers where one writer has many mails.

    Raises ``NotToBeSent`` where the writer's data is erased, there is nothing left to confirm, the
    writer's address is on the suppression list or a digest turned out empty;
    ``mail.headers.UnsafeMail`` where it cannot be composed.
    """
    try:
        mail, reply_hash = _BUILDERS[MailClass(delivery.mail_class)](delivery, read)
    except Erased:
        raise NotToBeSent("erased") from None
    alias = our_mail.alias(delivery)
    return Outgoing(
        data=compose(mail),
        sender=f"b.{alias}@{domain_of(stream_of(delivery.mail_class))}",
        recipient=mail.to_address,
        envelope_hash=sha256(alias.encode()).digest(),
        reply_hash=reply_hash,
    )


def _letter(delivery: Delivery, read: Read) -> tuple[OutgoingMail, bytes | None]:
    supporter = _confirmed(delivery)
    submission = read(supporter)
    version = delivery.target_version
    if version is None:  # a constraint forbids it
        raise NotToBeSent("no target")
    text = next(each for each in submission.letters() if each.target_id == delivery.target_id)
    alias = index.nonce_alias(worker_keys().envelope, "reply" + delivery.message_id)
    by_alias = supporter.replies != Supporter.Replies.WRITER
    mail = OutgoingMail(
        message_id=delivery.message_id,
        date=delivery.dated,
        from_name=submission.signature().name,
        from_address=f"{delivery.campaign.slug}@{domain_of(Stream.LETTERS)}",
        to_name="",
        to_address=version.address,
        also_to=_shown_beside(delivery),
        reply_to=f"r.{alias}@{reply_domain()}" if by_alias else submission.address(),
        subject=text.subject,
        body=wrap_letter(text.body),
        language=text.language,
        automatic=False,
    )
    return mail, sha256(alias.encode()).digest() if by_alias else None


def _shown_beside(delivery: Delivery) -> tuple[str, ...]:
    """The other recipients of a letter that goes to all targets at once, for all of them to see.

    Those it was frozen for: whoever was cancelled since still stands in every copy, or the copies
    would differ from one attempt to the next.
    """
    if delivery.campaign.addressing != Campaign.Addressing.ALL:
        return ()
    others = Delivery.objects.filter(supporter=delivery.supporter, mail_class=MailClass.LETTER)
    addresses = others.exclude(pk=delivery.pk).values_list("target_version__address", flat=True)
    return tuple(address for address in addresses if address)


def _confirmation(delivery: Delivery, read: Read) -> tuple[OutgoingMail, bytes | None]:
    supporter = _supporter(delivery)
    if supporter.state != Supporter.State.UNCONFIRMED:
        raise NotToBeSent("confirmed")
    submission = read(supporter)
    address = _wanted(submission.address())
    if TargetVersion.objects.filter(
        target__campaign=delivery.campaign, current=True, address__iexact=address
    ).exists():
        raise NotToBeSent("target")  # nobody shall make us write to a target in its own name
    link = our_mail.url("confirm", submission.token(), supporter.page_language)
    return our_mail.notice(
        delivery, "confirmation", address, supporter.page_language, confirm_url=link
    )


def _writer_copy(delivery: Delivery, read: Read) -> tuple[OutgoingMail, bytes | None]:
    supporter = _confirmed(delivery)
    submission = read(supporter)
    language = supporter.page_language
    token = tokens.derive(submission.token(), tokens.STATUS)
    return our_mail.notice(
        delivery,
        "writer_copy",
        _wanted(submission.address()),
        language,
        status_url=our_mail.url("status", token, language),
        letters=our_mail.named(submission.letters(), language),
    )


def _organiser_copy(delivery: Delivery, read: Read) -> tuple[OutgoingMail, bytes | None]:
    submission = read(_confirmed(delivery))
    language = delivery.campaign.default_language
    return our_mail.notice(
        delivery,
        "organiser_copy",
        _copy_address(delivery),
        language,
        writer=submission.signature().name,
        letters=our_mail.named(submission.letters(), language),
    )


def _organiser_digest(delivery: Delivery, read: Read) -> tuple[OutgoingMail, bytes | None]:
    language = delivery.campaign.default_language
    entries = []
    supporters = delivery.campaign.supporters.filter(
        state=Supporter.State.CONFIRMED, confirmed_on=delivery.digest_day
    )
    for supporter in supporters.select_related("campaign", "sealed").order_by("pk"):
        try:
            submission = read(supporter)
            entries.append(
                (submission.signature().name, our_mail.named(submission.letters(), language))
            )
        except Erased:
            continue
    if not entries or delivery.digest_day is None:
        raise NotToBeSent("empty")
    return our_mail.notice(
        delivery,
        "organiser_digest",
        _copy_address(delivery),
        language,
        entries=entries,
        number=len(entries),
        day=languages.format_day(delivery.digest_day, language),
    )


def _organiser_notice(delivery: Delivery, _read: Read) -> tuple[OutgoingMail, bytes | None]:
    language = delivery.campaign.default_language
    target = delivery.target
    return our_mail.notice(
        delivery,
        "organiser_notice",
        _copy_address(delivery),
        language,
        notice=delivery.notice,
        slug=delivery.campaign.slug,
        key=target.key if target else "",
        target=our_mail.names_of([target.pk], language).get(target.pk, "") if target else "",
    )


def _thanks(delivery: Delivery, read: Read) -> tuple[OutgoingMail, bytes | None]:
    supporter = _confirmed(delivery)
    submission = read(supporter)
    language = supporter.page_language
    token = tokens.derive(submission.token(), tokens.STATUS)
    address = _wanted(submission.address())
    return our_mail.notice(
        delivery, "thanks", address, language, copy_url=our_mail.url("copy", token, language)
    )


def _forwarded_reply(delivery: Delivery, read: Read) -> tuple[OutgoingMail, bytes | None]:
    """Our own words around the inert text of a reply: nothing of the message itself is in it."""
    supporter = _confirmed(delivery)
    language = supporter.page_language
    reply = replies.read(delivery.incoming) if delivery.incoming else None
    if reply is None or delivery.target is None:
        raise NotToBeSent("erased")
    names = our_mail.names_of([delivery.target.pk], language)
    return our_mail.notice(
        delivery,
        "forwarded_reply",
        _wanted(read(supporter).address()),
        language,
        reply=reply,
        day=languages.format_day(reply.received_on, language),
        target=names.get(delivery.target.pk, delivery.target.key),
    )


_BUILDERS = {
    MailClass.LETTER: _letter,
    MailClass.CONFIRMATION: _confirmation,
    MailClass.WRITER_COPY: _writer_copy,
    MailClass.ORGANISER_COPY: _organiser_copy,
    MailClass.ORGANISER_DIGEST: _organiser_digest,
    MailClass.ORGANISER_NOTICE: _organiser_notice,
    MailClass.FORWARDED_REPLY: _forwarded_reply,
    MailClass.THANKS: _thanks,
}


def _wanted(address: str) -> str:
    """The address of a writer, unless its owner never wants to hear from us again."""
    if suppressions.has(address):
        raise NotToBeSent("suppressed")
    return address


def _supporter(delivery: Delivery) -> Supporter:
    if delivery.supporter is None:
        raise NotToBeSent("erased")
    return delivery.supporter


def _confirmed(delivery: Delivery) -> Supporter:
    """The supporter whose words these are; nothing of theirs goes out unconfirmed."""
    supporter = _supporter(delivery)
    if supporter.state in (Supporter.State.UNCONFIRMED, Supporter.State.CANCELLED):
        raise NotToBeSent("unconfirmed")
    return supporter


def _copy_address(delivery: Delivery) -> str:
    if delivery.copy_address is None or not delivery.copy_address.active:
        raise NotToBeSent("no copy address")
    return delivery.copy_address.address
