"""What tests begin with: a small campaign, made through the same doors as a real one."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from picketline.domain.campaigns import open_campaign
from picketline.domain.folders import (
    CampaignWords,
    DemandEntry,
    DemandStep,
    DemandWords,
    FactEntry,
    FolderContent,
    LetterDraft,
    OrganisationEntry,
    PersonEntry,
    PersonWords,
    SourceEntry,
    TargetEntry,
    TargetWords,
    When,
)
from picketline.domain.loading import load
from picketline.models import Campaign

BODY = "{salutation}\n\nI write about the harbour.\n\n{own_words}\n\n{demands}\n\n{signature}"
_SOURCES = (
    SourceEntry(
        key="gazette",
        title="Crane driver dismissed",
        publisher="The Gazette",
        url="https://gazette.example/1",
    ),
    SourceEntry(
        key="report",
        title="Shifts at the harbour",
        publisher="A watchdog",
        url="https://watchdog.example/2",
        published_on=datetime.date(2025, 6, 1),
    ),
)
_DEMANDS = (
    DemandEntry(
        key="reinstatement",
        history=(
            DemandStep(on=When.parse("2025-05-01"), status="open"),
            DemandStep(on=When.parse("2025-06"), status="partly met", sources=("report",)),
        ),
    ),
)
_TARGETS = (
    TargetEntry(key="owner", role="owner", language="en", address="office@owner.example"),
    TargetEntry(
        key="company",
        role="company",
        owned_by="owner",
        language="ru",
        address="office@company.example",
    ),
)


def campaign(**changes: Any) -> Campaign:
    """An open campaign: ``content(**changes)``, loaded and opened. Needs the database."""
    wanted = content(**changes)
    load(wanted)
    return open_campaign(wanted.slug)


def content(**changes: Any) -> FolderContent:
    """A small, complete campaign in English and Russian with two targets.

    ``changes`` replace fields of ``FolderContent``. The *owner* is written to in English, the
    *company*, which it owns, in Russian.
    """
    whole = FolderContent(
        slug="harbour",
        organisation=OrganisationEntry(slug="dockers", name="Dockers’ Union (sample)"),
        default_language="en",
        copies="each",
        copy_addresses=("organisers@dockers.example",),
        sources=_SOURCES,
        facts=(FactEntry(key="dismissal", on=When.parse("2025-04-10"), sources=("gazette",)),),
        people=(
            PersonEntry(
                key="crane-driver", status_on=When.parse("2025-04"), sources=("gazette", "report")
            ),
        ),
        demands=_DEMANDS,
        targets=_TARGETS,
        words=(words("en"), words("ru")),
        letters=(letter("en"), letter("en", role="owner"), letter("ru")),
    )
    return dataclasses.replace(whole, **changes)


def words(language: str, **changes: Any) -> CampaignWords:
    """The page of ``content()`` in one language; the language's tag stands in every text."""
    page = CampaignWords(
        language=language,
        title=f"Bring her back ({language})",
        summary=f"A crane driver was dismissed ({language}).",
        writing_prompt=f"Why do you write? ({language})",
        guidance=(f"Be polite. ({language})", f"Ask for an answer. ({language})"),
        do_not_mention=(f"Her family. ({language})",),
        story=f"## What happened\n\nShe asked for shorter shifts. ({language})",
        facts={"dismissal": f"She is dismissed. ({language})"},
        people={
            "crane-driver": PersonWords(
                name="Crane Driver",
                who=f"Invented. ({language})",
                status=f"Dismissed. ({language})",
            )
        },
        demands={
            "reinstatement": DemandWords(
                text=f"Her reinstatement ({language})",
                history={
                    "2025-05-01": f"Asked for. ({language})",
                    "2025-06": f"Offered another job. ({language})",
                },
            )
        },
        targets={
            "owner": TargetWords(
                name=f"The owner ({language})",
                about=f"Owns the company. ({language})",
                salutation=f"Dear Owners, ({language})",
            ),
            "company": TargetWords(
                name=f"The company ({language})", salutation=f"Dear Directors, ({language})"
            ),
        },
    )
    return dataclasses.replace(page, **changes)


def letter(language: str, role: str = "", body: str = BODY) -> LetterDraft:
    """A model letter of ``content()``."""
    about = f"{language} {role}".strip()
    return LetterDraft(language=language, role=role, subject=f"The harbour ({about})", body=body)
