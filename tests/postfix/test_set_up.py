"""The script that sets Postfix up: the same again changes nothing, and nonsense is refused."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from chaos.postfix import SET_UP, Postfix


def _set_up(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SET_UP), *options]
    environ = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ)


def _setting(postfix: Postfix, name: str) -> str:
    command = ["postconf", "-c", str(postfix.config), "-h", name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _files(folder: Path) -> dict[str, tuple[str, int]]:
    return {file.name: (file.read_text(), file.stat().st_mtime_ns) for file in folder.iterdir()}


def test_setting_up_again_changes_nothing(postfix: Postfix) -> None:
    before = _files(postfix.config)
    again = _set_up(*postfix.options())
    assert (again.returncode, again.stderr) == (0, "")
    assert "wrote" not in again.stdout
    assert "reload" not in again.stdout
    assert _files(postfix.config) == before


def test_lines_of_ones_own_take_the_place_of_ours(postfix: Postfix) -> None:
    local = postfix.config / "local.cf"
    before = (postfix.config / "main.cf").read_text()
    local.write_text("# why\nmessage_size_limit = 1000000\nheader_size_limit =\n  100000\n")
    try:
        changed = _set_up(*postfix.options())
        assert (changed.returncode, changed.stderr) == (0, "")
        assert "to take effect: postfix -c" in changed.stdout
        main = (postfix.config / "main.cf").read_text()
        assert main.count("message_size_limit =") == 1
        assert main.endswith("message_size_limit = 1000000\nheader_size_limit =\n  100000\n")
    finally:
        local.write_text("")
        (postfix.config / "main.cf").write_text(before)


def test_other_options_make_other_lines(postfix: Postfix, tmp_path: Path) -> None:
    other = Postfix(tmp_path, postfix.sink, postfix.receiver, domain="other.example")
    choices = ["--relayhost=none", "--tls=dane", "--dkim=inet:127.0.0.1:8891", "--receive=none"]
    assert _set_up(*other.options(), *choices).returncode == 0
    names = (
        "relayhost",
        "smtp_destination_rate_delay",
        "smtp_dns_support_level",
        "smtpd_milters",
        "milter_default_action",
        "relay_domains",
    )
    told = [_setting(other, name) for name in names]
    assert told == ["", "1s", "dnssec", "inet:127.0.0.1:8891", "tempfail", ""]


def test_what_a_host_without_a_main_postfix_lacks_is_told(postfix: Postfix, tmp_path: Path) -> None:
    other = Postfix(tmp_path / "own", postfix.sink, postfix.receiver, domain="other.example")
    (tmp_path / "own").mkdir()
    (tmp_path / "main").mkdir()
    told = _set_up(*other.options(), MAIL_CONFIG=str(tmp_path / "main")).stdout
    subprocess.run(["sh", "-c", told.partition("queue:\n")[2]], check=True, env=_at_home(tmp_path))
    again = _set_up(*other.options(), MAIL_CONFIG=str(tmp_path / "main"))
    assert (again.returncode, again.stdout) == (0, "")


def _at_home(folder: Path) -> dict[str, str]:
    return {**os.environ, "MAIL_CONFIG": str(folder / "main")}


def test_an_address_that_is_taken_is_told(postfix: Postfix, tmp_path: Path) -> None:
    other = Postfix(tmp_path, postfix.sink, postfix.receiver, domain="other.example")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        assert (
            f"{place} is taken by another program"
            in _set_up(*other.options(), f"--mx={place}").stdout
        )
    assert "is taken by" not in _set_up(*other.options()).stdout


def test_the_setting_against_smuggling_has_no_exception(postfix: Postfix) -> None:
    assert _setting(postfix, "smtpd_forbid_bare_newline_exclusions") == ""


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--domain", "picket.example", "--listen", "0.0.0.0:25"], "must be on loopback"),
        (["--domain", "picket.example", "--listen", "localhost.evil.example:25"], "loopback"),
        (["--domain", "picket.example", "--listen", "127.evil.example:25"], "loopback"),
        (["--domain", "picket.example", "--mx", "0.0.0.0:25", "--receive", "none"], "nowhere"),
        (["--domain", "picket.example\nrelayhost = evil"], "is not a domain"),
        (["--domain", "picket.example", "--log", "maillog"], "is not an absolute path"),
        (["--domain", "picket.example", "--dkim", "opendkim"], "is not none or a milter"),
        ([], "--domain"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str], reason: str) -> None:
    refused = _set_up(*options)
    assert refused.returncode == 2
    assert reason in refused.stderr
