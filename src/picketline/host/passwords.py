"""The passwords of the database's roles: random, one 0600 file each, in a 0700 folder each."""

import os
import secrets
from pathlib import Path

from picketline.host.faults import PasswordMissing, UnknownProcess, usable

SUPERUSER = "superuser"
ROLES = {
    SUPERUSER: "postgres",
    "owner": "picketline",
    "public": "picketline_public",
    "desk": "picketline_desk",
    "worker": "picketline_worker",
}


def role_of(process: str) -> str:
    """The login role of a process; raises UnknownProcess."""
    try:
        return ROLES[process]
    except KeyError:
        known = ", ".join(ROLES)
        raise UnknownProcess(f"The database knows no process {process!r}, only {known}.") from None


def password_file(data: Path, process: str) -> Path:
    """Where the password of this process' role is kept."""
    return data / "keys" / process / "database-password"


def read_password(data: Path, process: str) -> str:
    """The password of this process' role; raises PasswordMissing."""
    path = password_file(data, process)
    try:
        return path.read_text("ascii").strip()
    except OSError as fault:
        raise PasswordMissing(
            f"The database password of {process!r} cannot be read from {path}: {fault.strerror}."
        ) from fault


def new_password() -> str:
    """A password with 256 bits of chance."""
    return secrets.token_urlsafe(32)


def keep_password(data: Path, process: str, password: str) -> None:
    """Write a password so that a power cut leaves the whole of it or nothing."""
    path = password_file(data, process)
    with usable(path.parent):
        path.parent.parent.mkdir(mode=0o700, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_secret(path, password + "\n")


def write_secret(path: Path, text: str) -> None:
    """Replace a file by one that only its owner can read; raises OSError."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
