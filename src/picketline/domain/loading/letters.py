"""Loading model letters: a version that exists is never rewritten."""

from __future__ import annotations

from picketline.domain.loading.rows import supersede
from picketline.domain.loading.task import Task
from picketline.models import ModelLetter


def load_letters(task: Task) -> None:
    """Model letters by language and role; a changed one becomes the next version."""
    outcome = supersede(
        ModelLetter.objects.filter(campaign=task.campaign),
        _name,
        {
            _name(row): row
            for row in (
                ModelLetter(
                    campaign=task.campaign,
                    language=draft.language,
                    role=draft.role,
                    subject=draft.subject,
                    body=draft.body,
                )
                for draft in task.content.letters
            )
        },
        ["subject", "body"],
        "version",
    )
    task.ledger.take("letter", outcome)


def _name(row: ModelLetter) -> str:
    return f"{row.language} ({row.role})" if row.role else row.language
