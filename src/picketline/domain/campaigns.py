"""Campaigns: the states they move through, and what one must have before it opens."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from picketline.domain import waking
from picketline.models import Campaign, CampaignText, Delivery, ModelLetter, TargetVersion

State = Campaign.State

MOVES: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.CHECKED}),
    State.CHECKED: frozenset({State.DRAFT, State.OPEN}),
    State.OPEN: frozenset({State.SUSPENDED, State.CLOSED}),
    State.SUSPENDED: frozenset({State.OPEN, State.CLOSED}),
    State.CLOSED: frozenset({State.ARCHIVED}),
    State.ARCHIVED: frozenset(),
}
"""What may follow what."""


class CampaignClosed(Exception):
    """The campaign takes no letters: it is not open, or its last day is over."""


class CampaignUnknown(Exception):
    """There is no campaign of this name; the message is a sentence."""


class MoveRefused(Exception):
    """The campaign's state does not lead to the one asked for; the message is a sentence."""


class CampaignIncomplete(Exception):
    """The campaign lacks what visitors need; ``missing`` has a sentence for each thing."""

    def __init__(self, slug: str, missing: list[str]) -> None:
        self.missing = missing
        super().__init__(f"The campaign {slug} is not complete. {' '.join(missing)}")


def private_key_context(slug: str) -> bytes:
    """The context that the private half of a campaign's key is sealed in."""
    return b"campaign-key|" + slug.encode()


def find(slug: str, *, lock: bool = False) -> Campaign:
    """The campaign of this slug, locked until the transaction ends where asked for.

    The lock keeps nobody from writing a letter meanwhile. Raises ``CampaignUnknown``.
    """
    rows = Campaign.objects.select_for_update(no_key=True) if lock else Campaign.objects.all()
    campaign = rows.filter(slug=slug).first()
    if campaign is None:
        raise CampaignUnknown(f"There is no campaign {slug}.")
    return campaign


def open_campaign(slug: str) -> Campaign:
    """Open a campaign for letters, for the first time or again after a suspension.

    A draft is checked on the way. Raises ``CampaignUnknown``, ``CampaignIncomplete`` and
    ``MoveRefused``.
    """
    with transaction.atomic():
        campaign = find(slug, lock=True)
        if campaign.state == State.DRAFT:
            require_complete(campaign)
            _move(campaign, State.CHECKED)
        _move(campaign, State.OPEN)
        require_complete(campaign)
        _refuse_past(campaign, timezone.now().astimezone(datetime.UTC).date())
        campaign.opened_at = campaign.opened_at or timezone.now()
        campaign.save(update_fields=["state", "opened_at"])
        waking.wake()
    return campaign


def suspend(slug: str) -> Campaign:
    """Stop taking letters, and sending those not yet sent, until the campaign is opened again.

    Raises ``CampaignUnknown`` and ``MoveRefused``.
    """
    with transaction.atomic():
        campaign = find(slug, lock=True)
        _move(campaign, State.SUSPENDED)
        campaign.save(update_fields=["state"])
    return campaign


def close(slug: str, outcome: str = "") -> Campaign:
    """End a campaign. ``outcome`` is a value of ``Campaign.Outcome``, or empty while unknown.

    Letters on their way still go out; those that a suspension held back are cancelled, since
    whoever stopped them and then ends the campaign does not mean them to leave after all.

    Raises ``CampaignUnknown``, ``MoveRefused``, and ``ValueError`` for no such outcome.
    """
    if outcome not in ("", *Campaign.Outcome.values):
        raise ValueError(f"The outcome is one of: {', '.join(Campaign.Outcome.values)}.")
    with transaction.atomic():
        campaign = find(slug, lock=True)
        if campaign.state == State.SUSPENDED:
            _cancel_held(campaign)
        _move(campaign, State.CLOSED)
        campaign.outcome = outcome
        campaign.closed_at = timezone.now()
        campaign.save(update_fields=["state", "outcome", "closed_at"])
    return campaign


def _cancel_held(campaign: Campaign) -> None:
    letters = campaign.deliveries.filter(mail_class=Delivery.MailClass.LETTER)
    held_by_workers = (Delivery.State.SENDING, Delivery.State.UNCERTAIN)
    still_open = letters.filter(state__in=(*Delivery.UNSENT_STATES, *held_by_workers))
    # In the order in which workers settle mails: else the two could wait for one another.
    list(still_open.order_by("pk").select_for_update(no_key=True).values_list("pk"))
    letters.filter(state__in=held_by_workers).update(settled_at=Now())  # see leases.claim
    letters.filter(state__in=Delivery.UNSENT_STATES).update(
        state=Delivery.State.CANCELLED, settled_at=Now(), outcome="campaign closed"
    )


def require_complete(campaign: Campaign) -> None:
    """Raise ``CampaignIncomplete`` where a visitor would miss something needed for writing."""
    missing = _missing(campaign)
    if missing:
        raise CampaignIncomplete(campaign.slug, missing)


def _missing(campaign: Campaign) -> list[str]:
    missing = []
    default = campaign.default_language
    if not CampaignText.objects.filter(campaign=campaign, language=default).exists():
        missing.append(f"There is no text in the default language ({default}.md).")
    written_in = set(
        TargetVersion.objects.filter(
            target__campaign=campaign, target__retired_at__isnull=True, current=True
        ).values_list("language", flat=True)
    )
    if not written_in:
        missing.append("There is no target to write to.")
    letters = set(
        ModelLetter.objects.filter(campaign=campaign, current=True, role="").values_list(
            "language", flat=True
        )
    )
    if campaign.addressing == Campaign.Addressing.ALL:
        written_in = {campaign.default_language} if written_in else set()
    missing += [
        f"A target is written to in {language}, but there is no letters/{language}.md."
        for language in sorted(written_in - letters)
    ]
    return missing


def _refuse_past(campaign: Campaign, today: datetime.date) -> None:
    if campaign.closes_on is not None and campaign.closes_on < today:
        raise MoveRefused(
            f"The campaign {campaign.slug} cannot open: its last day was {campaign.closes_on}."
        )


def _move(campaign: Campaign, state: State) -> None:
    """Set the state on the row in hand, which the caller has locked and saves."""
    now = State(campaign.state)
    if state == now:
        raise MoveRefused(f"The campaign {campaign.slug} is {now} already.")
    if state not in MOVES[now]:
        raise MoveRefused(f"The campaign {campaign.slug} is {now} and cannot become {state}.")
    campaign.state = state
