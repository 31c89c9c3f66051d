"""What the tests of campaign folders share: a good folder, its edits, and what is said of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from picketline.forms.folder import FolderRefused, read_folder


def faults_of(folder: Path) -> list[str]:
    """What is wrong with a folder, with the folder's own path left out."""
    with pytest.raises(FolderRefused) as refusal:
        read_folder(folder)
    prefix = f"{folder}{os.sep}"
    return [str(fault).removeprefix(prefix) for fault in refusal.value.faults]


def edit(path: Path, old: str, new: str) -> None:
    """Change one place of a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
