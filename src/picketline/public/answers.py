"""What targets have answered, as far as it is published, and another way to write to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from picketline.domain import drafts
from picketline.domain.letters import NoModelLetter, RenderedLetter, unsigned
from picketline.domain.streams import copy_address
from picketline.mail import mailto
from picketline.models import Campaign, PublishedReply, TargetText, TargetVersion
from picketline.public.targets import target_names


@dataclass(frozen=True)
class AnswerShown:
    """A published reply; ``language`` is empty where nobody said what it is in."""

    number: int
    target: TargetText
    on: date
    text: str
    language: str


@dataclass(frozen=True)
class OwnMailbox:
    """What somebody needs who would rather write from their own mail program.

    ``letter`` is one to begin with; None where the campaign has none to all targets.
    """

    addresses: Sequence[str]
    copy_address: str
    letter: RenderedLetter | None
    link: str


def answers(campaign: Campaign, language: str) -> list[AnswerShown]:
    """The campaign's published replies, oldest first, with their targets' names."""
    rows = list(PublishedReply.objects.filter(campaign=campaign))
    names = target_names(campaign, language) if rows else {}
    return [
        AnswerShown(row.pk, names[row.target_id], row.replied_on, row.text, row.language)
        for row in rows
        if row.target_id in names
    ]


def own_mailbox(campaign: Campaign, language: str) -> OwnMailbox:
    """The addresses to write to and to put in CC, and a link that opens such a letter."""
    current = TargetVersion.objects.filter(
        target__campaign=campaign, target__retired_at=None, current=True
    )
    addresses = list(current.order_by("target__position").values_list("address", flat=True))
    try:
        letter = unsigned(drafts.read(campaign), language)
    except NoModelLetter:
        letter = None
    ours = copy_address(campaign)
    words = (letter.subject, letter.body) if letter else ("", "")
    return OwnMailbox(addresses, ours, letter, mailto.link(addresses, ours, *words))
