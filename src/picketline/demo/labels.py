"""Whose mailbox is whose in the demo: names for the addresses that campaign folders mention."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def of_campaigns(folder: Path | None) -> dict[str, str]:
    """The names of targets and organisers by address, from a folder of campaign folders."""
    found: dict[str, str] = {}
    for campaign in sorted(folder.glob("*/campaign.yaml")) if folder else []:
        found |= _of_campaign(campaign)
    return found


def _of_campaign(path: Path) -> dict[str, str]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    words = _words(path.parent / f"{content['default_language']}.md")
    labels = {
        target["address"].lower(): words.get("targets", {}).get(key, {}).get("name", key)
        for key, target in content.get("targets", {}).items()
    }
    for address in content.get("copy_addresses", []):
        labels[address.lower()] = content["organisation"]["name"]
    return labels


def _words(path: Path) -> dict[str, Any]:
    _, front_matter, _ = path.read_text(encoding="utf-8").split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(front_matter)
    return found
