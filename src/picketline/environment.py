"""The settings that an installation may choose, read from environment variables and nothing else.

Each field of ``Environment`` is one variable: its name in capitals after ``PICKETLINE_``, but for
``DATABASE_URL``, which every host already calls so. Secrets may instead be given as ``NAME_FILE``,
the path of a file that holds the value. ``docs/operate.md`` describes every one; a test holds the
two together.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from picketline.mail.routes import parse_route

SECRETS = ("DATABASE_URL", "PICKETLINE_SMTP_URL", "PICKETLINE_IMAP_URL")
LONGEST_MAIL_DOMAIN = 70
"""So that every Message-ID below it fits into its column."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|[0-9a-f:.]+")


class SettingsRefused(Exception):
    """The environment asks for something that cannot be; the message says what to do."""


def _parts(url: str, advice: str) -> SplitResult:
    """The parts of an address; the library's own complaints would quote its password."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number of a port
    except ValueError:
        raise ValueError(advice) from None
    return parts


def _site_url(value: str) -> str:
    advice = "give the site's address without a path, like https://letters.example.org"
    parts = _parts(value, advice)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError(advice)
    if parts.path.strip("/"):
        raise ValueError(advice)
    if parts.query or parts.fragment or parts.username:
        raise ValueError("give only scheme, host and port, like https://letters.example.org")
    return value.rstrip("/")


def _source_url(value: str) -> str:
    advice = "give the address of a page, like https://code.example.org/picketline"
    parts = _parts(value, advice)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError(advice)
    return value


def _mail_domain(value: str) -> str:
    lowered = value.lower()
    if not _DOMAIN.fullmatch(lowered):
        raise ValueError("give a domain name in ASCII, like letters.example.org")
    if len(lowered) > LONGEST_MAIL_DOMAIN:
        raise ValueError(f"give a domain name of at most {LONGEST_MAIL_DOMAIN} characters")
    return lowered


def _smtp_url(value: str) -> str:
    parse_route(value)
    return value


def _database_url(value: str) -> str:
    advice = "give a PostgreSQL database, like postgresql://user:password@host:port/name"
    parts = _parts(value, advice)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ValueError(advice)
    return value


def _relay_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", value):
        raise ValueError("give letters, digits, dots and hyphens, like mail-host-1")
    return value


def _nameservers(value: str) -> str:
    for server in filter(None, value.split(",")):
        host, _, port = server.rpartition(":") if server.count(":") == 1 else (server, "", "53")
        try:
            ip_address(host)
        except ValueError:
            raise ValueError("give IP addresses with commas between, like 192.0.2.53") from None
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError("give IP addresses with commas between, like 192.0.2.53:5353")
    return value


def _imap_url(value: str) -> str:
    advice = "give a mailbox, like imaps://user:password@imap.example.org/INBOX"
    parts = _parts(value, advice)
    if parts.scheme not in ("imaps", "imap") or not parts.hostname or not parts.username:
        raise ValueError(advice)
    return value


def _metrics(value: str) -> str:
    advice = "give a port, or address and port, like 9187, 127.0.0.1:9187 or 0.0.0.0:9187"
    host, _, port = value.rpartition(":")
    try:
        address = ip_address(host.strip("[]") if host else "127.0.0.1")
    except ValueError:
        raise ValueError(advice) from None
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError(advice)
    return f"{address}:{port}"


def _absolute(value: Path) -> Path:
    return value.expanduser().absolute()


class Environment(BaseModel):
    """What the operator chose. Values are checked here; nonsense stops the start."""

    model_config = ConfigDict(frozen=True, validate_default=True)

    process: Literal["public", "desk", "worker", "owner"] = Field(
        "desk", description="Which process this is: it decides over URLs, keys and database role."
    )
    data: Annotated[Path, AfterValidator(_absolute)] = Field(
        Path("var"), description="Folder for keys and the embedded database."
    )
    keys: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        None, description="Folder with this process's keys, if not the data folder's own."
    )
    site_url: Annotated[str, AfterValidator(_site_url)] = Field(
        "http://127.0.0.1:8000", description="The site's public address; all links start with it."
    )
    source_url: Annotated[str, AfterValidator(_source_url)] | None = Field(
        None,
        description="Where visitors find the source of what you run: the AGPL asks you to say.",
    )
    mail_domain: Annotated[str, AfterValidator(_mail_domain)] = Field(
        "picketline.example", description="Domain below which all mail addresses of ours live."
    )
    smtp_url: Annotated[str, AfterValidator(_smtp_url)] = Field(
        "smtp://127.0.0.1:25",
        description="The mail server that the worker hands mail to.",
        repr=False,
    )
    smtp_direct: bool = Field(
        False, description="That server is the recipients' own, so its yes means delivered."
    )
    relay_log: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        None, description="The log of the Postfix at SMTP_URL: evidence of what became of letters."
    )
    postfix_config: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        None, description="That Postfix's configuration folder, to ask for its queue."
    )
    relay_name: Annotated[str, AfterValidator(_relay_name)] | None = Field(
        None, description="What this host's relay is called beside others; the host's name."
    )
    grace_seconds: int = Field(
        120,
        ge=0,
        le=86_400,
        description="How long after its lease an unclear letter may still be on its way.",
    )
    letters_per_minute: float = Field(0, ge=0, description="Letters in all; 0: no limit.")
    confirmations_per_minute: float = Field(
        0, ge=0, description="Confirmations in all; 0: no limit."
    )
    notices_per_minute: float = Field(
        0, ge=0, description="Copies, digests and notices in all; 0: no limit."
    )
    updates_per_minute: float = Field(0, ge=0, description="Campaign updates in all; 0: no limit.")
    domain_per_minute: float = Field(
        12, ge=0, description="Letters to all targets of one domain; 0: no limit."
    )
    target_per_minute: float = Field(6, ge=0, description="Letters to one target; 0: no limit.")
    target_per_day: int = Field(3000, ge=0, description="Letters to one target; 0: no limit.")
    authserv_id: str | None = Field(
        None, description="The name your own incoming mail server signs its checks with."
    )
    nameservers: Annotated[str, AfterValidator(_nameservers)] | None = Field(
        None, description="Name servers to ask, with commas between them, if not the system's."
    )
    imap_url: Annotated[str, AfterValidator(_imap_url)] | None = Field(
        None, description="The mailbox that `receive --imap` empties.", repr=False
    )
    database_url: Annotated[str, AfterValidator(_database_url)] | None = Field(
        None,
        description="A PostgreSQL of one's own; without it the embedded one is used.",
        repr=False,
    )
    database_user: str | None = Field(
        None, description="System user for the embedded PostgreSQL where root starts it."
    )
    database_roles: bool = Field(
        True, description="Work under the database role of the process instead of the login's own."
    )
    counter_seconds: int = Field(
        30, ge=1, le=86_400, description="How often public numbers are brought up to date."
    )
    lease_seconds: int = Field(
        120, ge=5, le=3_600, description="How long a worker may keep a mail that it claimed."
    )
    metrics: Annotated[str, AfterValidator(_metrics)] | None = Field(
        None, description="Where workers answer monitoring: address and port."
    )
    body_limit: int = Field(
        65_536, ge=8_192, le=10_485_760, description="Largest request body in bytes."
    )


def read(environ: Mapping[str, str] | None = None) -> Environment:
    """The settings in ``environ`` (by default the process's own).

    Raises ``SettingsRefused`` with one sentence for each thing wrong.
    """
    variables = dict(os.environ if environ is None else environ)
    for name in SECRETS:
        _read_secret_file(variables, name)
    fields = {_variable(name): name for name in Environment.model_fields}
    _refuse_unknown(variables, fields)
    values = {fields[key]: value for key, value in variables.items() if key in fields and value}
    try:
        return Environment.model_validate(values)
    except ValidationError as error:
        raise SettingsRefused(_sentences(error)) from None


def variable_names() -> dict[str, str]:
    """Every environment variable that is read, with its one-line description."""
    return {
        _variable(name): field.description or "" for name, field in Environment.model_fields.items()
    }


def _variable(field: str) -> str:
    return "DATABASE_URL" if field == "database_url" else f"PICKETLINE_{field.upper()}"


def _refuse_unknown(variables: Mapping[str, str], fields: Mapping[str, str]) -> None:
    """A misspelt variable would silently leave its default in force, so it stops the start."""
    known = {*fields, *(f"{name}_FILE" for name in SECRETS)}
    for name in sorted(variables):
        if name.startswith("PICKETLINE_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "docs/operate.md lists them all."
            raise SettingsRefused(f"{name} is no setting of Picketline. {hint}")


def _read_secret_file(variables: dict[str, str], name: str) -> None:
    path = variables.get(f"{name}_FILE")
    if not path:
        return
    if variables.get(name):
        raise SettingsRefused(f"{name} and {name}_FILE are both set: keep one of them.")
    try:
        variables[name] = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsRefused(
            f"{name}_FILE: the file cannot be read ({error.__class__.__name__}); "
            "check its path and its mode."
        ) from None
    if not variables[name]:
        raise SettingsRefused(f"{name}_FILE: the file is empty; put the value into it.")


def _sentences(error: ValidationError) -> str:
    lines = []
    for fault in error.errors():
        name = str(fault["loc"][0])
        variable = _variable(name) if name in Environment.model_fields else name
        message = fault["msg"].removeprefix("Value error, ")
        shown = "" if variable in SECRETS else f" (it is {fault['input']!r})"
        lines.append(f"{variable}{shown}: {message}.")
    return "\n".join(lines)
