"""The form below a letter with which a visitor answers it as its target would."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

MOST_CHARACTERS = 2500
"""Percent-encoded in any of the demo's scripts, that many fit into ``posting.MOST_BYTES``."""

ANCHOR = "answer"
REPLY, DIRECT, BOUNCE = "reply", "direct", "bounce"

NOTES = {
    REPLY: (
        "The answer is on its way. If the writer wished it, its text is in their mailbox in a few "
        "seconds; their status page says that an answer came."
    ),
    DIRECT: (
        "The answer is in the writer’s mailbox. The letter gave their own address for replies, so "
        "the campaign does not learn of it."
    ),
    BOUNCE: (
        "The letter has gone back. The writer’s status page says so in a few seconds; the public "
        "number of letters stays as it was."
    ),
}


@dataclass(frozen=True)
class Draft:
    """What stands in the form: words that were not sent and why, or what was sent before."""

    text: str = ""
    problem: str = ""
    sent: str = ""


def form(entry_id: str, target: str, draft: Draft) -> str:
    """The form as HTML, with ``ANCHOR`` for its id."""
    problem, described = "", ""
    if draft.problem:
        problem = f'<p class="problem" id="problem" role="alert">{escape(draft.problem)}</p>'
        described = ' aria-describedby="problem"'
    return (
        f'<form class="answer" id="{ANCHOR}" method="post" '
        f'action="/messages/{entry_id}/answer#{ANCHOR}">'
        f'<h2><label for="text">Answer as <bdi>{escape(target)}</bdi></label></h2>'
        f"{problem}{_note(draft.sent)}"
        f'<textarea id="text" name="text" rows="6" maxlength="{MOST_CHARACTERS}" dir="auto" '
        f"required{described}>\n{escape(draft.text)}</textarea>"
        f'<div class="actions"><button name="how" value="{REPLY}">Send the answer</button>'
        f'<button class="small" name="how" value="{BOUNCE}" formnovalidate>'
        "Send it back as undeliverable</button></div></form>"
    )


def _note(sent: str) -> str:
    sentence = NOTES.get(sent)
    return f'<p class="note" role="status">{escape(sentence)}</p>' if sentence else ""
