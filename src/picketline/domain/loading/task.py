"""What every step of a load works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model

from picketline.domain.folders import CampaignWords, FolderContent
from picketline.domain.loading.reports import Ledger
from picketline.domain.loading.rows import reconcile
from picketline.models import Campaign, Source

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Task:
    """One load: the campaign's row, what it shall say, and where changes are noted."""

    campaign: Campaign
    content: FolderContent
    ledger: Ledger

    def in_each_language(self, found: Mapping[str, M]) -> Iterator[tuple[CampaignWords, str, M]]:
        """Every row by its key, once for each language of the folder."""
        for words in self.content.words:
            for key, row in found.items():
                yield words, key, row


def link_sources(
    task: Task,
    through: type[Model],
    owner: str,
    wanted: Mapping[int, Iterable[str]],
    sources: Mapping[str, Source],
) -> list[int]:
    """Make each owner's sources those ``wanted`` by key; returns the owners that changed.

    ``through`` is the linking model, ``owner`` the name of its column for the owner, and
    ``wanted`` has an entry for every owner of the campaign, by id.
    """
    column = f"{owner}_id"
    pairs = [(pk, sources[key].pk) for pk, keys in wanted.items() for key in keys]
    outcome = reconcile(
        through._default_manager.filter(source__campaign=task.campaign),
        lambda row: (int(getattr(row, column)), int(getattr(row, "source_id"))),  # noqa: B009
        {pair: through(**{column: pair[0], "source_id": pair[1]}) for pair in pairs},
    )
    return [pk for pk, _source in outcome.touched]
