"""Folders whose files are not what they should be: links, encodings, sizes, names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.forms.folders import edit, faults_of

from picketline.forms.folder import read_folder


@pytest.mark.parametrize("text", ["", "Hello", "---\ntitle: x\n", "--- \ntitle: x\n---\n"])
def test_a_page_without_its_fence_is_refused(folder: Path, text: str) -> None:
    (folder / "ru.md").write_text(text)
    assert faults_of(folder) == [
        "ru.md:1: The file must begin with fields between two lines “---”."
    ]


def test_pages_are_checked_even_where_the_outline_cannot_be_read(folder: Path) -> None:
    (folder / "campaign.yaml").unlink()
    edit(folder / "ru.md", "title: Bring her back (ru)", "title: 12")
    assert faults_of(folder) == [
        "campaign.yaml: This is not a file.",
        "ru.md:2: title must be text; YAML takes this for a number: put it in quotes.",
    ]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("README.md", "A campaign has no such file"),
        ("en_GB.md", "A campaign has no such file"),
        ("pictures", "A campaign has no such file"),
        ("letters/readme.txt", "A letter is called en.md"),
        ("letters/en.boss.md", "A letter is called en.md"),
        ("letters/en..md", "A letter is called en.md"),
    ],
)
def test_an_unexpected_file_is_named(folder: Path, name: str, sentence: str) -> None:
    (folder / name).write_text("x")
    (fault,) = faults_of(folder)
    assert fault.startswith(f"{name}: {sentence}")


def test_a_letter_needs_the_page_of_its_language(folder: Path) -> None:
    (folder / "ru.md").rename(folder.parent / "ru.md")
    assert faults_of(folder) == [
        "letters/ru.md: There is no ru.md, so no target has a salutation for this letter."
    ]


def test_a_page_without_letters_needs_no_salutations(folder: Path) -> None:
    (folder / "letters" / "ru.md").unlink()
    edit(folder / "ru.md", "    salutation: Dear Owners, (ru)\n", "")
    assert read_folder(folder).words[1].targets["owner"].salutation == ""


def test_a_file_that_is_not_utf_8_is_named_with_its_line(folder: Path) -> None:
    path = folder / "ru.md"
    path.write_bytes(path.read_bytes() + "Привет".encode("koi8-r"))
    assert faults_of(folder) == [f"ru.md:{_bytes_lines(path)}: This line is not UTF-8 text."]


def _bytes_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") + 1


def test_a_file_larger_than_a_megabyte_is_refused(folder: Path) -> None:
    (folder / "ru.md").write_text("x" * 1_000_001)
    assert faults_of(folder) == ["ru.md: The file is larger than 1 MB."]


def test_links_that_leave_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "ru.md").rename(tmp_path / "ru.md")
    (folder / "ru.md").symlink_to(tmp_path / "ru.md")
    (folder / "letters").rename(tmp_path / "letters")
    (folder / "letters").symlink_to(tmp_path / "letters")
    assert faults_of(folder) == [
        "letters: This link leads out of the folder.",
        "ru.md: This link leads out of the folder.",
    ]


def test_links_within_the_folder_are_followed(folder: Path) -> None:
    (folder / "letters" / "en.company.md").symlink_to(folder / "letters" / "en.md")
    roles = [letter.role for letter in read_folder(folder).letters]
    assert roles == ["", "company", "owner", ""]


def test_what_is_no_regular_file_is_not_opened(folder: Path) -> None:
    (folder / "ru.md").unlink()
    os.mkfifo(folder / "ru.md")
    (folder / "en.md").unlink()
    (folder / "en.md").symlink_to("en.md")
    faults = faults_of(folder)
    assert "ru.md: This is not a file." in faults
    assert any(fault.startswith("en.md: ") for fault in faults)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (first, *_rest) = faults_of(tmp_path / "nowhere")
    assert first.endswith("nowhere: The folder cannot be read: No such file or directory.")


def test_a_folder_with_too_many_files_is_not_read(folder: Path) -> None:
    for number in range(501):
        (folder / "letters" / f"{number}.md").touch()
    assert "letters: There are more than 500 files here." in faults_of(folder)
