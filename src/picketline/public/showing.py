"""What the campaign's pages show, read from the rows in a constant number of queries.

Everything is told in the page's language where the campaign has it, else in the campaign's own;
the text that was chosen says which it is, so that templates can mark it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar

from django.db.models import Prefetch, QuerySet

from picketline.models import (
    Campaign,
    CampaignCount,
    CampaignText,
    Demand,
    DemandStatus,
    DemandStatusText,
    DemandText,
    Fact,
    FactText,
    PersonAtRisk,
    PersonText,
    PublicName,
    Source,
)
from picketline.models.counts import CountKind
from picketline.public.answers import AnswerShown, OwnMailbox, answers, own_mailbox
from picketline.public.targets import TargetShown, target_trees

NAMES_SHOWN = 100


class _InLanguage(Protocol):
    language: str


Text = TypeVar("Text", bound=_InLanguage)


@dataclass(frozen=True)
class FactShown:
    """A fact with its sources."""

    on: date
    precision: str
    text: FactText
    sources: Sequence[Source]


@dataclass(frozen=True)
class PersonShown:
    """A person at risk, and how they were on the day ``on``."""

    on: date
    precision: str
    text: PersonText
    sources: Sequence[Source]


@dataclass(frozen=True)
class StepShown:
    """One step in a demand's history."""

    on: date
    precision: str
    status: str
    text: DemandStatusText | None
    sources: Sequence[Source]


@dataclass(frozen=True)
class DemandShown:
    """A demand and its history, oldest first."""

    text: DemandText
    history: Sequence[StepShown]

    @property
    def status(self) -> str:
        """The status that holds now; empty where no history is told."""
        return self.history[-1].status if self.history else ""

    @property
    def badge(self) -> str:
        """The status as the one word that style sheets know."""
        return self.status.partition(" ")[0]

    @property
    def has_moved(self) -> bool:
        """Whether it has been met, wholly or in part."""
        return self.status in (DemandStatus.Status.MET, DemandStatus.Status.PARTLY_MET)


@dataclass(frozen=True)
class CampaignPage:
    """All of a campaign's page."""

    campaign: Campaign
    text: CampaignText
    untranslated: bool
    accepts_letters: bool
    counts: dict[str, int]
    facts: Sequence[FactShown]
    people: Sequence[PersonShown]
    demands: Sequence[DemandShown]
    targets: Sequence[TargetShown]
    names: Sequence[PublicName]
    sources: Sequence[Source]
    answers: Sequence[AnswerShown]
    own_mailbox: OwnMailbox | None

    @property
    def writers(self) -> int:
        """How many have written, here or from their own mailbox."""
        return self.counts["supporters"] + self.counts["copies"]

    @property
    def demands_moved(self) -> int:
        """How many demands have been met, wholly or in part."""
        return sum(demand.has_moved for demand in self.demands)


def campaign_page(campaign: Campaign, language: str, today: date) -> CampaignPage:
    """The campaign's page in this language. Raises ``CampaignText.DoesNotExist`` without a text."""
    languages = (language, campaign.default_language)
    text = campaign_text(campaign, language)
    open_to_letters = campaign.accepts_letters(today)
    return CampaignPage(
        campaign=campaign,
        text=text,
        untranslated=text.language != language,
        accepts_letters=open_to_letters,
        counts=counts([campaign])[campaign.pk],
        facts=_facts(campaign, languages),
        people=_people(campaign, languages),
        demands=_demands(campaign, languages),
        targets=target_trees(campaign, language),
        names=list(PublicName.objects.filter(campaign=campaign)[:NAMES_SHOWN]),
        sources=list(campaign.sources.all()),
        answers=answers(campaign, language),
        own_mailbox=own_mailbox(campaign, language) if open_to_letters else None,
    )


def campaign_text(campaign: Campaign, language: str) -> CampaignText:
    """The campaign's words in this language, else its own; ``CampaignText.DoesNotExist``."""
    text = pick(campaign.texts.all(), (language, campaign.default_language))
    if text is None:
        raise CampaignText.DoesNotExist(campaign.slug)
    return text


def counts(campaigns: Iterable[Campaign]) -> dict[int, dict[str, int]]:
    """The public numbers of each campaign by kind, those not summed yet as 0."""
    found: dict[int, dict[str, int]] = {
        campaign.pk: dict.fromkeys(CountKind.values, 0) for campaign in campaigns
    }
    for count in CampaignCount.objects.filter(campaign__in=found):
        found[count.campaign_id][count.kind] = count.total
    return found


def pick(texts: Iterable[Text], languages: Sequence[str]) -> Text | None:
    """The text in the first of these languages that there is one in."""
    by_language = {text.language: text for text in texts}
    return next((by_language[code] for code in languages if code in by_language), None)


def _facts(campaign: Campaign, languages: Sequence[str]) -> list[FactShown]:
    rows = _with_texts(Fact.objects.filter(campaign=campaign), FactText, languages)
    return [
        FactShown(row.on, row.precision, text, list(row.sources.all()))
        for row in rows
        if (text := pick(row.texts.all(), languages))
    ]


def _people(campaign: Campaign, languages: Sequence[str]) -> list[PersonShown]:
    rows = _with_texts(PersonAtRisk.objects.filter(campaign=campaign), PersonText, languages)
    return [
        PersonShown(row.status_on, row.precision, text, list(row.sources.all()))
        for row in rows
        if (text := pick(row.texts.all(), languages))
    ]


def _demands(campaign: Campaign, languages: Sequence[str]) -> list[DemandShown]:
    history = _with_texts(DemandStatus.objects.all(), DemandStatusText, languages)
    texts = DemandText.objects.filter(language__in=languages)
    rows = Demand.objects.filter(campaign=campaign).prefetch_related(
        Prefetch("texts", texts), Prefetch("history", history)
    )
    return [
        DemandShown(text, [_step(step, languages) for step in row.history.all()])
        for row in rows
        if (text := pick(row.texts.all(), languages))
    ]


def _step(step: DemandStatus, languages: Sequence[str]) -> StepShown:
    text = pick(step.texts.all(), languages)
    return StepShown(step.on, step.precision, step.status, text, list(step.sources.all()))


Rows = TypeVar("Rows", Fact, PersonAtRisk, DemandStatus)


def _with_texts(
    rows: QuerySet[Rows],
    texts: type[FactText | PersonText | DemandStatusText],
    languages: Sequence[str],
) -> QuerySet[Rows]:
    """The rows with their sources and with their texts in these languages: two queries more."""
    wanted = texts._default_manager.filter(language__in=languages)
    return rows.prefetch_related(Prefetch("texts", wanted), "sources")
