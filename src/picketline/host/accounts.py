"""The user that the database server runs as: ourselves, or another one when we are root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picketline.host.faults import UserUnusable

USER_SETTING = "PICKETLINE_DATABASE_USER"

# The server's environment says nothing about ours: no secrets, no PG* variables.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """A system user; `is_ourselves` is true unless root steps down to this one."""

    name: str
    uid: int
    gid: int

    @property
    def is_ourselves(self) -> bool:
        """Whether programs need no change of user to run as this account."""
        return self.uid == os.geteuid()

    def options(self) -> dict[str, Any]:
        """The arguments that make `subprocess` run a program as this user, in a bare world."""
        options: dict[str, Any] = {"env": ENVIRONMENT, "cwd": "/", "umask": 0o077}
        if not self.is_ourselves:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def enters(self, folder: Path) -> bool:
        """Whether this user can reach and enter `folder`; asked of the system, not computed.

        Raises UserUnusable when we may not become that user.
        """
        question = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)]
        try:
            return run_as(self, question).returncode == 0
        except OSError as fault:
            raise UserUnusable(
                f"Root may not become the user {self.name} here: {fault.strerror}. "
                "Start Picketline as an ordinary user, or set DATABASE_URL."
            ) from fault

    def give(self, path: Path) -> None:
        """Make this user the owner of something that we have just made ourselves."""
        if not self.is_ourselves:
            os.chown(path, self.uid, self.gid)


def run_as(account: Account, command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run a short command as that user.

    Raises OSError when there is no such program, the user may not execute it, or we may not
    become that user.
    """
    return subprocess.run(  # noqa: S603 - fixed programs, no shell expansion of arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **account.options(),
    )


def ourselves() -> Account:
    """The user that this process runs as."""
    return Account(name=f"number {os.geteuid()}", uid=os.geteuid(), gid=os.getegid())


def server_account() -> Account:
    """The user that must run the server; never creates one.

    As root it is the one that PICKETLINE_DATABASE_USER names, else `postgres`, else `nobody`.
    Raises UserUnusable when that user does not exist or is root itself.
    """
    if os.geteuid() != 0:
        return ourselves()
    wanted = os.environ.get(USER_SETTING, "").strip()
    for name in [wanted] if wanted else ["postgres", "nobody"]:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise UserUnusable(
        f"PostgreSQL does not run as root and there is no other user {wanted or 'for it'}. "
        f"Name an existing unprivileged user in {USER_SETTING}, or set DATABASE_URL."
    )
