"""Stretches: since when no line of a relay's log can be missing.

No clock orders a stretch and an attempt: a clock may be set. A stretch's number is drawn from the
sequence that gives leases their tokens, so an attempt with a higher token was claimed after the
stretch began, whatever any clock said meanwhile. The times are for people.

Beside the stretches of a relay's log, two more series are kept under names that no relay can have:
when Postfix was last started, and under which boot of the host its log was read.
"""

from __future__ import annotations

from pathlib import Path

from django.db import connection

# Of a log that keeps being unreliable one empty stretch is kept, and moved along.
_MOVE_ALONG = """
UPDATE picketline_relayhealth
SET id = nextval('picketline_lease'), whole_from = moment, whole_until = moment
FROM clock_timestamp() AS moment
WHERE id = (SELECT max(id) FROM picketline_relayhealth WHERE relay = %(relay)s)
  AND whole_until = whole_from
"""
_BEGIN = """
INSERT INTO picketline_relayhealth (id, relay, whole_from, whole_until)
SELECT nextval('picketline_lease'), %(relay)s, moment, moment FROM clock_timestamp() AS moment
"""
_EXTEND = """
UPDATE picketline_relayhealth SET whole_until = clock_timestamp()
WHERE id = (SELECT max(id) FROM picketline_relayhealth WHERE relay = %(relay)s)
"""
_SINCE = "SELECT coalesce(max(id), 0) FROM picketline_relayhealth WHERE relay = %(relay)s"


def begin(relay: str) -> None:
    """Lines may be missing up to this moment: a new stretch begins, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_ALONG, {"relay": relay})
        if not cursor.rowcount:
            cursor.execute(_BEGIN, {"relay": relay})


def extend(relay: str) -> None:
    """The log was read to this moment and is whole."""
    with connection.cursor() as cursor:
        cursor.execute(_EXTEND, {"relay": relay})


def whole_since(relay: str) -> int | None:
    """Attempts with a higher lease token than this are covered by the log; None: none are."""
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, {"relay": relay})
        return int(cursor.fetchone()[0]) or None


def note_start(relay: str) -> None:
    """Postfix was started anew: lines that were on their way when it ended are lost."""
    begin(f"{relay}/run")


def run_since(relay: str) -> int:
    """Attempts with a higher lease token than this were made in the present run of Postfix."""
    return whole_since(f"{relay}/run") or 0


def note_boot(relay: str) -> None:
    """Begin a new stretch if the host was started anew since anybody noted it.

    What was written to the log in the last moments may never have reached the disk.
    """
    this_boot = f"{relay}/boot/{boot_id()}"
    if whole_since(this_boot) is None:
        begin(relay)
        begin(this_boot)


def boot_id() -> str:
    """Differs from boot to boot; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:12]
    except OSError:
        return ""
