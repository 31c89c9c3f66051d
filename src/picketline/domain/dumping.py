"""A campaign's rows told as the content of a folder: the inverse of ``loading``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from picketline.domain.campaigns import find
from picketline.domain.folders import (
    CampaignWords,
    DemandEntry,
    DemandStep,
    DemandWords,
    FactEntry,
    FolderContent,
    LetterDraft,
    OrganisationEntry,
    Pace,
    PersonEntry,
    PersonWords,
    SourceEntry,
    TargetEntry,
    TargetWords,
    When,
)
from picketline.models import (
    Campaign,
    CampaignText,
    Demand,
    DemandStatus,
    Fact,
    PersonAtRisk,
    Source,
    Target,
    TargetVersion,
)
from picketline.models.facts import Precision


@dataclass(frozen=True)
class _Rows:
    """A campaign's rows with everything that hangs on them, fetched at once."""

    facts: list[Fact]
    people: list[PersonAtRisk]
    demands: list[Demand]
    targets: list[Target]


def content_of(slug: str) -> FolderContent:
    """What the folder of this campaign holds now: no retired targets, no superseded versions.

    The number of queries does not grow with the campaign. Raises ``CampaignUnknown``.
    """
    campaign = find(slug)
    organisation = campaign.organisation
    rows = _rows(campaign)
    texts = sorted(campaign.texts.all(), key=lambda text: text.language)
    copies = campaign.copy_addresses.filter(active=True).values_list("address", flat=True)
    return FolderContent(
        slug=campaign.slug,
        organisation=OrganisationEntry(
            slug=organisation.slug, name=organisation.name, website=organisation.website
        ),
        default_language=campaign.default_language,
        opens_on=campaign.opens_on,
        closes_on=campaign.closes_on,
        copies=campaign.copies,
        addressing=campaign.addressing,
        copy_addresses=tuple(copies),
        sources=tuple(_source(row) for row in campaign.sources.all()),
        facts=tuple(_fact(row) for row in rows.facts),
        people=tuple(_person(row) for row in rows.people),
        demands=tuple(_demand(row) for row in rows.demands),
        targets=_targets(rows.targets),
        words=tuple(_words(text, rows) for text in texts),
        letters=_letters(campaign),
    )


def _rows(campaign: Campaign) -> _Rows:
    return _Rows(
        facts=list(campaign.facts.prefetch_related("texts", "sources")),
        people=list(campaign.people.prefetch_related("texts", "sources")),
        demands=list(
            campaign.demands.prefetch_related("texts", "history__texts", "history__sources")
        ),
        targets=list(campaign.targets.filter(retired_at=None).prefetch_related("texts")),
    )


def _when(row: Fact | DemandStatus) -> When:
    return When(row.on, Precision(row.precision))


def _keys(sources: Iterable[Source]) -> tuple[str, ...]:
    return tuple(source.key for source in sources)


def _source(row: Source) -> SourceEntry:
    return SourceEntry(
        key=row.key,
        title=row.title,
        publisher=row.publisher,
        url=row.url,
        published_on=row.published_on,
    )


def _fact(row: Fact) -> FactEntry:
    return FactEntry(
        key=row.key, on=_when(row), sources=_keys(row.sources.all()), review_by=row.review_by
    )


def _person(row: PersonAtRisk) -> PersonEntry:
    return PersonEntry(
        key=row.key,
        status_on=When(row.status_on, Precision(row.precision)),
        sources=_keys(row.sources.all()),
    )


def _demand(row: Demand) -> DemandEntry:
    return DemandEntry(
        key=row.key,
        history=tuple(
            DemandStep(on=_when(step), status=step.status, sources=_keys(step.sources.all()))
            for step in row.history.all()
        ),
    )


def _targets(targets: list[Target]) -> tuple[TargetEntry, ...]:
    versions = {
        version.target_id: version
        for version in TargetVersion.objects.filter(target__in=targets, current=True)
    }
    keys = {target.pk: target.key for target in targets}
    return tuple(
        TargetEntry(
            key=target.key,
            role=version.role,
            language=version.language,
            address=version.address,
            owned_by=keys[version.owned_by_id] if version.owned_by_id else "",
            pace=_pace(target),
        )
        for target in targets
        for version in [versions[target.pk]]
    )


def _pace(target: Target) -> Pace:
    return Pace(
        per_minute=target.per_minute,
        per_day=target.per_day,
        office_from=target.office_from,
        office_until=target.office_until,
        time_zone=target.time_zone,
    )


def _letters(campaign: Campaign) -> tuple[LetterDraft, ...]:
    current = campaign.model_letters.filter(current=True)
    return tuple(
        LetterDraft(language=row.language, role=row.role, subject=row.subject, body=row.body)
        for row in sorted(current, key=lambda row: (row.language, row.role))
    )


def _words(text: CampaignText, rows: _Rows) -> CampaignWords:
    language = text.language
    return CampaignWords(
        language=language,
        title=text.title,
        summary=text.summary,
        writing_prompt=text.writing_prompt,
        guidance=tuple(text.guidance),
        do_not_mention=tuple(text.do_not_mention),
        story=text.story,
        facts={
            fact.key: words.text
            for fact in rows.facts
            for words in fact.texts.all()
            if words.language == language
        },
        people={
            person.key: PersonWords(name=words.name, who=words.who, status=words.status)
            for person in rows.people
            for words in person.texts.all()
            if words.language == language
        },
        demands={
            demand.key: DemandWords(text=words.text, history=_notes(demand, language))
            for demand in rows.demands
            for words in demand.texts.all()
            if words.language == language
        },
        targets={
            target.key: TargetWords(name=words.name, about=words.about, salutation=words.salutation)
            for target in rows.targets
            for words in target.texts.all()
            if words.language == language
        },
    )


def _notes(demand: Demand, language: str) -> dict[str, str]:
    return {
        str(_when(step)): words.note
        for step in demand.history.all()
        for words in step.texts.all()
        if words.language == language
    }
