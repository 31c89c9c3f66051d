"""The home page and the campaign pages.

They hold no cookie and nothing that differs by visitor, so they may be kept for a second by
whatever stands in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language, gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from picketline.models import Campaign, CampaignText
from picketline.public import answers, showing
from picketline.public.clock import today

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

kept_for_a_second = cache_control(public=True, max_age=1)


@dataclass(frozen=True)
class Badge:
    """How a campaign stands; ``kind`` is the word that style sheets know."""

    kind: str
    label: _StrPromise


_STATE_BADGES: dict[str, Badge] = {
    Campaign.State.SUSPENDED: Badge("waiting", gettext_lazy("Suspended")),
    Campaign.State.OPEN: Badge("waiting", gettext_lazy("Closed")),
    Campaign.State.CLOSED: Badge("waiting", gettext_lazy("Closed")),
}
_OUTCOME_BADGES: dict[str, Badge] = {
    Campaign.Outcome.WON: Badge("won", gettext_lazy("Won")),
    Campaign.Outcome.PARTLY_WON: Badge("partly", gettext_lazy("Won in part")),
    Campaign.Outcome.LOST: Badge("waiting", gettext_lazy("Lost")),
    Campaign.Outcome.NO_FURTHER_ACTION: Badge("waiting", gettext_lazy("Closed")),
}


@dataclass(frozen=True)
class Card:
    """A campaign as the home page lists it."""

    campaign: Campaign
    text: CampaignText
    writers: int
    accepts_letters: bool

    @property
    def badge(self) -> Badge | None:
        """How it stands, where it is not simply open."""
        if self.accepts_letters:
            return None
        badge = _OUTCOME_BADGES.get(self.campaign.outcome)
        return badge or _STATE_BADGES[self.campaign.state]


@require_safe
@kept_for_a_second
def home(request: HttpRequest) -> HttpResponse:
    """All campaigns, the open ones first."""
    cards = _cards(get_language())
    return render(
        request,
        "public/home.html",
        {
            "open_campaigns": [card for card in cards if card.accepts_letters],
            "ended_campaigns": [card for card in cards if not card.accepts_letters],
        },
    )


@require_safe
@kept_for_a_second
def campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """One campaign: what happened, who is at risk, what is asked, and the way to the letter."""
    found = public_campaign(slug)
    try:
        page = showing.campaign_page(found, get_language(), today())
    except CampaignText.DoesNotExist:
        raise Http404 from None
    return render(request, "public/campaign.html", {"page": page})


@require_safe
@kept_for_a_second
def own_mailbox(request: HttpRequest, slug: str) -> HttpResponse:
    """How to write from one's own mail program, and a letter to begin with."""
    found = public_campaign(slug)
    context: dict[str, object] = {
        "campaign": found,
        "text": showing.campaign_text(found, get_language()),
    }
    if not found.accepts_letters(today()):
        return render(request, "public/closed.html", context, status=409)
    context["way"] = answers.own_mailbox(found, get_language())
    return render(request, "public/own_mailbox.html", context)


def public_campaign(slug: str) -> Campaign:
    """The campaign if visitors may see it. Raises ``Http404``."""
    found = get_object_or_404(Campaign, slug=slug)
    if found.state not in Campaign.PUBLIC_STATES:
        raise Http404
    return found


def _cards(language: str) -> Sequence[Card]:
    texts = CampaignText.objects.defer("story")
    campaigns = list(
        Campaign.objects.public()
        .select_related("organisation")
        .prefetch_related(Prefetch("texts", texts))
        .order_by("-opened_at", "slug")
    )
    counts = showing.counts(campaigns)
    return [
        Card(
            campaign=each,
            text=text,
            writers=counts[each.pk]["supporters"] + counts[each.pk]["copies"],
            accepts_letters=each.accepts_letters(today()),
        )
        for each in campaigns
        if (text := showing.pick(each.texts.all(), (language, each.default_language)))
    ]
