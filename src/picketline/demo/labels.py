"""Whose mailbox is whose in the demo: names for the addresses that campaign folders mention."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Labels:
    """Names by address, in the order of the campaigns; keys are in small letters.

    ``targets`` get letters, and a visitor may answer for them; ``organisers`` get copies.
    """

    targets: dict[str, str] = field(default_factory=dict)
    organisers: dict[str, str] = field(default_factory=dict)


def to_json(labels: Labels) -> str:
    """The labels as ``from_json`` takes them."""
    return json.dumps(asdict(labels))


def from_json(text: str) -> Labels:
    """The labels that ``to_json`` wrote."""
    return Labels(**json.loads(text))


def of_campaigns(folder: Path | None) -> Labels:
    """The names of targets and organisers, from a folder of campaign folders."""
    found = Labels()
    for campaign in sorted(folder.glob("*/campaign.yaml")) if folder else []:
        _add_campaign(found, campaign)
    return found


def _add_campaign(found: Labels, path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    words = _words(path.parent / f"{content['default_language']}.md")
    for key, target in content.get("targets", {}).items():
        name = words.get("targets", {}).get(key, {}).get("name", key)
        found.targets[target["address"].lower()] = name
    for address in content.get("copy_addresses", []):
        found.organisers[address.lower()] = content["organisation"]["name"]


def _words(path: Path) -> dict[str, Any]:
    _, front_matter, _ = path.read_text(encoding="utf-8").split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(front_matter)
    return found
