"""Loading the people at risk."""

from __future__ import annotations

from collections.abc import Mapping

from picketline.domain.loading.rows import reconcile
from picketline.domain.loading.task import Task, link_sources
from picketline.models import PersonAtRisk, PersonText, Source


def load_people(task: Task, sources: Mapping[str, Source]) -> None:
    """People, their texts and their sources."""
    people = reconcile(
        PersonAtRisk.objects.filter(campaign=task.campaign),
        lambda row: row.key,
        {
            entry.key: PersonAtRisk(
                campaign=task.campaign,
                key=entry.key,
                status_on=entry.status_on.on,
                precision=entry.status_on.precision,
                position=position,
            )
            for position, entry in enumerate(task.content.people, 1)
        },
        ["status_on", "precision", "position"],
    )
    texts = reconcile(
        PersonText.objects.filter(person__campaign=task.campaign),
        lambda row: (row.person_id, row.language),
        {
            (person.pk, words.language): PersonText(
                person=person,
                language=words.language,
                name=words.people[key].name,
                who=words.people[key].who,
                status=words.people[key].status,
            )
            for words, key, person in task.in_each_language(people.rows)
        },
        ["name", "who", "status"],
    )
    wanted = {people.rows[entry.key].pk: entry.sources for entry in task.content.people}
    linked = link_sources(task, PersonAtRisk.sources.through, "personatrisk", wanted, sources)
    task.ledger.take("person", people)
    keys = {row.pk: key for key, row in people.rows.items()}
    task.ledger.take_parts("person", keys, [*(pk for pk, _language in texts.touched), *linked])
