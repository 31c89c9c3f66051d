"""Publishing: an organiser decides what of a target's reply stands on the campaign's page.

Nothing gets there by itself. What names the writer of the letter is refused unless the organiser
says that it may.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from picketline.domain.incoming import replies
from picketline.domain.sealing import Erased, opened
from picketline.mail.incoming import inert_text
from picketline.models import IncomingMessage, PublishedReply, Supporter
from picketline.seal.boxes import CannotOpen

MOST_CHARACTERS = 20_000
Publication = IncomingMessage.Publication


class NotPublishable(Exception):
    """It cannot be published; the message is a sentence that says why."""


class NamesWriter(Exception):
    """The text may name the letter's writer; ``found`` has what was found in it.

    It is empty where nobody can tell: the writer is unknown, or forgotten here.
    """

    def __init__(self, found: list[str]) -> None:
        super().__init__("the text may name the writer")
        self.found = found


@dataclass(frozen=True)
class Held:
    """A reply of a target with the text that can be read of it."""

    message: IncomingMessage
    reply: replies.Reply

    @property
    def proposed(self) -> str:
        """Its text without the quoted letter, for want of a better one."""
        lines = self.reply.text.split("\n")
        return inert_text.clean("\n".join(line for line in lines if not line.startswith(">")))


def find(number: int, *, lock: bool = False) -> Held:
    """The reply with this number. Raises ``NotPublishable`` and ``boxes.CannotOpen``."""
    rows = IncomingMessage.objects.defer("raw_ct").select_related(
        "campaign", "target", "supporter__campaign", "supporter__sealed"
    )
    if lock:
        rows = rows.select_for_update(of=("self",))
    message = rows.filter(pk=number, kind=IncomingMessage.Kind.REPLY).first()
    if message is None:
        raise NotPublishable(f"There is no reply of a target with the number {number}.")
    reply = replies.read(message)
    if reply is None:
        raise NotPublishable(f"The text of the reply {number} has been erased.")
    return Held(message, reply)


def publish(number: int, text: str | None, language: str, *, naming: bool = False) -> None:
    """Show a reply on its campaign's page, or change the text that stands there.

    ``text`` is the organiser's; None takes the reply's own, without what it quotes. ``language``
    is what it is in, empty where that is not known. Raises ``NotPublishable``, ``NamesWriter``
    unless ``naming`` is meant, and ``boxes.CannotOpen``.
    """
    with transaction.atomic():
        held = find(number, lock=True)
        message = held.message
        if message.campaign is None or message.target is None:
            raise NotPublishable(f"It is not known who sent the reply {number}.")
        wanted = _inert(held.proposed if text is None else text)
        if not naming:
            _refuse_names(message.supporter, wanted)
        PublishedReply.objects.update_or_create(
            incoming=message,
            defaults={
                "campaign": message.campaign,
                "target": message.target,
                "text": wanted,
                "language": language,
                "replied_on": held.reply.received_on,
                "published_on": timezone.now().date(),
            },
        )
        _mark(message, Publication.PUBLISHED)


def decline(number: int) -> None:
    """Decide against showing a reply; one that was shown disappears. Raises ``NotPublishable``."""
    with transaction.atomic():
        rows = IncomingMessage.objects.filter(pk=number, kind=IncomingMessage.Kind.REPLY)
        if not rows.update(publication=Publication.DECLINED):
            raise NotPublishable(f"There is no reply of a target with the number {number}.")
        PublishedReply.objects.filter(incoming=number).delete()


def _mark(message: IncomingMessage, publication: Publication) -> None:
    IncomingMessage.objects.filter(pk=message.pk).update(publication=publication)


def _inert(text: str) -> str:
    """The text as it will be shown: nothing in it works, whoever wrote it."""
    if len(text) > MOST_CHARACTERS:
        raise NotPublishable(f"The text has more than {MOST_CHARACTERS} characters.")
    inert = replies.without_ours(inert_text.defanged(inert_text.clean(text)))
    if not inert.strip():
        raise NotPublishable("There is no text to show.")
    return inert


def _refuse_names(supporter: Supporter | None, text: str) -> None:
    names = _names_of(supporter)
    found = [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.I)]
    if found or not names:
        raise NamesWriter(found)


def _names_of(supporter: Supporter | None) -> list[str]:
    """What the text must not hold: the writer's name, its longer parts, the address or its front.

    Empty where the name is not known, or no longer.
    """
    if supporter is None:
        return []
    try:
        submission = opened(supporter)
        name = submission.signature().name
    except (Erased, CannotOpen):
        return []
    names = [name, *(part for part in name.split() if len(part) > 2 and part != name)]
    with suppress(Erased):
        address = submission.address()
        names += [inert_text.defanged(address), address.partition("@")[0]]
    return names
