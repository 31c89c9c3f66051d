"""``picketline campaign`` says what it did, or in a sentence why it cannot."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from tests import builders
from tests.conftest import ActingAs

from picketline.forms.folder import write_folder
from picketline.models import Campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "harbour"
    write_folder(builders.content(), path)
    return path


def _run(*arguments: object) -> list[str]:
    out = io.StringIO()
    call_command("campaign", *map(str, arguments), stdout=out)
    return out.getvalue().splitlines()


def _bytes(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_campaign_is_loaded_opened_suspended_and_closed(folder: Path) -> None:
    assert _run("load", folder)[0] == "harbour is loaded; 0 things are as they were."
    assert _run("open", "harbour") == ["harbour is open."]
    assert _run("suspend", "harbour") == ["harbour is suspended."]
    assert _run("close", "harbour", "--outcome", "partly won") == [
        "harbour is closed (partly won)."
    ]
    assert _run("list") == ["harbour is closed (partly won)."]


def test_a_load_may_open_a_campaign_that_never_was_open(folder: Path) -> None:
    assert _run("load", folder, "--open")[-1] == "harbour is open."
    assert _run("load", folder, "--open")[-1] == "harbour is open."
    _run("suspend", "harbour")
    assert _run("load", folder, "--open")[-1] == "harbour is suspended."


def test_the_desk_has_the_rights_to_load_open_and_dump(folder: Path, acting_as: ActingAs) -> None:
    with acting_as("desk"):
        _run("load", folder, "--open")
        page = folder / "ru.md"
        page.write_text(page.read_text().replace("Bring her back (ru)", "Верните её"))
        (folder / "letters" / "en.owner.md").unlink()
        _run("load", folder)
        before = _bytes(folder)
        _run("dump", "harbour", folder)
        assert _bytes(folder) == before


def test_a_load_says_what_changed(folder: Path) -> None:
    _run("load", folder)
    page = folder / "ru.md"
    page.write_text(page.read_text().replace("Bring her back (ru)", "Верните её"))
    (folder / "letters" / "en.owner.md").unlink()
    first, *rest = _run("load", folder)
    assert first.startswith("harbour is loaded; ")
    assert rest == ["changed: text ru", "removed: letter en (owner)"]


@pytest.mark.parametrize("name", ["zhanaozen-2011", "marsa-al-hudhud-sample"])
def test_a_campaign_of_this_project_comes_out_of_the_database_as_it_went_in(
    name: str, tmp_path: Path
) -> None:
    source = Path(__file__).parents[2] / "campaigns" / name
    _run("load", source)
    assert _run("open", name) == [f"{name} is open."]
    _run("dump", name, tmp_path / "out")
    assert _bytes(tmp_path / "out") == _bytes(source)
    (again,) = _run("load", tmp_path / "out")
    assert "things are as they were." in again


def test_a_faulty_folder_is_refused_with_every_fault_and_loads_nothing(folder: Path) -> None:
    readme = folder / "README.md"
    readme.touch()
    page = folder / "ru.md"
    page.write_text(page.read_text().replace("title:", "titel:", 1))
    with pytest.raises(CommandError) as refusal:
        _run("load", folder)
    assert str(refusal.value).splitlines() == [
        f"{readme}: A campaign has no such file: only campaign.yaml, letters/ and en.md or so.",
        f"{page}:1: title is missing.",
        f"{page}:2: titel is not a field that belongs here.",
    ]
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["open", "nowhere"], "There is no campaign nowhere."),
        (["dump", "nowhere", "folder"], "There is no campaign nowhere."),
        (["suspend", "harbour"], "The campaign harbour is draft and cannot become suspended."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    folder: Path, arguments: list[str], sentence: str
) -> None:
    _run("load", folder)
    with pytest.raises(CommandError, match=sentence):
        _run(*arguments)


def test_a_folder_that_cannot_be_written_is_said(folder: Path, tmp_path: Path) -> None:
    _run("load", folder)
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match="file"):
        _run("dump", "harbour", tmp_path / "file")
