"""The documents say what the code does: settings, commands, links, periods, and the example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from picketline import __main__ as command_line
from picketline import environment
from picketline.domain import budgets, retention
from picketline.forms.folder import read_folder
from picketline.mail import outcomes

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "picketline"
DOCS = ROOT / "docs"
MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
OPERATE = (DOCS / "operate.md").read_text(encoding="utf-8")
PRIVACY = (DOCS / "privacy.md").read_text(encoding="utf-8")
# Taken by hand from the running demo: the documents hold without it.
PICTURE = DOCS / "campaign.png"

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_VARIABLE = re.compile(r"\b(?:PICKETLINE_[A-Z_]+|DATABASE_URL(?:_FILE)?)\b")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of every table."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _prose(path: Path) -> str:
    return _FENCED.sub("", path.read_text(encoding="utf-8"))


def _anchors(path: Path) -> set[str]:
    """The names that GitHub gives to headings: small letters, hyphens for spaces, no signs."""
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        for heading in _HEADING.findall(_prose(path))
    }


def test_every_setting_has_a_row_of_its_own_and_no_row_is_about_another() -> None:
    names = [cells[0].strip("`") for cells in _rows(OPERATE) if _VARIABLE.search(cells[0])]
    assert sorted(names) == sorted(environment.variable_names())


def test_every_row_of_a_setting_says_its_meaning_default_example_and_what_is_refused() -> None:
    rows = [cells for cells in _rows(OPERATE) if _VARIABLE.search(cells[0])]
    assert [cells[0] for cells in rows if len(cells) != 5 or not all(cells)] == []


@pytest.mark.parametrize("name", list(environment.Environment.model_fields))
def test_the_default_in_the_table_is_the_one_in_force(name: str) -> None:
    default = environment.Environment.model_fields[name].default
    variable = "DATABASE_URL" if name == "database_url" else f"PICKETLINE_{name.upper()}"
    (told,) = [cells[2] for cells in _rows(OPERATE) if cells[0] == f"`{variable}`"]
    if name == "process":
        assert told == "by the command"
    elif default is None:
        assert told
    else:
        assert told == f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize("path", MARKDOWN, ids=_name)
def test_no_document_names_a_setting_that_does_not_exist(path: Path) -> None:
    files = {f"{name}_FILE" for name in environment.SECRETS}
    known = {*environment.variable_names(), *files}
    assert set(_VARIABLE.findall(path.read_text(encoding="utf-8"))) - known == set()


def test_every_command_is_documented() -> None:
    commands = {path.stem for path in (PACKAGE / "management" / "commands").glob("[a-z]*.py")}
    commands |= {"demo", "serve", "database"}
    told = {
        match[1]
        for cells in _rows(OPERATE)
        if (match := re.match(r"`picketline ([a-z]+)", cells[0]))
    }
    assert told == commands


def test_every_command_runs_as_the_process_that_the_table_names() -> None:
    told = dict(re.findall(r"^\| `picketline ([a-z]+)[^`]*` \(([a-z]+)\)", OPERATE, re.MULTILINE))
    assert told == {name: command_line.PROCESS_OF.get(name, "desk") for name in told}


@pytest.mark.parametrize("path", MARKDOWN, ids=_name)
def test_every_link_within_the_documents_leads_somewhere(path: Path) -> None:
    broken = []
    for link in _LINK.findall(_prose(path)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if target == PICTURE:
            continue
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("name", [name for name in vars(retention) if name.endswith("_FOR")])
def test_the_privacy_document_promises_the_periods_that_are_enforced(name: str) -> None:
    (told,) = [cells[1] for cells in _rows(PRIVACY) if cells[-1] == f"`{name}`"]
    assert timedelta(days=int(told.split()[0])) == getattr(retention, name)
    assert told.split()[1] == "days"


def test_the_privacy_document_tells_the_budget_of_confirmations() -> None:
    minutes = int(budgets.PAUSE.total_seconds() // 60)
    assert f"1 in {minutes} minutes, {budgets.PER_DAY} a day" in PRIVACY
    assert "| that an address got a confirmation | 1 day |" in PRIVACY
    assert timedelta(days=1) == budgets.DAY


def test_the_delivery_document_tells_the_delays_that_are_waited() -> None:
    told = (DOCS / "delivery.md").read_text(encoding="utf-8")
    minutes = [
        int(outcomes.retry_delay(attempt, 0).total_seconds() // 60) for attempt in range(1, 8)
    ]
    assert minutes == [5, 15, 30, 60, 120, 240, 240]
    assert "After 5, 15, 30 and 60 minutes, 2 hours, then every 4 hours, each ±20 %" in told
    assert f"older than {outcomes.GIVE_UP_AFTER.days} days" in told


def test_the_example_of_a_campaign_folder_can_be_read(tmp_path: Path) -> None:
    told = (DOCS / "campaign-folders.md").read_text(encoding="utf-8")
    files = re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```", told, re.MULTILINE | re.DOTALL)
    for name, text in files:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    content = read_folder(tmp_path)
    assert [target.key for target in content.targets] == ["port", "holding"]
    assert [letter.language for letter in content.letters] == ["en"]


def test_the_readme_begins_with_one_sentence_one_picture_and_two_commands() -> None:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:12]
    assert any(re.match(r"!\[.{20,}\]\(docs/campaign\.png\)", line) for line in first_screen)
    commands = [line.split("#")[0].strip() for line in first_screen if line.startswith("./run")]
    assert commands == ["./run demo", "./run test"]
