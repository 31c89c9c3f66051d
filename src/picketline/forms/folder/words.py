"""``ru.md`` and its like: the campaign in one language, and its model letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from picketline.domain.folders import (
    CampaignWords,
    DemandWords,
    FolderContent,
    LetterDraft,
    PersonWords,
    TargetWords,
)
from picketline.forms.folder.faults import Faults
from picketline.forms.folder.fields import Fields
from picketline.forms.folder.files import LetterName
from picketline.forms.folder.outline import limit
from picketline.forms.folder.yaml_in import parse
from picketline.models import CampaignText, ModelLetter, PersonText, TargetText
from picketline.text import placeholders
from picketline.text.plain import Refused, clean_text

MAX_GUIDANCE = 500
MAX_STORY = 50_000
MAX_LETTER = 10_000

_FENCE = "---"


@dataclass(frozen=True)
class _Page:
    """A file's two halves; ``body`` begins at line ``body_line``."""

    fields: Fields
    body: str
    body_line: int


def read_words(
    text: str,
    language: str,
    outline: FolderContent | None,
    faults: Faults,
    *,
    has_letter: bool,
) -> CampaignWords | None:
    """The page in one language; None where the file has no such form.

    Its keys must be those of ``outline``, where there is one. With ``has_letter``, every target
    needs a salutation.
    """
    page = _split(text, faults)
    if page is None:
        return None
    fields = page.fields
    title = fields.text("title", limit(CampaignText, "title"))
    summary = fields.text("summary", limit(CampaignText, "summary"))
    writing_prompt = fields.text("writing_prompt")
    guidance = fields.texts("guidance", MAX_GUIDANCE)
    do_not_mention = fields.texts("do_not_mention", MAX_GUIDANCE, optional=True)
    story = _body(page, MAX_STORY, faults)
    if outline is None:
        return None
    words = CampaignWords(
        language=language,
        title=title,
        summary=summary,
        writing_prompt=writing_prompt,
        guidance=guidance,
        do_not_mention=do_not_mention,
        story=story,
        facts=_facts(fields, outline),
        people=_people(fields, outline),
        demands=_demands(fields, outline),
        targets=_targets(fields, outline, has_letter=has_letter),
    )
    fields.done()
    return words


def read_letter(text: str, name: LetterName, faults: Faults) -> LetterDraft | None:
    """A model letter; None where the file has no such form."""
    page = _split(text, faults)
    if page is None:
        return None
    subject = page.fields.text("subject", limit(ModelLetter, "subject"))
    page.fields.done()
    for problem in placeholders.check(page.body):
        faults.add(page.body_line + problem.line - 1, f"{problem.message}.")
    body = _body(page, MAX_LETTER, faults)
    return LetterDraft(language=name.language, role=name.role, subject=subject, body=body)


def _split(text: str, faults: Faults) -> _Page | None:
    lines = text.split("\n")
    if lines[0] != _FENCE or _FENCE not in lines[1:]:
        faults.add(1, "The file must begin with fields between two lines “---”.")
        return None
    end = lines.index(_FENCE, 1)
    mapping = parse("\n".join(lines[1:end]) + "\n", 2, faults)
    if mapping is None:
        return None
    start = next((n for n in range(end + 1, len(lines)) if lines[n].strip()), len(lines) - 1)
    body = "\n".join(lines[start:])
    return _Page(Fields(mapping, faults, line=1), body, start + 1)


def _body(page: _Page, longest: int, faults: Faults) -> str:
    try:
        body = clean_text(page.body, max_graphemes=longest)
    except Refused as refusal:
        faults.add(_line_refused(page, refusal, longest), f"This cannot be used: {refusal}.")
        return ""
    if not body:
        faults.add(page.body_line, "There is no text below the fields.")
    return body


def _line_refused(page: _Page, refusal: Refused, longest: int) -> int:
    for number, line in enumerate(page.body.split("\n"), page.body_line):
        try:
            clean_text(line, max_graphemes=longest)
        except Refused as found:
            if found.reason is refusal.reason:
                return number
    return page.body_line


def _facts(fields: Fields, outline: FolderContent) -> dict[str, str]:
    keys = [fact.key for fact in outline.facts]
    facts = fields.agreeing("facts", keys)
    return {key: facts.text(key) for key in keys} if facts else {}


def _groups(fields: Fields, name: str, keys: list[str]) -> Iterator[tuple[str, Fields]]:
    """The mappings below ``name``, one for each of ``keys``; each is done with when left."""
    outer = fields.agreeing(name, keys)
    for key in keys if outer else ():
        group = outer.group(key) if outer else None
        if group is not None:
            yield key, group
            group.done()


def _people(fields: Fields, outline: FolderContent) -> dict[str, PersonWords]:
    keys = [person.key for person in outline.people]
    return {
        key: PersonWords(
            name=person.text("name", limit(PersonText, "name")),
            who=person.text("who"),
            status=person.text("status"),
        )
        for key, person in _groups(fields, "people", keys)
    }


def _demands(fields: Fields, outline: FolderContent) -> dict[str, DemandWords]:
    dates = {demand.key: [str(step.on) for step in demand.history] for demand in outline.demands}
    return {
        key: DemandWords(text=demand.text("text"), history=_notes(demand, dates[key]))
        for key, demand in _groups(fields, "demands", list(dates))
    }


def _notes(demand: Fields, dates: list[str]) -> dict[str, str]:
    notes = demand.agreeing("history", dates)
    return {date: notes.text(date) for date in dates} if notes else {}


def _targets(fields: Fields, outline: FolderContent, *, has_letter: bool) -> dict[str, TargetWords]:
    keys = [target.key for target in outline.targets]
    return {
        key: TargetWords(
            name=target.text("name", limit(TargetText, "name")),
            about=target.text("about", optional=True),
            salutation=target.text(
                "salutation", limit(TargetText, "salutation"), optional=not has_letter
            ),
        )
        for key, target in _groups(fields, "targets", keys)
    }
