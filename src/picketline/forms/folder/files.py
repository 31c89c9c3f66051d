"""The files of a campaign folder: which there are, and their text, read with distrust."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from babel import Locale, UnknownLocaleError

from picketline.forms.folder.faults import Faults
from picketline.models.targets import Role

MAX_BYTES = 1_000_000

CAMPAIGN_FILE = "campaign.yaml"
LETTERS = "letters"

# Controls, and what breaks lines or turns the direction of reading unseen. PyYAML and editors
# disagree about such characters, so no line number would be right behind one.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_LETTER_ROLES = {role.value.replace(" ", "-"): role.value for role in Role}


@dataclass(frozen=True, order=True)
class LetterName:
    """What a letter's file name says; ``role`` is empty for the general letter."""

    language: str
    role: str = ""

    @property
    def path(self) -> PurePosixPath:
        """Where the letter is in the folder."""
        suffix = f".{self.role.replace(' ', '-')}" if self.role else ""
        return PurePosixPath(LETTERS, f"{self.language}{suffix}.md")


def is_language(tag: str) -> bool:
    """Whether this is the usual spelling of a language in Unicode's data: ``kk``, ``pt-BR``."""
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", tag) or len(tag) > 12:
        return False
    try:
        return str(Locale.parse(tag, sep="-")).replace("_", "-") == tag
    except (UnknownLocaleError, ValueError):
        return False


def language_of(name: str) -> str:
    """The language of a page's file name, ``ru.md``; empty where it is no such name."""
    stem = name.removesuffix(".md")
    return stem if stem != name and is_language(stem) else ""


def letter_of(name: str) -> LetterName | None:
    """What a letter's file name says, ``ru.owner.md``; None where it is no such name."""
    stem = name.removesuffix(".md")
    language, dot, role = stem.partition(".")
    if stem == name or not is_language(language) or (dot and role not in _LETTER_ROLES):
        return None
    return LetterName(language, _LETTER_ROLES[role] if dot else "")


def read_text(folder: Path, path: Path, faults: Faults) -> str | None:
    """The text of a file, in NFC and with Unix line ends; None where it is no text at all.

    Notes characters that cannot be seen for what they are, and reads on.
    """
    raw = _read_bytes(folder, path, faults)
    if raw is None:
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(raw.count(b"\n", 0, error.start) + 1, "This line is not UTF-8 text.")
        return None
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        for character in sorted(set(_FORBIDDEN.findall(line))):
            name = unicodedata.name(character, "a control character")
            faults.add(number, f"U+{ord(character):04X} ({name}) is not allowed in these files.")
    return text


def _read_bytes(folder: Path, path: Path, faults: Faults) -> bytes | None:
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            faults.add(0, "This link leads out of the folder.")
        elif not path.is_file():
            faults.add(0, "This is not a file.")
        else:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
            if len(raw) <= MAX_BYTES:
                return raw
            faults.add(0, "The file is larger than 1 MB.")
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        faults.add(0, f"The file cannot be read: {getattr(error, 'strerror', None) or error}.")
    return None
