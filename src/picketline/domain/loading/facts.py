"""Loading sources and the facts that rest on them."""

from __future__ import annotations

from collections.abc import Mapping

from picketline.domain.loading.rows import reconcile
from picketline.domain.loading.task import Task, link_sources
from picketline.models import Fact, FactText, Source


def load_sources(task: Task) -> dict[str, Source]:
    """The campaign's sources by key."""
    outcome = reconcile(
        Source.objects.filter(campaign=task.campaign),
        lambda row: row.key,
        {
            entry.key: Source(
                campaign=task.campaign,
                key=entry.key,
                title=entry.title,
                publisher=entry.publisher,
                url=entry.url,
                published_on=entry.published_on,
                position=position,
            )
            for position, entry in enumerate(task.content.sources, 1)
        },
        ["title", "publisher", "url", "published_on", "position"],
    )
    task.ledger.take("source", outcome)
    return outcome.rows


def load_facts(task: Task, sources: Mapping[str, Source]) -> None:
    """Facts, their texts and their sources."""
    facts = reconcile(
        Fact.objects.filter(campaign=task.campaign),
        lambda row: row.key,
        {
            entry.key: Fact(
                campaign=task.campaign,
                key=entry.key,
                on=entry.on.on,
                precision=entry.on.precision,
                review_by=entry.review_by,
                position=position,
            )
            for position, entry in enumerate(task.content.facts, 1)
        },
        ["on", "precision", "review_by", "position"],
    )
    texts = reconcile(
        FactText.objects.filter(fact__campaign=task.campaign),
        lambda row: (row.fact_id, row.language),
        {
            (fact.pk, words.language): FactText(
                fact=fact, language=words.language, text=words.facts[key]
            )
            for words, key, fact in task.in_each_language(facts.rows)
        },
        ["text"],
    )
    wanted = {facts.rows[entry.key].pk: entry.sources for entry in task.content.facts}
    linked = link_sources(task, Fact.sources.through, "fact", wanted, sources)
    task.ledger.take("fact", facts)
    keys = {row.pk: key for key, row in facts.rows.items()}
    task.ledger.take_parts("fact", keys, [*(pk for pk, _language in texts.touched), *linked])
