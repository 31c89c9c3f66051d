"""Whatever is wrong with a folder is said at once, each fault at its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.forms.folders import edit, faults_of

from picketline.forms.folder import FolderRefused, read_folder


def _check_fault(folder: Path, name: str, at: str, sentence: str) -> None:
    """Some fault of the file says ``sentence`` of the line that contains ``at``."""
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    places = [number for number, line in enumerate(lines, 1) if at in line]
    wanted = [f"{name}:{number}: {sentence}" for number in places]
    faults = faults_of(folder)
    assert any(fault.startswith(tuple(wanted)) for fault in faults), faults


OUTLINE = [
    ("slug: harbour", "slug: Harbour", "Harbour", "slug must be small letters"),
    ("slug: harbour", f"slug: {'h' * 65}", "h" * 65, "slug must have at most 64 characters"),
    ("slug: harbour\n", "", "organisation:", "slug is missing."),
    ("copies: each", "copies: often", "often", "copies is “often”, but there is only: each, daily"),
    ("default_language: en", "default_language: EN", "EN", "default_language is “EN”, which is no"),
    ("default_language: en", "default_language: xx", "xx", "default_language is “xx”, which is no"),
    ("default_language: en", "default_language: no", ": no", "default_language must be text; YAML"),
    (
        "default_language: en",
        "default_language: [en]",
        "[en]",
        "default_language must be one value",
    ),
    (
        "copies: each",
        "colour: red\ncopies: each",
        "red",
        "colour is not a field that belongs here.",
    ),
    ("copies: each", "opens_on: 2011\ncopies: each", "2011", "opens_on must be a day like"),
    ("copies: each", "opens_on: 2011-02-30\ncopies: each", "02-30", "opens_on must be a date"),
    (
        "copies: each",
        "opens_on: 2011-02-02\ncloses_on: 2011-02-01\ncopies: each",
        "closes_on",
        "closes_on is before opens_on.",
    ),
    ("copies: each", "opens_on: 2011-02-02\ncopies: each\ncopies: each", "copies", "copies: this"),
    ("name: Dockers’ Union (sample)", "name:", "name:", "organisation.name is empty."),
    ("name: Dockers’ Union (sample)", "name: 12", "12", "organisation.name must be text; YAML"),
    ("name: Dockers’ Union (sample)", f"name: {'x' * 201}", "xxx", "organisation.name cannot be"),
    ("name: Dockers’ Union (sample)", 'name: "a\\nb"', "a\\nb", "organisation.name cannot be"),
    ("name: Dockers’ Union (sample)", 'name: "\\u202eb"', "u202e", "organisation.name cannot be"),
    (
        "  name: Dockers’",
        "  website: https://\n  name: D",
        "website",
        "organisation.website must be",
    ),
    (
        "  name: Dockers’",
        "  website: http://[\n  name: D",
        "website",
        "organisation.website must be",
    ),
    ("  name: Dockers’", "  website: javascript:x\n  name: D", "website", "organisation.website"),
    ("  slug: dockers", "  colour: red", "red", "organisation.colour is not a field"),
    (
        "organisation:\n  slug: dockers\n  name: Dockers’ Union (sample)",
        "organisation: dockers",
        "dockers",
        "organisation must be a mapping",
    ),
    ("organisers@dockers.example", "organisers@", "organisers@", "copy_addresses cannot be used"),
    ("organisers@dockers.example", "[a@b.example]", "[a@", "copy_addresses must be one value"),
    (
        "organisers@dockers.example",
        "a@b.example\n  - a@b.example",
        "a@b",
        "copy_addresses has “a@b",
    ),
    ("  - organisers@dockers.example", "  x: y", "x: y", "copy_addresses must be a list."),
    ("\n  - organisers@dockers.example", " []", "copies", "copies is “each”, but there are no"),
    ("published_on: 2025-06-01", "published_on: June", "June", "sources.report.published_on must"),
    ("url: https://gazette.example/1", "url: ftp://x.example", "ftp", "sources.gazette.url must"),
    ("url: https://gazette.example/1", "link: x", "link: x", "sources.gazette.link is not a field"),
    ("    on: 2025-04-10", "    on: 10.4.2025", "10.4", "facts.dismissal.on must be a date"),
    ("    on: 2025-04-10", "    on: 2025-13", "2025-13", "facts.dismissal.on must be a date"),
    ("[gazette]", "[gazete]", "gazete]", "facts.dismissal.sources is “gazete”, but there is only"),
    ("[gazette]", "[]", "[]", "facts.dismissal.sources must not be empty."),
    (
        "[gazette]",
        "[gazette, gazette]",
        "gazette, g",
        "facts.dismissal.sources has “gazette” twice",
    ),
    (
        "  dismissal:\n",
        "  dismissal: x\n  another:\n",
        "missal: x",
        "facts.dismissal must be a map",
    ),
    ("  dismissal:", "  Dis Missal:", "Dis Missal", "facts.Dis Missal is no key: it must be small"),
    ("  dismissal:", f"  {'x' * 81}:", "xxx", f"facts.{'x' * 81} is no key"),
    (
        "- on: 2025-06",
        "- on: 2025-05-01",
        "history",
        "demands.reinstatement.history must go forward",
    ),
    ("- on: 2025-06", "- on: 2025-04", "history", "demands.reinstatement.history must go forward"),
    (
        "status: open",
        "status: opened",
        "opened",
        "demands.reinstatement.history.status is “opened”",
    ),
    (
        "      - on: 2025-05-01\n        status: open",
        "      - open",
        "- open",
        "demands.reinstatement.h",
    ),
    (
        "role: owner",
        "role: boss",
        "boss",
        "targets.owner.role is “boss”, but there is only: company",
    ),
    ("role: owner", "role: owner\n    owned_by: owner", "owned_by", "targets.owner.owned_by leads"),
    (
        "role: owner",
        "role: owner\n    owned_by: company",
        "owned_by",
        "targets.owner.owned_by leads",
    ),
    (
        "role: owner",
        "role: owner\n    owned_by: company",
        "_by: owner",
        "targets.company.owned_by l",
    ),
    *(
        (
            "role: owner",
            f"role: owner\n    pace:\n      {pace}",
            pace.partition(":")[0],
            f"targets.owner.pace.{sentence}",
        )
        for pace, sentence in (
            ("per_minute: 0", "per_minute must be a number above 0"),
            ("per_minute: fast", "per_minute must be a number above 0"),
            ("per_day: 1.5", "per_day must be a whole number"),
            ("office_hours: 9-17", "office_hours must be hours of a day like 09:00-17:30"),
            ("office_hours: 25:00-26:00", "office_hours must be hours of a day"),
            ("office_hours: 17:00-09:00", "office_hours must end after it begins"),
            ("office_hours: 09:00-17:00", "office_hours needs a time_zone"),
            ("time_zone: Mars/Phobos", "time_zone is “Mars/Phobos”, which is no time zone"),
        )
    ),
    ("copies: each", "copies: each\naddressing: nobody", "nobody", "addressing is “nobody”, but"),
    ("owned_by: owner", "owned_by: nobody", "nobody", "targets.company.owned_by is “nobody”, but"),
    ("targets:\n", "targets: x\nplaces:\n", "targets", "targets must be a mapping"),
    ("  slug: dockers", "  slug: [", "default_language", "This is not YAML"),
    ("office@owner.example", "ä@x.example", "ä@x", "targets.owner.address cannot be used: letters"),
    (
        "office@owner.example",
        "O <a@b.example>",
        "O <a",
        "targets.owner.address cannot be used: sev",
    ),
]


@pytest.mark.parametrize(("old", "new", "at", "sentence"), OUTLINE)
def test_a_fault_in_the_outline_is_named_at_its_line(
    folder: Path, old: str, new: str, at: str, sentence: str
) -> None:
    edit(folder / "campaign.yaml", old, new)
    _check_fault(folder, "campaign.yaml", at, sentence)


PAGE = [
    ("title: Bring her back (ru)\n", "", "---", "title is missing."),
    ("title: Bring her back (ru)", f"title: {'x' * 201}", "xxx", "title cannot be used: too long"),
    ("title: Bring her back (ru)", f"title: {'é̂' * 150}", "title", "title is longer than 200"),
    ("title: Bring", "titel: x\ntitle: Bring", "titel", "titel is not a field that belongs here."),
    ("guidance:\n  - Be polite. (ru)", "guidance:\n  - {a: b}", "{a", "guidance must be one value"),
    (
        "  dismissal: She",
        "  dismissed: x\n  dismissal: She",
        "dismissed",
        "facts.dismissed is not in",
    ),
    ("  dismissal: She", "  dismissed: She", "facts:", "facts.dismissal is missing."),
    ("  dismissal: She is dismissed. (ru)", "  - x", "- x", "facts must be a mapping"),
    ("facts:\n  dismissal: She is dismissed. (ru)\n", "", "---", "facts is missing."),
    ("    who: Invented. (ru)\n", "", "crane-driver:", "people.crane-driver.who is missing."),
    ("    who: Invented. (ru)", "    age: 40", "age", "people.crane-driver.age is not a field"),
    (
        '      "2025-06": Offered',
        '      "2025-07": Offered',
        "2025-07",
        "demands.reinstatement.hist",
    ),
    (
        '      "2025-06": Offered',
        '      "2025-07": Off',
        "history",
        "demands.reinstatement.history.2",
    ),
    ("    salutation: Dear Owners, (ru)\n", "", "owner:", "targets.owner.salutation is missing."),
    ("targets:\n", "targets: x\nplaces:\n", "targets", "targets must be a mapping"),
    ("  crane-driver:\n", "  crane-driver: x\n  boss:\n", "crane", "people.crane-driver must be a"),
    (
        "    history:\n",
        "    history: x\n    past:\n",
        "history",
        "demands.reinstatement.history must",
    ),
    ("title: Bring her back (ru)", "title: [", "writing_prompt", "This is not YAML"),
    ("She asked", "She\u202easked", "\u202e", "U+202E (RIGHT-TO-LEFT OVERRIDE) is not allowed"),
    ("She asked", "She\u0007asked", "\u0007", "U+0007 (a control character) is not allowed"),
    (
        "She asked",
        "She a\u0301\u0301\u0301\u0301\u0301\u0301",
        "\u0301",
        "This cannot be used: too",
    ),
    ("She asked", "x\n" * 25_001, "## What", "This cannot be used: too long."),
    ("## What happened\n\nShe asked for shorter shifts. (ru)", "", "---", "There is no text below"),
]


@pytest.mark.parametrize(("old", "new", "at", "sentence"), PAGE)
def test_a_fault_in_a_page_is_named_at_its_line(
    folder: Path, old: str, new: str, at: str, sentence: str
) -> None:
    edit(folder / "ru.md", old, new)
    if sentence.startswith("There is no text"):
        assert faults_of(folder) == [f"ru.md:{_lines(folder / 'ru.md')}: {sentence} the fields."]
    else:
        _check_fault(folder, "ru.md", at, sentence)


def _lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n") + 1


LETTER = [
    ("{signature}", "{signatur}", "{signatur}", "{signatur} is unknown"),
    ("{demands}", "{salutation}", "{salutation}", "{salutation} is there for the second time."),
    ("{salutation}", "", "I write", "{salutation} is missing."),
    ("---\n", "", "subject", "The file must begin with fields between two lines"),
    ("{own_words}", "a\u0301\u0301\u0301\u0301\u0301\u0301 {own_words}", "\u0301", "This cannot"),
    ("subject: The harbour (ru)", "subject:", "subject", "subject is empty."),
    ("subject: The harbour (ru)", "subject: x\nbody: y", "body", "body is not a field"),
]


@pytest.mark.parametrize(("old", "new", "at", "sentence"), LETTER)
def test_a_fault_in_a_letter_is_named_at_its_line(
    folder: Path, old: str, new: str, at: str, sentence: str
) -> None:
    edit(folder / "letters" / "ru.md", old, new)
    _check_fault(folder, "letters/ru.md", at, sentence)


def test_every_fault_of_every_file_is_told_at_once(folder: Path) -> None:
    edit(folder / "campaign.yaml", "copies: each", "copies: often")
    edit(folder / "campaign.yaml", "role: owner", "role: boss")
    edit(folder / "en.md", "title: Bring", "titel: Bring")
    edit(folder / "letters" / "ru.md", "{signature}", "{signatur}")
    (folder / "README.md").write_text("Hello")
    found = [fault.split(": ")[0] for fault in faults_of(folder)]
    assert found == [
        "README.md",
        "campaign.yaml:6",
        "campaign.yaml:37",
        "en.md:1",
        "en.md:2",
        "letters/ru.md:5",
        "letters/ru.md:13",
    ]


def test_the_message_has_a_line_for_each_fault(folder: Path) -> None:
    edit(folder / "ru.md", "title: Bring", "titel: Bring")
    with pytest.raises(FolderRefused) as refusal:
        read_folder(folder)
    assert str(refusal.value) == (
        f"{folder}/ru.md:1: title is missing.\n"
        f"{folder}/ru.md:2: titel is not a field that belongs here."
    )
