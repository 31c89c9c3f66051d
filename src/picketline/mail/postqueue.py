"""What a Postfix on this host says about its queue and itself, by its own commands.

Every function takes the configuration folder of the instance, or None for the host's main one. For
users other than root, that folder must stand in ``alternate_config_directories`` or
``multi_instance_directories`` of the main instance's main.cf, or ``postqueue`` refuses it.
"""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 30.0  # seconds; a queue of 100,000 messages is listed in a few

_NULL = "MAILER-DAEMON"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIME = re.compile(r"([0-9]{1,9})([smhdw]?)")
_CHOICE = re.compile(r"\$\{\w+\?\{?([0-9]+[smhdw]?)\}?:\{?([0-9]+[smhdw]?)\}?\}([smhdw]?)")


class QueueUnreadable(Exception):
    """Postfix gave no answer that can be relied on. The text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that Postfix has and has not delivered to everybody.

    ``queue_name`` is "incoming", "active", "deferred", "hold", "corrupt" or "maildrop". In the
    last one a message is not yet taken in. ``sender`` is the envelope sender, "" for the null
    sender (which Postfix shows as MAILER-DAEMON); ``recipients`` is how many are left.
    """

    queue_id: str
    queue_name: str
    sender: str
    recipients: int


def listing(config: Path | None) -> list[Queued]:
    """Every message in the queue. Raises `QueueUnreadable`; an empty list means an empty queue.

    The folders are read one after the other, so a message that is moved meanwhile can be missing.
    Moved for the first time it gets its line in the log just then: a message is absent only
    if it is not listed and a log that is read *afterwards* does not have it.
    """
    output = _run("postqueue", config, "-j")
    return [_entry(line) for line in output.splitlines()]


def smtpd_timeout(config: Path | None) -> int:
    """Seconds after which Postfix gives up a silent client: the longest that is configured.

    Counts main.cf, services in master.cf with a value of their own, and both branches of a value
    that depends on stress. Raises `QueueUnreadable`.
    """
    usual = _run("postconf", config, "-h", "smtpd_timeout").strip()
    if not _CHOICE.fullmatch(usual):
        usual = _run("postconf", config, "-h", "-x", "smtpd_timeout").strip()
    special = _run("postconf", config, "-P", "*/inet/smtpd_timeout").splitlines()
    values = [usual, *(line.partition("=")[2].strip() for line in special)]
    return max(map(_seconds, values))


def _seconds(text: str) -> int:
    choice = _CHOICE.fullmatch(text)
    times = [choice[1] + choice[3], choice[2] + choice[3]] if choice else [text]
    return max(_time(time) for time in times)


def _time(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise QueueUnreadable("The smtpd_timeout of Postfix is not a time that can be understood.")
    return int(match[1]) * _UNITS[match[2] or "s"]


def _entry(line: str) -> Queued:
    try:
        entry: Any = json.loads(line)
        texts = [entry[name] for name in ("queue_id", "queue_name", "sender")]
        recipients = len(entry["recipients"])
    except (ValueError, LookupError, TypeError):
        texts, recipients = [None], 0
    if not all(isinstance(text, str) for text in texts):
        raise QueueUnreadable("postqueue answered something that is not a queue.")
    queue_id, queue_name, sender = texts
    return Queued(queue_id, queue_name, "" if sender == _NULL else sender, recipients)


def _run(program: str, config: Path | None, *arguments: str) -> str:
    where = ["-c", str(config)] if config is not None else []
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are our own
            [program, *where, *arguments], capture_output=True, timeout=PATIENCE, check=False
        )
    except FileNotFoundError:
        raise QueueUnreadable(f"The program {program} is not on this host's path.") from None
    except subprocess.TimeoutExpired:
        raise QueueUnreadable(f"{program} did not answer within {PATIENCE:.0f} seconds.") from None
    except OSError as fault:
        raise QueueUnreadable(f"{program} cannot be run: {fault.strerror}.") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise QueueUnreadable(f"{program} failed: {said[-1] if said else 'it did not say why'}")
    return done.stdout.decode("utf-8", "replace")
