"""Drafts: what a campaign's letters are made of, read in one statement.

Signing is the busiest thing that needs the database: one round trip instead of six is what keeps it
quick (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection

from picketline.models import Campaign

Texts = Mapping[str, str]
"""One text in several languages."""

_READ = """
SELECT
    (SELECT coalesce(json_agg(json_build_array(language, role, id, subject, body)), '[]')
     FROM picketline_modelletter WHERE campaign_id = %(campaign)s AND current),
    (SELECT coalesce(json_agg(json_build_array(
                target.id, target.key, version.role, version.language,
                (SELECT coalesce(json_object_agg(language, salutation), '{}')
                 FROM picketline_targettext WHERE target_id = target.id)
            ) ORDER BY target.position), '[]')
     FROM picketline_target target
     JOIN picketline_targetversion version ON version.target_id = target.id AND version.current
     WHERE target.campaign_id = %(campaign)s AND target.retired_at IS NULL),
    (SELECT coalesce(json_agg(
                (SELECT coalesce(json_object_agg(language, text), '{}')
                 FROM picketline_demandtext WHERE demand_id = demand.id)
            ORDER BY demand.position), '[]')
     FROM picketline_demand demand
     WHERE campaign_id = %(campaign)s AND 'withdrawn' IS DISTINCT FROM
        (SELECT status FROM picketline_demandstatus
         WHERE demand_id = demand.id ORDER BY "on" DESC LIMIT 1))
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """The current version of a model letter."""

    model_letter_id: int
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Addressee:
    """A target that is written to, as it stands now."""

    target_id: int
    key: str
    role: str
    language: str
    salutations: Texts


@dataclass(frozen=True, slots=True)
class Drafts:
    """All of it. ``letters`` by language and role, the role empty for those to every target.

    ``demands`` are those that were not withdrawn; they and ``addressees`` are in their order.
    ``together`` says that all addressees get one and the same letter, which names them all.
    """

    default_language: str
    letters: Mapping[tuple[str, str], Draft]
    addressees: list[Addressee]
    demands: list[Texts]
    together: bool = False

    @property
    def languages(self) -> list[str]:
        """Languages with a letter to every target, the campaign's default first."""
        found = [language for language, role in self.letters if not role]
        return sorted(found, key=lambda language: (language != self.default_language, language))


def read(campaign: Campaign) -> Drafts:
    """The campaign's drafts, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"campaign": campaign.pk})
        letters, addressees, demands = cursor.fetchone()
    return Drafts(
        default_language=campaign.default_language,
        letters={(language, role): Draft(*rest) for language, role, *rest in letters},
        addressees=[Addressee(*each) for each in addressees],
        demands=demands,
        together=campaign.addressing == Campaign.Addressing.ALL,
    )
