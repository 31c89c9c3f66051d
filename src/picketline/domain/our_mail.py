"""Mails of our own words: what all of them have in common, and the texts they are made from.

Letters are in their writers' words and are built in ``outgoing``, like the choice of what goes in
here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from picketline.domain import suppressions
from picketline.domain.keyring import worker_keys
from picketline.domain.letters import RenderedLetter
from picketline.domain.streams import Stream, domain_of, stream_of
from picketline.mail.compose import OutgoingMail, new_message_id
from picketline.models import Delivery, TargetText
from picketline.seal import index
from picketline.text.paragraphs import wrap_letter

MailClass = Delivery.MailClass


def new_notice(
    campaign_id: int, mail_class: MailClass, *, to_the_day: bool = False, **about: Any
) -> Delivery:
    """The unsaved row of a notice that is due at once; ``about`` are its other fields.

    Its Date tells the second, or no more than the UTC day.
    """
    now = timezone.now()
    dated = now.replace(microsecond=0)
    if to_the_day:
        dated = datetime.combine(now.astimezone(UTC).date(), time(0), UTC)
    return Delivery(
        campaign_id=campaign_id,
        mail_class=mail_class,
        message_id=new_message_id(domain_of(Stream.NOTICES)),
        dated=dated,
        due_at=now,
        created_at=now,
        **about,
    )


def notice(
    delivery: Delivery, name: str, address: str, language: str, **context: object
) -> tuple[OutgoingMail, None]:
    """A mail of ours, from templates/emails/<name>/, and no hash: it has no reply alias."""
    organisation = delivery.campaign.organisation
    context |= {
        "campaign_title": title(delivery, language),
        "organisation_name": organisation.name,
        "site_url": settings.SITE_URL,
    }
    with translation.override(language):
        subject = render_to_string(f"emails/{name}/subject.txt", context)
        body = render_to_string(f"emails/{name}/body.txt", context)
    mail = OutgoingMail(
        message_id=delivery.message_id,
        date=delivery.dated,
        from_name=organisation.name,
        from_address=f"{delivery.campaign.slug}@{domain_of(stream_of(delivery.mail_class))}",
        to_name="",
        to_address=address,
        reply_to=None,
        subject=" ".join(subject.split()),
        body=body,
        language=language,
        automatic=True,
        unsubscribe_mailto=_unsubscribe(delivery),
    )
    return mail, None


def alias(delivery: Delivery) -> str:
    """The 26 characters in a mail's envelope sender and unsubscribe address."""
    return index.nonce_alias(worker_keys().envelope, delivery.message_id)


def _unsubscribe(delivery: Delivery) -> str | None:
    """Where a writer unsubscribes by mail. A confirmation has none: it looks like no list's."""
    mail_class = delivery.mail_class
    if not suppressions.is_to_writer(mail_class) or mail_class == MailClass.CONFIRMATION:
        return None
    return f"u.{alias(delivery)}@{domain_of(stream_of(mail_class))}"


def names_of(targets: Iterable[int], language: str) -> dict[int, str]:
    """Targets' names in this language where there is one."""
    found: dict[int, str] = {}
    for text in TargetText.objects.filter(target_id__in=targets).order_by("language"):
        if text.language == language or text.target_id not in found:
            found[text.target_id] = text.name
    return found


def named(letters: Iterable[RenderedLetter], language: str) -> list[dict[str, str]]:
    """Letters with their targets' names."""
    letters = list(letters)
    names = names_of([each.target_id for each in letters], language)
    return [
        {
            "name": names.get(each.target_id, each.target_key),
            "subject": each.subject,
            "body": wrap_letter(each.body),
        }
        for each in letters
    ]


def title(delivery: Delivery, language: str) -> str:
    """The campaign's title in this language, or in its own where it has none in this."""
    texts = {text.language: text.title for text in delivery.campaign.texts.all()}
    return texts.get(language) or texts.get(delivery.campaign.default_language, "")


def url(name: str, token: str, language: str) -> str:
    """The whole address of the public page of this name for the bearer of a token."""
    with translation.override(language):
        return settings.SITE_URL + reverse(name, args=[token], urlconf="picketline.public.urls")
