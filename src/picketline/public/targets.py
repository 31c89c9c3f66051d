"""A campaign's targets for pages: their names in the reader's language, in their owner chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from picketline.models import Campaign, TargetText, TargetVersion


@dataclass(frozen=True)
class TargetShown:
    """A target, who owns it (empty for none that is shown), and those it owns."""

    text: TargetText
    role: str
    owner: str
    owned: Sequence[TargetShown]


def target_trees(campaign: Campaign, language: str) -> list[TargetShown]:
    """The targets nobody else among them owns, each with those below it, in the targets' order."""
    versions = {version.target_id: version for version in _current_versions(campaign)}
    texts = _texts(versions, language, campaign.default_language)
    below: dict[int | None, list[int]] = {}
    for key, version in versions.items():
        owner = version.owned_by_id if version.owned_by_id in texts else None
        below.setdefault(owner, []).append(key)

    def shown(key: int, owner: str) -> TargetShown:
        text = texts[key]
        owned = [shown(each, text.name) for each in below.get(key, []) if each in texts]
        return TargetShown(text, versions[key].role, owner, owned)

    return [shown(key, "") for key in below.get(None, []) if key in texts]


def target_names(campaign: Campaign, language: str) -> dict[int, TargetText]:
    """The names by target id in this language, else in the campaign's own, else in any.

    Retired targets too: letters to them have a fate.
    """
    targets = campaign.targets.values_list("pk", flat=True)
    return _texts(targets, language, campaign.default_language)


def _current_versions(campaign: Campaign) -> list[TargetVersion]:
    rows = TargetVersion.objects.filter(
        target__campaign=campaign, target__retired_at__isnull=True, current=True
    )
    return list(rows.order_by("target__position"))


def _texts(targets: object, language: str, default_language: str) -> dict[int, TargetText]:
    """The best text for each target: in this language, in the default one, or in any."""
    best = {language: 0, default_language: 1}
    found: dict[int, TargetText] = {}
    for text in TargetText.objects.filter(target__in=targets).order_by("language"):
        known = found.get(text.target_id)
        if known is None or best.get(text.language, 2) < best.get(known.language, 2):
            found[text.target_id] = text
    return found
