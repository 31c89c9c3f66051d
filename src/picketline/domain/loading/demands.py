"""Loading demands and their histories."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from picketline.domain.folders import DemandStep
from picketline.domain.loading.rows import reconcile
from picketline.domain.loading.task import Task, link_sources
from picketline.models import (
    Demand,
    DemandStatus,
    DemandStatusText,
    DemandText,
    Source,
)


def load_demands(task: Task, sources: Mapping[str, Source]) -> None:
    """Demands, their texts, and every step of their histories."""
    demands = reconcile(
        Demand.objects.filter(campaign=task.campaign),
        lambda row: row.key,
        {
            entry.key: Demand(campaign=task.campaign, key=entry.key, position=position)
            for position, entry in enumerate(task.content.demands, 1)
        },
        ["position"],
    )
    task.ledger.take("demand", demands)
    texts = reconcile(
        DemandText.objects.filter(demand__campaign=task.campaign),
        lambda row: (row.demand_id, row.language),
        {
            (demand.pk, words.language): DemandText(
                demand=demand, language=words.language, text=words.demands[key].text
            )
            for words, key, demand in task.in_each_language(demands.rows)
        },
        ["text"],
    )
    keys = {row.pk: key for key, row in demands.rows.items()}
    task.ledger.take_parts("demand", keys, [pk for pk, _language in texts.touched])
    _load_history(task, demands.rows, sources)


def _load_history(task: Task, demands: Mapping[str, Demand], sources: Mapping[str, Source]) -> None:
    steps = {
        (demands[entry.key].pk, step.on.on): step
        for entry in task.content.demands
        for step in entry.history
    }
    statuses = reconcile(
        DemandStatus.objects.filter(demand__campaign=task.campaign),
        lambda row: (row.demand_id, row.on),
        {
            (demand, on): DemandStatus(
                demand_id=demand, on=on, precision=step.on.precision, status=step.status
            )
            for (demand, on), step in steps.items()
        },
        ["precision", "status"],
    )
    linked = link_sources(
        task,
        DemandStatus.sources.through,
        "demandstatus",
        {statuses.rows[place].pk: step.sources for place, step in steps.items()},
        sources,
    )
    noted = _load_notes(task, list(statuses.rows.values()), steps)
    keys = {row.pk: key for key, row in demands.items()}
    owners = {row.pk: row.demand_id for row in statuses.rows.values()}
    touched = [owners[pk] for pk in (*linked, *noted)]
    task.ledger.take_parts(
        "demand", keys, [*(demand for demand, _on in statuses.touched), *touched]
    )


def _load_notes(
    task: Task, statuses: list[DemandStatus], steps: Mapping[tuple[int, datetime.date], DemandStep]
) -> list[int]:
    """The notes on each step in each language; returns the ids of the steps that changed."""
    keys = dict(Demand.objects.filter(campaign=task.campaign).values_list("pk", "key"))
    outcome = reconcile(
        DemandStatusText.objects.filter(status__demand__campaign=task.campaign),
        lambda row: (row.status_id, row.language),
        {
            (row.pk, words.language): DemandStatusText(
                status=row,
                language=words.language,
                note=words.demands[keys[row.demand_id]].history[
                    str(steps[row.demand_id, row.on].on)
                ],
            )
            for words in task.content.words
            for row in statuses
        },
        ["note"],
    )
    return [pk for pk, _language in outcome.touched]
