"""``picketline dkim``: keys made, records shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from picketline.domain import signing
from picketline.domain.streams import Stream, domain_of
from picketline.mail.dkim import dns_record

SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings) -> Path:
    settings.KEYS = tmp_path / "keys"
    settings.PROCESS = "owner"
    return tmp_path / "keys" / "worker" / "dkim"


def told(*arguments: str) -> str:
    out = StringIO()
    call_command("dkim", *arguments, stdout=out)
    return out.getvalue()


def test_new_makes_both_keys_of_every_stream_and_says_what_to_publish(folder: Path) -> None:
    month = f"{timezone.now():%Y-%m}"
    said = told("new")
    names = [f"{path.parent.name}/{path.stem}" for path in sorted(folder.glob("*/*.pem"))]
    assert names == sorted(
        f"{stream}/{kind}-{month}" for stream in Stream for kind in ("ed", "rsa")
    )
    for stream in Stream:
        for key in signing.keys_of(stream):
            name = f"{key.selector}._domainkey.{domain_of(stream)}"
            assert f"Name:  {name}\nType:  TXT\nValue: {dns_record(key)}\n" in said
    assert said.count("Name:") == 8


def test_new_again_changes_nothing_and_show_says_the_same() -> None:
    first = told("new", "--stream", "letters")
    assert told("new", "--stream", "letters") == first
    assert told("show") == first


def test_streams_and_kinds_can_be_chosen(folder: Path) -> None:
    told("new", "--stream", "letters", "updates", "--kind", "ed25519")
    made = {f"{path.parent.name} {path.stem[:3]}" for path in folder.glob("*/*.pem")}
    assert made == {"letters ed-", "updates ed-"}
    assert told("show", "--stream", "letters").count("Name:") == 1


def test_a_zone_file_gets_strings_that_it_can_hold() -> None:
    told("new", "--stream", "letters", "--kind", "rsa")
    (key,) = signing.keys_of(Stream.LETTERS)
    (line,) = told("show", "--zone").splitlines()
    strings = re.findall(r'"([^"]*)"', line)
    assert line.startswith(f"{key.record_name}. IN TXT ")
    assert "".join(strings) == dns_record(key)
    assert [len(string) for string in strings] == [255, len(dns_record(key)) - 255]


def test_without_keys_show_says_how_to_make_them() -> None:
    assert told("show") == "There are no keys: make some with picketline dkim new.\n"


def test_a_key_that_others_can_read_is_told_in_a_sentence(folder: Path) -> None:
    told("new", "--stream", "letters", "--kind", "ed25519")
    next(folder.glob("letters/*.pem")).chmod(0o644)
    with pytest.raises(CommandError, match="chmod go-rwx"):
        told("show")


def test_a_folder_that_cannot_be_made_is_told(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    with pytest.raises(CommandError, match=r"File exists|Not a directory"):
        told("new")


@pytest.mark.parametrize("process", ["public", "desk"])
def test_other_processes_have_no_such_keys(process: str, settings) -> None:
    settings.PROCESS = process
    with pytest.raises(CommandError, match="PICKETLINE_PROCESS=owner"):
        told("show")


def test_the_command_needs_no_database(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCES),
        "PICKETLINE_DATA": str(tmp_path / "data"),
    }
    command = [sys.executable, "-m", "picketline", "dkim", "new", "--kind", "ed25519"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("k=ed25519") == 4
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["keys"]
