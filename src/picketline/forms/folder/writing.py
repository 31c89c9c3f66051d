"""A campaign written as a folder, in its one canonical form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from picketline.domain.folders import (
    CampaignWords,
    DemandEntry,
    FactEntry,
    FolderContent,
    Pace,
    PersonEntry,
    SourceEntry,
    TargetEntry,
    TargetWords,
)
from picketline.forms.folder.faults import Fault, FolderRefused
from picketline.forms.folder.files import (
    CAMPAIGN_FILE,
    LETTERS,
    LetterName,
    language_of,
    letter_of,
)
from picketline.forms.folder.yaml_out import Date, Keys, Number, Value, emit

Entries = dict[str, Value]


def write_folder(content: FolderContent, path: Path) -> None:
    """Make the folder hold exactly this campaign; it is made where it is not there.

    Each file is replaced whole, and only where it differs. Pages and letters that the campaign no
    longer has are removed; whatever else is in the folder stays. Raises ``FolderRefused`` where
    ``letters`` leads out of the folder, and ``OSError``.
    """
    letters = path / LETTERS
    letters.mkdir(parents=True, exist_ok=True)
    if not letters.resolve().is_relative_to(path.resolve()):
        raise FolderRefused([Fault(str(letters), 0, "This link leads out of the folder.")])
    files = canonical_files(content)
    for name, text in files.items():
        _replace(path / name, text.encode())
    kept = {path / name for name in files}
    owned = [each for each in path.iterdir() if language_of(each.name)]
    owned += [each for each in letters.iterdir() if letter_of(each.name)]
    for each in owned:
        if each not in kept:
            each.unlink()


def canonical_files(content: FolderContent) -> dict[PurePosixPath, str]:
    """The text of every file, by its path in the folder."""
    files = {PurePosixPath(CAMPAIGN_FILE): emit(_outline(content))}
    for words in content.words:
        files[PurePosixPath(f"{words.language}.md")] = _page(_words(words, content), words.story)
    for letter in content.letters:
        fields: Entries = {"subject": letter.subject}
        files[LetterName(letter.language, letter.role).path] = _page(fields, letter.body)
    return files


def _replace(path: Path, data: bytes) -> None:
    if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
        return
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _page(fields: Mapping[str, Value], body: str) -> str:
    return f"---\n{emit(fields)}---\n\n{body}\n"


def _filled(**fields: Value | None) -> Entries:
    """The fields that say something: neither None nor empty."""
    return {name: value for name, value in fields.items() if value}


def _date(value: object) -> Date | None:
    return Date(str(value)) if value else None


def _outline(content: FolderContent) -> Entries:
    organisation = content.organisation
    return {
        "slug": content.slug,
        "organisation": _filled(
            slug=organisation.slug, name=organisation.name, website=organisation.website
        ),
        "default_language": content.default_language,
        **_filled(opens_on=_date(content.opens_on), closes_on=_date(content.closes_on)),
        "copies": content.copies,
        **_filled(addressing=content.addressing if content.addressing != "each" else None),
        "copy_addresses": content.copy_addresses,
        **_filled(
            sources={entry.key: _source(entry) for entry in content.sources},
            facts={entry.key: _fact(entry) for entry in content.facts},
            people={entry.key: _person(entry) for entry in content.people},
            demands={entry.key: _demand(entry) for entry in content.demands},
            targets={entry.key: _target(entry) for entry in content.targets},
        ),
    }


def _source(entry: SourceEntry) -> Entries:
    return {
        "title": entry.title,
        "publisher": entry.publisher,
        "url": entry.url,
        **_filled(published_on=_date(entry.published_on)),
    }


def _fact(entry: FactEntry) -> Entries:
    return {
        "on": Date(str(entry.on)),
        "sources": Keys(entry.sources),
        **_filled(review_by=_date(entry.review_by)),
    }


def _person(entry: PersonEntry) -> Entries:
    return {"status_on": Date(str(entry.status_on)), "sources": Keys(entry.sources)}


def _demand(entry: DemandEntry) -> Entries:
    return {
        "history": [
            {
                "on": Date(str(step.on)),
                "status": step.status,
                **_filled(sources=Keys(step.sources) if step.sources else None),
            }
            for step in entry.history
        ]
    }


def _target(entry: TargetEntry) -> Entries:
    return {
        "role": entry.role,
        **_filled(owned_by=entry.owned_by),
        "language": entry.language,
        "address": entry.address,
        **_filled(pace=_pace(entry.pace)),
    }


def _pace(pace: Pace) -> Entries:
    hours = f"{pace.office_from:%H:%M}-{pace.office_until:%H:%M}" if pace.office_from else None
    return _filled(
        per_minute=Number(f"{pace.per_minute:g}") if pace.per_minute else None,
        per_day=Number(str(pace.per_day)) if pace.per_day else None,
        office_hours=hours,
        time_zone=pace.time_zone,
    )


def _words(words: CampaignWords, content: FolderContent) -> Entries:
    """The fields of a page; their order is that of the campaign's entries."""
    return {
        "title": words.title,
        "summary": words.summary,
        "writing_prompt": words.writing_prompt,
        "guidance": words.guidance,
        **_filled(
            do_not_mention=words.do_not_mention,
            facts={entry.key: words.facts[entry.key] for entry in content.facts},
            people={entry.key: _person_words(words, entry.key) for entry in content.people},
            demands={entry.key: _demand_words(words, entry) for entry in content.demands},
            targets={
                entry.key: _target_words(words.targets[entry.key]) for entry in content.targets
            },
        ),
    }


def _person_words(words: CampaignWords, key: str) -> Entries:
    person = words.people[key]
    return {"name": person.name, "who": person.who, "status": person.status}


def _demand_words(words: CampaignWords, entry: DemandEntry) -> Entries:
    demand = words.demands[entry.key]
    notes = {str(step.on): demand.history[str(step.on)] for step in entry.history}
    return {"text": demand.text, "history": notes}


def _target_words(target: TargetWords) -> Entries:
    return _filled(name=target.name, about=target.about, salutation=target.salutation)
