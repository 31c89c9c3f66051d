r"""A small process that has messages examined and says what that took.

Reads `size\n` and so many octets, again and again; answers each with a line of JSON. It is small
because a process reports the memory of what it was before it became another one, too.
"""

from __future__ import annotations

import json
import resource
import sys

from picketline.mail.incoming.sandbox import NotExamined, examine

NOBODY = ("127.0.0.1:9",)  # no name server there: signatures stay unchecked, at once

while size := sys.stdin.buffer.readline():
    raw = sys.stdin.buffer.read(int(size))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        outcome = examine(raw, nameservers=NOBODY).kind.value
    except NotExamined as refusal:
        outcome = f"not examined: {refusal}"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(json.dumps([outcome, cpu, after.ru_maxrss / 1024]) + "\n")
    sys.stdout.flush()
