"""A whole folder read: its files found, each read, and held against one another."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from picketline.domain.folders import CampaignWords, FolderContent, LetterDraft
from picketline.forms.folder.faults import Fault, Faults, FolderRefused
from picketline.forms.folder.files import (
    CAMPAIGN_FILE,
    LETTERS,
    LetterName,
    language_of,
    letter_of,
    read_text,
)
from picketline.forms.folder.outline import read_outline
from picketline.forms.folder.words import read_letter, read_words

MAX_FILES = 500


@dataclass(frozen=True)
class _Folder:
    """The files of a folder, by what they are; and every fault found so far."""

    path: Path
    pages: dict[str, Path] = field(default_factory=dict)
    letters: dict[LetterName, Path] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def faults_of(self, path: Path) -> Faults:
        """Where the faults of one file go."""
        return Faults(path, self.faults)

    def text(self, path: Path) -> str | None:
        """A file's text; None, and a fault noted, where there is none to read."""
        return read_text(self.path, path, self.faults_of(path))


def read_folder(path: Path) -> FolderContent:
    """The campaign that a folder holds.

    Raises ``FolderRefused`` with every fault of every file. Files whose names begin with a dot are
    left alone; any other that is no part of a campaign is a fault.
    """
    folder = _Folder(path)
    _find_files(folder)
    outline = _outline(folder)
    words = tuple(_words(folder, outline))
    letters = tuple(_letters(folder))
    _check_languages(folder)
    if folder.faults or outline is None:
        raise FolderRefused(folder.faults)
    return dataclasses.replace(outline, words=words, letters=letters)


def _find_files(folder: _Folder) -> None:
    for path in _listed(folder, folder.path):
        language = language_of(path.name)
        if language:
            folder.pages[language] = path
        elif path.name == LETTERS:
            _find_letters(folder, path)
        elif path.name != CAMPAIGN_FILE:
            folder.faults_of(path).add(
                0, f"A campaign has no such file: only {CAMPAIGN_FILE}, {LETTERS}/ and en.md or so."
            )


def _find_letters(folder: _Folder, path: Path) -> None:
    if not path.resolve().is_relative_to(folder.path.resolve()):
        folder.faults_of(path).add(0, "This link leads out of the folder.")
        return
    for letter in _listed(folder, path):
        name = letter_of(letter.name)
        if name is None:
            folder.faults_of(letter).add(
                0, "A letter is called en.md, or en.owner.md for targets of one role."
            )
        else:
            folder.letters[name] = letter


def _listed(folder: _Folder, path: Path) -> list[Path]:
    """What is in a folder, in order, but for hidden files."""
    try:
        found = sorted(each for each in path.iterdir() if not each.name.startswith("."))
    except OSError as error:
        folder.faults_of(path).add(0, f"The folder cannot be read: {error.strerror}.")
        return []
    if len(found) > MAX_FILES:
        folder.faults_of(path).add(0, f"There are more than {MAX_FILES} files here.")
        return []
    return found


def _outline(folder: _Folder) -> FolderContent | None:
    path = folder.path / CAMPAIGN_FILE
    text = folder.text(path)
    return None if text is None else read_outline(text, folder.faults_of(path))


def _words(folder: _Folder, outline: FolderContent | None) -> Iterator[CampaignWords]:
    with_letter = {name.language for name in folder.letters}
    for language, path in sorted(folder.pages.items()):
        text = folder.text(path)
        if text is None:
            continue
        words = read_words(
            text, language, outline, folder.faults_of(path), has_letter=language in with_letter
        )
        if words is not None:
            yield words


def _letters(folder: _Folder) -> Iterator[LetterDraft]:
    for name, path in sorted(folder.letters.items()):
        text = folder.text(path)
        draft = None if text is None else read_letter(text, name, folder.faults_of(path))
        if draft is not None:
            yield draft


def _check_languages(folder: _Folder) -> None:
    for name, path in folder.letters.items():
        if name.language not in folder.pages:
            folder.faults_of(path).add(
                0, f"There is no {name.language}.md, so no target has a salutation for this letter."
            )
