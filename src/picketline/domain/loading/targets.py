"""Loading targets: stable keys, versions that are never rewritten, texts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.utils import timezone

from picketline.domain.folders import Pace
from picketline.domain.loading.rows import reconcile, supersede
from picketline.domain.loading.task import Task
from picketline.models import Target, TargetText, TargetVersion

_PACE = [field.name for field in dataclasses.fields(Pace)]


def load_targets(task: Task) -> None:
    """Targets with their versions and texts; one that leaves the folder is retired, not deleted."""
    _retire(task)
    entries = task.content.targets
    targets = reconcile(
        Target.objects.filter(campaign=task.campaign, key__in=[entry.key for entry in entries]),
        lambda row: row.key,
        {
            entry.key: Target(
                campaign=task.campaign, key=entry.key, position=position, **vars(entry.pace)
            )
            for position, entry in enumerate(entries, 1)
        },
        ["position", "retired_at", *_PACE],
    )
    task.ledger.take("target", targets)
    names = {row.pk: key for key, row in targets.rows.items()}
    touched = [*_load_versions(task, targets.rows), *_load_texts(task, targets.rows)]
    task.ledger.take_parts("target", names, touched)


def _retire(task: Task) -> None:
    wanted = [entry.key for entry in task.content.targets]
    leaving = Target.objects.filter(campaign=task.campaign, retired_at=None).exclude(key__in=wanted)
    for target in leaving:
        task.ledger.note(f"target {target.key}", "removed")
    leaving.update(retired_at=timezone.now())


def _load_versions(task: Task, targets: Mapping[str, Target]) -> list[int]:
    """Returns the ids of the targets that have a new version."""
    outcome = supersede(
        TargetVersion.objects.filter(target__in=targets.values()),
        lambda row: row.target_id,
        {
            targets[entry.key].pk: TargetVersion(
                target=targets[entry.key],
                role=entry.role,
                owned_by=targets[entry.owned_by] if entry.owned_by else None,
                language=entry.language,
                address=entry.address,
            )
            for entry in task.content.targets
        },
        ["role", "owned_by_id", "language", "address"],
        "number",
    )
    return list(outcome.touched)


def _load_texts(task: Task, targets: Mapping[str, Target]) -> list[int]:
    """Returns the ids of the targets whose texts changed. Retired targets keep theirs."""
    outcome = reconcile(
        TargetText.objects.filter(target__in=targets.values()),
        lambda row: (row.target_id, row.language),
        {
            (target.pk, words.language): TargetText(
                target=target,
                language=words.language,
                name=words.targets[key].name,
                about=words.targets[key].about,
                salutation=words.targets[key].salutation,
            )
            for words, key, target in task.in_each_language(targets)
        },
        ["name", "about", "salutation"],
    )
    return [pk for pk, _language in outcome.touched]
