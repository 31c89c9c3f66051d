"""A PostgreSQL cluster: made, configured, started.

Scram passwords from the first moment: `trust` is written nowhere, not even while initdb runs.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from picketline.host.accounts import Account, run_as
from picketline.host.binaries import Binaries, find_binaries
from picketline.host.faults import InitialisationFailed, usable
from picketline.host.leash import dies_with_us
from picketline.host.passwords import (
    ROLES,
    SUPERUSER,
    keep_password,
    new_password,
)
from picketline.host.places import Place
from picketline.host.sockets import PORT

ACCESS = "# Made anew at every start.\nlocal all all scram-sha-256\n"


def binaries_for(place: Place) -> Binaries:
    """The PostgreSQL that made this cluster, or the newest when there is no cluster yet."""
    with usable(place.cluster):
        if place.cluster.exists():
            return find_binaries(int((place.cluster / "PG_VERSION").read_text("ascii")))
    return find_binaries()


def initialise(
    data: Path, place: Place, binaries: Binaries, account: Account, *, durable: bool
) -> None:
    """Make the cluster, whole or not at all; raises InitialisationFailed, FolderUnusable."""
    draft = place.folder / "cluster.draft"
    secret = place.folder / "superuser-password"
    password = new_password()
    keep_password(data, SUPERUSER, password)
    with usable(place.folder):
        shutil.rmtree(draft, ignore_errors=True)
        secret.unlink(missing_ok=True)
        draft.mkdir(mode=0o700)
        account.give(draft)
        secret.touch(mode=0o600, exist_ok=False)
        secret.write_text(password, "ascii")
        account.give(secret)
        try:
            options = [f"--pwfile={secret}", *([] if durable else ["--no-sync"])]
            run_initdb(draft, options, binaries, account)
            draft.rename(place.cluster)
        finally:
            secret.unlink()
            shutil.rmtree(draft, ignore_errors=True)


def run_initdb(folder: Path, options: list[str], binaries: Binaries, account: Account) -> None:
    """Run initdb as the account: UTF-8, the C locale, no ICU, scram for everyone."""
    command = [binaries.program("initdb"), "--pgdata", str(folder), "--username", ROLES[SUPERUSER]]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]
    command += ["--locale-provider=libc", "--no-instructions"]
    said = run_as(account, command + options)
    if said.returncode:
        end = "\n".join(said.stdout.strip().splitlines()[-6:])
        raise InitialisationFailed(f"The database could not be made in {folder.parent}:\n{end}")


def configure(place: Place, sockets: Path, account: Account, *, durable: bool) -> None:
    """Write the server's settings beside the cluster, where the server itself cannot change them.

    Values of people never reach the log: neither parameters nor failing statements are written.
    """
    settings = {
        "hba_file": place.folder / "pg_hba.conf",
        "ident_file": place.cluster / "pg_ident.conf",
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": '"' + str(sockets).replace('"', '""') + '"',
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": 100,
        "shared_buffers": "64MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": 0,
        "log_statement": "none",
    }
    if not durable:
        settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
    lines = ["# Made anew at every start; ALTER SYSTEM is where an operator's own settings go."]
    for name, value in settings.items():
        lines.append("{} = '{}'".format(name, str(value).replace("'", "''")))
    with usable(place.folder):
        for name, text in (("postgresql.conf", "\n".join(lines) + "\n"), ("pg_hba.conf", ACCESS)):
            file = place.folder / name
            file.write_text(text, "utf-8")
            file.chmod(0o600 if account.is_ourselves else 0o644)


def launch(place: Place, binaries: Binaries, account: Account) -> "subprocess.Popen[bytes]":
    """Start the server as a child in a session of its own, its log in a fresh 0600 file.

    On Linux it shuts down by itself when the thread that calls this ends, however it ends.
    """
    command = [binaries.program("postgres"), "-D", str(place.cluster)]
    command += ["-c", f"config_file={place.folder / 'postgresql.conf'}"]
    with usable(place.folder):
        if place.log.exists():
            place.log.replace(place.log.with_suffix(".log.1"))
        output = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - a fixed program
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C at a terminal is for the launcher, which stops the database last.
            start_new_session=True,
            preexec_fn=dies_with_us(signal.SIGINT),  # noqa: PLW1509 - two system calls that take no lock
            **account.options(),
        )
    finally:
        os.close(output)
