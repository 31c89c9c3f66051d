"""Folders: everything wrong is named with file and line; what is right comes back as it was."""

from __future__ import annotations

import dataclasses
from datetime import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import builders

from picketline.domain.folders import Pace
from picketline.forms.folder import FolderRefused, canonical_files, read_folder, write_folder

CAMPAIGNS = Path(__file__).parents[2] / "campaigns"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "harbour"
    write_folder(builders.content(), path)
    return path


def _bytes(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_what_is_written_is_read_back_as_it_was(folder: Path) -> None:
    assert read_folder(folder) == builders.content()


def test_pace_and_addressing_are_written_and_read_back_too(tmp_path: Path) -> None:
    pace = Pace(
        per_minute=0.5,
        per_day=400,
        office_from=time(9),
        office_until=time(17, 30),
        time_zone="Asia/Almaty",
    )
    owner, company = builders.content().targets
    content = builders.content(
        addressing="all", targets=(dataclasses.replace(owner, pace=pace), company)
    )
    write_folder(content, tmp_path / "paced")
    assert read_folder(tmp_path / "paced") == content
    outline = (tmp_path / "paced" / "campaign.yaml").read_text(encoding="utf-8")
    assert "      per_minute: 0.5\n      per_day: 400\n" in outline


@pytest.mark.parametrize("name", ["zhanaozen-2011", "marsa-al-hudhud-sample"])
def test_the_campaigns_of_this_project_are_canonical(name: str) -> None:
    written = canonical_files(read_folder(CAMPAIGNS / name))
    assert {str(path): text.encode() for path, text in written.items()} == _bytes(CAMPAIGNS / name)


def test_a_campaign_may_be_begun_with_almost_nothing(tmp_path: Path) -> None:
    page = builders.words("en", facts={}, people={}, demands={}, targets={}, do_not_mention=())
    begun = builders.content(
        copies="none",
        copy_addresses=(),
        sources=(),
        facts=(),
        people=(),
        demands=(),
        targets=(),
        words=(page,),
        letters=(),
    )
    write_folder(begun, tmp_path)
    assert read_folder(tmp_path) == begun


def test_writing_again_touches_no_file(folder: Path) -> None:
    before = {path: path.stat().st_ino for path in folder.rglob("*")}
    write_folder(builders.content(), folder)
    assert {path: path.stat().st_ino for path in folder.rglob("*")} == before


def test_a_change_of_one_value_changes_one_line(folder: Path) -> None:
    before = _bytes(folder)
    words = builders.words("ru", facts={"dismissal": "Otherwise: quite."})
    write_folder(builders.content(words=(builders.words("en"), words)), folder)
    after = _bytes(folder)
    assert [name for name in after if after[name] != before[name]] == ["ru.md"]
    lines = zip(before["ru.md"].splitlines(), after["ru.md"].splitlines(), strict=True)
    assert [new for old, new in lines if old != new] == [b'  dismissal: "Otherwise: quite."']


def test_only_pages_and_letters_that_left_are_removed(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    (folder / "letters" / "notes.txt").write_text("mine")
    content = dataclasses.replace(
        builders.content(), words=(builders.words("en"),), letters=(builders.letter("en"),)
    )
    write_folder(content, folder)
    assert sorted(_bytes(folder)) == [
        "campaign.yaml",
        "en.md",
        "letters/en.md",
        "letters/notes.txt",
        "notes.txt",
    ]


def test_nothing_is_written_through_a_link_that_leads_out(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("mine")
    (folder / "ru.md").unlink()
    (folder / "ru.md").symlink_to(outside)
    write_folder(builders.content(), folder)
    assert outside.read_text() == "mine"
    assert read_folder(folder) == builders.content()
    (tmp_path / "letters").mkdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / "letters").symlink_to(tmp_path / "letters")
    with pytest.raises(FolderRefused, match="leads out of the folder"):
        write_folder(builders.content(), other)
    assert list((tmp_path / "letters").iterdir()) == []


_LINE = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me", "Mc"]),
    min_size=1,
    max_size=40,
).map(lambda text: f"a {text} z")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(title=_LINE, fact=_LINE, story=st.lists(_LINE, min_size=1).map("\n".join))
def test_reading_and_writing_settle_after_one_round(
    tmp_path: Path, title: str, fact: str, story: str
) -> None:
    page = builders.words("en", title=title, facts={"dismissal": fact}, story=story)
    write_folder(builders.content(words=(page, builders.words("ru"))), tmp_path)
    once = read_folder(tmp_path)
    before = canonical_files(once)
    write_folder(once, tmp_path)
    assert read_folder(tmp_path) == once
    assert {str(path): text.encode() for path, text in before.items()} == _bytes(tmp_path)


def test_windows_line_ends_and_byte_order_marks_are_forgiven(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        data = path.read_bytes().replace(b"\n", b"\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + data)
    assert read_folder(folder) == builders.content()


def test_hidden_files_are_left_alone(folder: Path) -> None:
    (folder / ".en.md.swp").write_bytes(b"\xff")
    assert read_folder(folder) == builders.content()


def test_keys_in_another_order_are_accepted(folder: Path) -> None:
    page = folder / "en.md"
    text = page.read_text()
    title = next(line for line in text.splitlines(keepends=True) if line.startswith("title"))
    page.write_text(text.replace(title, "").replace("---\n\n", f"{title}---\n\n", 1))
    assert read_folder(folder) == builders.content()
