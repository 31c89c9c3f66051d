"""``campaign.yaml``: what is the same in every language."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise

from django.db.models import Model

from picketline.domain.folders import (
    DemandEntry,
    DemandStep,
    FactEntry,
    FolderContent,
    OrganisationEntry,
    Pace,
    PersonEntry,
    SourceEntry,
    TargetEntry,
)
from picketline.forms.folder import scalars
from picketline.forms.folder.faults import Faults
from picketline.forms.folder.fields import Fields
from picketline.forms.folder.yaml_in import parse
from picketline.models import Campaign, DemandStatus, Organisation, Source
from picketline.models.targets import Role


def limit(model: type[Model], name: str) -> int:
    """How long the database lets a text be."""
    return int(getattr(model._meta.get_field(name), "max_length"))  # noqa: B009


def read_outline(text: str, faults: Faults) -> FolderContent | None:
    """The campaign without its words and letters; None where this is no mapping at all."""
    mapping = parse(text, 1, faults)
    if mapping is None:
        return None
    fields = Fields(mapping, faults)
    slug = fields.word("slug", scalars.campaign_slug)
    organisation = _organisation(fields)
    sources = tuple(_sources(fields))
    known = [source.key for source in sources]
    outline = FolderContent(
        slug=slug,
        organisation=organisation,
        default_language=fields.word("default_language", scalars.language),
        opens_on=fields.day("opens_on"),
        closes_on=fields.day("closes_on"),
        copies=fields.word("copies", scalars.one_of(Campaign.Copies.values)),
        addressing=_addressing(fields),
        copy_addresses=fields.values("copy_addresses", scalars.address),
        sources=sources,
        facts=tuple(_facts(fields, known)),
        people=tuple(_people(fields, known)),
        demands=tuple(_demands(fields, known)),
        targets=tuple(_targets(fields)),
    )
    fields.done()
    _check_sense(outline, fields)
    return outline


def _check_sense(outline: FolderContent, fields: Fields) -> None:
    """What is wrong although each field alone is right."""
    opens, closes = outline.opens_on, outline.closes_on
    if opens and closes and closes < opens:
        fields.wrong("closes_on", "is before opens_on.")
    wants_copies = outline.copies in (Campaign.Copies.EACH, Campaign.Copies.DAILY)
    if wants_copies and not outline.copy_addresses:
        fields.wrong("copies", f"is “{outline.copies}”, but there are no copy_addresses.")


def _organisation(fields: Fields) -> OrganisationEntry:
    group = fields.group("organisation")
    if group is None:
        return OrganisationEntry(slug="", name="")
    entry = OrganisationEntry(
        slug=group.word("slug", scalars.slug),
        name=group.text("name", limit(Organisation, "name")),
        website=_url(group, "website", limit(Organisation, "website"), optional=True),
    )
    group.done()
    return entry


def _url(fields: Fields, name: str, longest: int, *, optional: bool = False) -> str:
    return fields.value(name, lambda scalar: scalars.url(scalar, longest), optional=optional) or ""


def _sources(fields: Fields) -> Iterator[SourceEntry]:
    for key, source in fields.members("sources"):
        yield SourceEntry(
            key=key,
            title=source.text("title", limit(Source, "title")),
            publisher=source.text("publisher", limit(Source, "publisher")),
            url=_url(source, "url", limit(Source, "url")),
            published_on=source.day("published_on"),
        )
        source.done()


def _facts(fields: Fields, sources: Collection[str]) -> Iterator[FactEntry]:
    for key, fact in fields.members("facts"):
        yield FactEntry(
            key=key,
            on=fact.when("on"),
            sources=fact.keys("sources", sources),
            review_by=fact.day("review_by"),
        )
        fact.done()


def _people(fields: Fields, sources: Collection[str]) -> Iterator[PersonEntry]:
    for key, person in fields.members("people"):
        yield PersonEntry(
            key=key,
            status_on=person.when("status_on"),
            sources=person.keys("sources", sources),
        )
        person.done()


def _demands(fields: Fields, sources: Collection[str]) -> Iterator[DemandEntry]:
    for key, demand in fields.members("demands"):
        history = tuple(_steps(demand, sources))
        days = [step.on.on for step in history]
        if any(late <= early for early, late in pairwise(days)):
            demand.wrong("history", "must go forward in time, from one date to a later one.")
        yield DemandEntry(key=key, history=history)
        demand.done()


def _steps(demand: Fields, sources: Collection[str]) -> Iterator[DemandStep]:
    for step in demand.records("history"):
        yield DemandStep(
            on=step.when("on"),
            status=step.word("status", scalars.one_of(DemandStatus.Status.values)),
            sources=step.keys("sources", sources, optional=True),
        )
        step.done()


def _targets(fields: Fields) -> Iterator[TargetEntry]:
    members = list(fields.members("targets"))
    keys = [key for key, _target in members]
    owners: dict[str, str] = {}
    for key, target in members:
        owners[key] = target.value("owned_by", scalars.one_of(keys), optional=True) or ""
        yield TargetEntry(
            key=key,
            role=target.word("role", scalars.one_of(Role.values)),
            owned_by=owners[key],
            language=target.word("language", scalars.language),
            address=target.word("address", scalars.address),
            pace=_pace(target),
        )
        target.done()
    for key, target in members:
        if _owns_itself(key, owners):
            target.wrong("owned_by", "leads back to the target itself.")


def _pace(target: Fields) -> Pace:
    group = target.group("pace", optional=True)
    if group is None:
        return Pace()
    hours = group.value("office_hours", scalars.office_hours, optional=True) or (None, None)
    zone = group.value("time_zone", scalars.time_zone, optional=True) or ""
    pace = Pace(
        per_minute=group.value("per_minute", scalars.rate, optional=True),
        per_day=group.value("per_day", scalars.number, optional=True),
        office_from=hours[0],
        office_until=hours[1],
        time_zone=zone,
    )
    if hours[0] and not zone:
        group.wrong("office_hours", "needs a time_zone beside it, like Asia/Almaty.")
    group.done()
    return pace


def _addressing(fields: Fields) -> str:
    read = scalars.one_of(Campaign.Addressing.values)
    return fields.value("addressing", read, optional=True) or Campaign.Addressing.EACH


def _owns_itself(key: str, owners: dict[str, str]) -> bool:
    owner = owners[key]
    for _step in owners:
        if owner in ("", key):
            break
        owner = owners[owner]
    return owner == key
