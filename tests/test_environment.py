"""Settings: nonsense stops the start with a sentence, and no secret is ever shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from picketline import environment
from picketline.environment import SettingsRefused

SECRET = "hunter2"
SOURCES = Path(__file__).parent.parent / "src"


def _refusal(**variables: str) -> str:
    with pytest.raises(SettingsRefused) as refused:
        environment.read(variables)
    return str(refused.value)


def test_without_any_variable_every_setting_has_its_default() -> None:
    found = environment.read({})
    assert (found.process, found.database_url) == ("desk", None)
    assert found.data == Path.cwd() / "var"
    assert found.smtp_url == "smtp://127.0.0.1:25"


def test_every_setting_is_read_from_its_variable() -> None:
    found = environment.read(
        {
            "PICKETLINE_PROCESS": "worker",
            "PICKETLINE_DATA": "~/data",
            "PICKETLINE_KEYS": "keys",
            "PICKETLINE_SITE_URL": "https://letters.example.org/",
            "PICKETLINE_MAIL_DOMAIN": "Letters.Example.org",
            "PICKETLINE_SMTP_URL": "smtps://relay.example:465",
            "PICKETLINE_SMTP_DIRECT": "true",
            "DATABASE_URL": "postgres://jo@db.example/letters",
            "PICKETLINE_LEASE_SECONDS": "60",
            "HOME": str(Path.home()),
            "UNRELATED": "nonsense",
        }
    )
    assert found.process == "worker"
    assert found.data == Path.home() / "data"
    assert found.keys == Path.cwd() / "keys"
    assert found.site_url == "https://letters.example.org"
    assert found.mail_domain == "letters.example.org"
    assert found.smtp_direct
    assert found.lease_seconds == 60


def test_the_processes_own_environment_is_read_where_no_other_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PICKETLINE_COUNTER_SECONDS", "7")
    assert environment.read().counter_seconds == 7


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert environment.read({"PICKETLINE_SITE_URL": "", "DATABASE_URL": ""}) == environment.read({})


NONSENSE = [
    ("PICKETLINE_PROCESS", "boss", "'public', 'desk', 'worker' or 'owner'"),
    ("PICKETLINE_SITE_URL", "letters.example.org", "like https://letters.example.org"),
    ("PICKETLINE_SITE_URL", "ftp://letters.example.org", "like https://letters.example.org"),
    ("PICKETLINE_SITE_URL", "https://letters.example.org/site", "without a path"),
    ("PICKETLINE_SITE_URL", "https://letters.example.org?x=1", "only scheme, host and port"),
    ("PICKETLINE_SITE_URL", "https://letters.example.org:http", "like https://letters.example.org"),
    ("PICKETLINE_SITE_URL", "https://letters.example.org:99999", "like https://letters.example"),
    ("PICKETLINE_SITE_URL", "https://[::1", "like https://letters.example.org"),
    ("PICKETLINE_SITE_URL", "https://two words.example", "like https://letters.example.org"),
    ("PICKETLINE_RELAY_NAME", "two words", "like mail-host-1"),
    ("PICKETLINE_NAMESERVERS", "dns.example", "like 192.0.2.53"),
    ("PICKETLINE_NAMESERVERS", "192.0.2.53:none", "like 192.0.2.53:5353"),
    ("PICKETLINE_NAMESERVERS", "192.0.2.53:99999", "like 192.0.2.53:5353"),
    ("PICKETLINE_GRACE_SECONDS", "-1", "greater than or equal to 0"),
    ("PICKETLINE_TARGET_PER_MINUTE", "fast", "valid number"),
    ("PICKETLINE_MAIL_DOMAIN", "localhost", "domain name in ASCII"),
    ("PICKETLINE_MAIL_DOMAIN", "почта.example", "domain name in ASCII"),
    ("PICKETLINE_MAIL_DOMAIN", "a..example", "domain name in ASCII"),
    ("PICKETLINE_MAIL_DOMAIN", "-a.example", "domain name in ASCII"),
    ("PICKETLINE_MAIL_DOMAIN", "a@b.example", "domain name in ASCII"),
    ("PICKETLINE_MAIL_DOMAIN", f"{'a' * 64}.example", "domain name in ASCII"),
    ("PICKETLINE_MAIL_DOMAIN", f"{'abc.' * 20}example", "at most"),
    ("PICKETLINE_SMTP_DIRECT", "perhaps", "valid boolean"),
    ("PICKETLINE_LEASE_SECONDS", "1", "greater than or equal to 5"),
    ("PICKETLINE_LEASE_SECONDS", "soon", "valid integer"),
    ("PICKETLINE_COUNTER_SECONDS", "0", "greater than or equal to 1"),
    ("PICKETLINE_BODY_LIMIT", "99999999", "less than or equal to"),
]


@pytest.mark.parametrize(("name", "value", "advice"), NONSENSE)
def test_nonsense_is_refused_with_name_value_and_advice(name: str, value: str, advice: str) -> None:
    sentence = _refusal(**{name: value})
    assert sentence.startswith(f"{name} (it is {value!r}): ")
    assert advice in sentence
    assert sentence.endswith(".")


def test_everything_wrong_is_said_at_once() -> None:
    sentences = _refusal(PICKETLINE_PROCESS="boss", PICKETLINE_LEASE_SECONDS="soon").splitlines()
    assert [each.split()[0] for each in sentences] == [
        "PICKETLINE_PROCESS",
        "PICKETLINE_LEASE_SECONDS",
    ]


def test_a_misspelt_setting_is_refused_with_the_right_spelling() -> None:
    sentence = _refusal(PICKETLINE_SITEURL="https://letters.example.org")
    assert sentence == (
        "PICKETLINE_SITEURL is no setting of Picketline. Did you mean PICKETLINE_SITE_URL?"
    )
    assert "docs/operate.md" in _refusal(PICKETLINE_QQQQQQQQQQQQ=SECRET)
    assert SECRET not in _refusal(PICKETLINE_QQQQQQQQQQQQ=SECRET)


BAD_SECRETS = [
    ("PICKETLINE_SMTP_URL", f"http://jo:{SECRET}@relay.example", "begin with smtp://"),
    ("PICKETLINE_SMTP_URL", f"smtp://jo:{SECRET}@", "needs a host name"),
    ("PICKETLINE_SMTP_URL", f"smtp://jo:{SECRET}@[relay", "not an address"),
    ("PICKETLINE_SMTP_URL", f"smtp://jo:{SECRET}@rel℀y.example", "not an address"),
    ("PICKETLINE_SMTP_URL", f"smtp://jo:{SECRET}@relay.example:port", "port in the SMTP URL"),
    ("PICKETLINE_IMAP_URL", f"https://jo:{SECRET}@imap.example/INBOX", "like imaps://"),
    ("PICKETLINE_IMAP_URL", f"imaps://{SECRET}.example/INBOX", "like imaps://"),
    ("DATABASE_URL", f"mysql://jo:{SECRET}@db.example/letters", "postgresql://"),
    ("DATABASE_URL", f"sqlite:///{SECRET}", "postgresql://"),
    ("DATABASE_URL", f"jo:{SECRET}", "postgresql://"),
    ("DATABASE_URL", f"postgres://jo:{SECRET}@db.example", "postgresql://"),
    ("DATABASE_URL", f"postgres://jo:{SECRET}@db.example:port/letters", "postgresql://"),
    ("DATABASE_URL", f"postgres://jo:{SECRET}@d℀b.example/letters", "postgresql://"),
]


@pytest.mark.parametrize(("name", "value", "advice"), BAD_SECRETS)
def test_a_secret_that_makes_no_sense_is_refused_and_not_shown(
    name: str, value: str, advice: str
) -> None:
    sentence = _refusal(**{name: value})
    assert sentence.startswith(f"{name}: ")
    assert advice in sentence
    assert SECRET not in sentence


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://jo:s%40t@db.example:5433/letters?sslmode=verify-full",
        "postgres://%2Frun%2Fpostgresql/letters",
        "postgres:///letters",
    ],
)
def test_a_database_of_ones_own_may_be_anywhere(url: str) -> None:
    assert environment.read({"DATABASE_URL": url}).database_url == url


def test_settings_never_show_their_secrets() -> None:
    found = environment.read(
        {
            "PICKETLINE_SMTP_URL": f"smtps://jo:{SECRET}@relay.example",
            "DATABASE_URL": f"postgres://jo:{SECRET}@db.example/letters",
        }
    )
    assert SECRET in found.smtp_url
    assert SECRET not in repr(found)
    assert SECRET not in str(found)


@pytest.mark.parametrize("name", environment.SECRETS)
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    url = {
        "DATABASE_URL": "postgres://jo@db.example/letters",
        "PICKETLINE_SMTP_URL": "smtp://relay.example:26",
        "PICKETLINE_IMAP_URL": "imaps://jo:in@imap.example/INBOX",
    }[name]
    file = tmp_path / "secret"
    file.write_text(f"{url}\n", encoding="utf-8")
    found = environment.read({f"{name}_FILE": str(file)})
    assert url in (found.database_url, found.smtp_url, found.imap_url)
    assert environment.read({f"{name}_FILE": ""}) == environment.read({})


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    sentence = _refusal(DATABASE_URL=f"postgres://{SECRET}@x/y", DATABASE_URL_FILE=str(file))
    assert "both set" in sentence
    assert SECRET not in sentence


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"], ids=repr)
def test_a_secrets_file_without_a_secret_is_refused(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    sentence = _refusal(PICKETLINE_SMTP_URL_FILE=str(file))
    assert sentence.startswith("PICKETLINE_SMTP_URL_FILE: the file ")


def test_every_variable_has_a_sentence_about_it() -> None:
    described = environment.variable_names()
    assert {"DATABASE_URL", "PICKETLINE_PROCESS", "PICKETLINE_MAIL_DOMAIN"} <= set(described)
    assert all(text.endswith(".") for text in described.values())


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PICKETLINE_SITE_URL": "nonsense"}, "PICKETLINE_SITE_URL (it is 'nonsense')"),
        ({"DATABASE_URL": f"jo:{SECRET}"}, "DATABASE_URL: "),
        ({"PICKETLINE_TYPO": SECRET}, "PICKETLINE_TYPO is no setting"),
    ],
)
def test_a_process_with_nonsense_in_its_settings_does_not_start(
    variables: dict[str, str], sentence: str
) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), **variables}
    command = [sys.executable, "-m", "picketline", "check"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"picketline: {sentence}")
    assert "Traceback" not in ended.stderr
    assert SECRET not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("9187", "127.0.0.1:9187"),
        (":9187", "127.0.0.1:9187"),
        ("0.0.0.0:9187", "0.0.0.0:9187"),
        ("[::1]:9187", "::1:9187"),
    ],
)
def test_monitoring_is_answered_on_loopback_unless_an_address_is_written_out(
    given: str, meant: str
) -> None:
    assert environment.read({"PICKETLINE_METRICS": given}).metrics == meant


@pytest.mark.parametrize("given", ["here:9187", "127.0.0.1", "127.0.0.1:99999", "9187:x"])
def test_monitoring_at_no_address_is_refused(given: str) -> None:
    assert "give a port, or address and port" in _refusal(PICKETLINE_METRICS=given)
