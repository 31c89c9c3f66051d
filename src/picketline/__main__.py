"""The ``picketline`` command: a thin front to the management commands.

It gives each command the process it belongs to, and lets short commands start the embedded
database for themselves where nothing keeps it running.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from picketline import environment
from picketline.host import faults, postgres

PROCESS_OF = {
    "worker": "worker",
    "tidy": "worker",
    "recount": "worker",
    "outbox": "worker",
    "health": "worker",
    "doctor": "worker",
    "receive": "worker",
    "incoming": "worker",
    "prepare": "owner",
    "dkim": "owner",
    "migrate": "owner",
    "makemigrations": "owner",
    "serve": "public",
}
WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "dkim",
    "help",
    "makemigrations",
    "version",
    "--help",
}
OWN_HELP = """picketline COMMAND [options]; picketline COMMAND --help says more of one.

  prepare     make keys, tables and database roles, or bring them up to date
  dkim        make the keys that sign mail, show their DNS records
  doctor      check DNS, TLS and clock of the sending domain; say what to publish
  campaign    load, dump, open, suspend, close and list campaigns
  serve       the public website, until Ctrl-C; granian's options may follow
  worker      send what is due and do the chores, until Ctrl-C
  pacing      how fast letters go out; pause, resume or cancel them
  outbox      how much mail is in which state; settle what is uncertain
  health      how the post office does, and what needs a person
  receive     take in what comes back: from standard input, by LMTP, SMTP or IMAP
  incoming    what came in, and what waits in quarantine
  replies     what targets answered; publish it or not
  tidy        delete what has been kept long enough
  recount     prove the public numbers from their journal
  database    the embedded database in the foreground, until Ctrl-C
  demo        the whole product on this machine, with a mailbox to read

Django's own commands work too, such as check --deploy and collectstatic. docs/operate.md has all
settings and what each command needs.
"""
EX_TEMPFAIL = 75
MISSING = ("42P01", "42703")  # PostgreSQL's codes for a table and a column
UNDERSTOOD = (None, 0, 65, 67, EX_TEMPFAIL)
NEVER_STARTS_IT = {"worker", "runserver", "receive"}


def main() -> None:
    """Run the command that ``sys.argv`` names; ``SystemExit`` carries its exit code."""
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picketline.settings")
    os.environ.setdefault("PICKETLINE_PROCESS", PROCESS_OF.get(command, "desk"))
    if command in ("help", "--help", "-h") and len(sys.argv) < 3:
        sys.stdout.write(OWN_HELP)
        return
    with _or_try_again() if command == "receive" else nullcontext():
        _run(command)


def _run(command: str) -> None:
    try:
        chosen = environment.read()
        if command == "demo":
            from picketline.demo import stage

            stage.run(sys.argv[2:])
        elif command == "serve":
            _serve(chosen, sys.argv[2:])
        elif command == "database":
            _keep_database(chosen)
        else:
            _manage(command, chosen)
    except (environment.SettingsRefused, faults.DatabaseTrouble) as trouble:
        sys.exit(f"picketline: {trouble}")


@contextmanager
def _or_try_again() -> Iterator[None]:
    """Ends ``receive`` with a code that Postfix takes for "try again" where all else fails.

    Any code that pipe(8) does not know makes it return the message to its sender: a broken setting
    must not lose mail.
    """
    try:
        yield
    except SystemExit as end:
        if end.code in UNDERSTOOD:
            raise
        sys.stderr.write(f"{end.code}\n" if isinstance(end.code, str) else "")
        sys.exit(EX_TEMPFAIL)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the message must come again
        sys.stderr.write(f"picketline: {type(fault).__name__}\n")
        sys.exit(EX_TEMPFAIL)


def _manage(command: str, chosen: environment.Environment) -> None:
    from django.core.management import execute_from_command_line
    from django.db import OperationalError, ProgrammingError

    try:
        with _database_for(command, chosen):
            execute_from_command_line(["picketline", *sys.argv[1:]])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None):
            raise  # the server answered: it can be reached
        sys.exit(f"picketline: The database is out of reach: {error}")
    except ProgrammingError as error:
        if getattr(error.__cause__, "sqlstate", None) not in MISSING:
            raise
        sys.exit("picketline: The tables are missing or not up to date: picketline prepare.")


def _database_for(command: str, chosen: environment.Environment) -> AbstractContextManager[Any]:
    """The embedded server for the time of one command, unless it runs or is not wanted."""
    if chosen.database_url or command in WITHOUT_DATABASE or command in NEVER_STARTS_IT:
        return nullcontext()
    try:
        return postgres.start(chosen.data)
    except faults.AlreadyRunning:
        return nullcontext()


def _keep_database(chosen: environment.Environment) -> None:
    """``picketline database``: the embedded server in the foreground, until SIGTERM or Ctrl-C."""
    if chosen.database_url:
        raise environment.SettingsRefused("DATABASE_URL is set: there is no embedded database.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with postgres.start(chosen.data) as server:
        sys.stdout.write(f"database ready, process {server.pid}\n")
        sys.stdout.flush()
        while not stop.wait(1):
            if server.poll() is not None:
                raise faults.StartFailed("The database server ended by itself; see its log.")


def _serve(chosen: environment.Environment, arguments: list[str]) -> None:
    """``picketline serve``: becomes the public web server; granian's options may follow."""
    from picketline.host import web

    command = web.command(sys.executable, arguments)
    os.execv(command[0], command)  # noqa: S606 - our own interpreter, no shell


if __name__ == "__main__":
    main()
