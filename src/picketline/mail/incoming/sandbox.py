"""Examining a message from outside in a process of its own, which may die of it.

That process inherits no secret: an empty environment, no open file, no Django. It holds itself
to the limits of `examination`, and this side to the time and the amount that it waits for.
"""

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

from picketline.mail.incoming import report
from picketline.mail.incoming.limits import MAX_MESSAGE
from picketline.mail.incoming.report import Report

SECONDS = 30  # by the clock, DNS included
MAX_ANSWER = 2 * 1024 * 1024  # bytes; ten times the longest report
_REFUSED = 65  # `examination.REFUSED`, which cannot be imported where there are no limits
_PIECE = 64 * 1024
_TOO_LONG = "the examination took too long"


class NotExamined(Exception):
    """The message could not be examined and is to be kept unread. The text says why."""


def examine(
    raw: bytes, *, verify: bool = True, nameservers: tuple[str, ...] = (), seconds: float = SECONDS
) -> Report:
    """What a message says. With `verify`, its DKIM signatures are checked by DNS.

    `nameservers` are IP addresses, where not those of the system. Takes at most `seconds`.
    Raises NotExamined for whatever goes wrong in there: the message is the only one to blame.
    Raises OSError where no process can be started: then we are, and may be asked again.
    """
    if find_spec("resource") is None:
        raise NotExamined("this system cannot limit what a process takes")
    if len(raw) > MAX_MESSAGE:
        raise NotExamined("the message is too large")
    status, answer = _run(raw, ["verify" if verify else "trust", *nameservers], seconds)
    if status == _REFUSED:
        raise NotExamined(re.sub(r"[^ -~]", "?", answer[:200].decode("ascii", "replace")))
    if status:
        raise NotExamined(_death(status))
    try:
        return report.from_json(answer)
    except report.BadReport as error:
        raise NotExamined(f"the examination answered nonsense: {error}") from error


def _run(raw: bytes, arguments: list[str], seconds: float) -> tuple[int, bytes]:
    command = [sys.executable, "-s", "-S", "-P", "-B", "-m", "picketline.mail.incoming.examination"]
    with subprocess.Popen(  # noqa: S603 - our own interpreter, arguments of our own settings
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(filter(os.path.isabs, sys.path))},
        start_new_session=True,  # who ends the worker lets it end what it examines
    ) as process:
        try:
            return _converse(process, raw, time.monotonic() + seconds)
        finally:
            process.kill()


def _converse(process: subprocess.Popen[bytes], raw: bytes, deadline: float) -> tuple[int, bytes]:
    """Write the message, read the answer, both at once and neither for ever."""
    into, out = process.stdin, process.stdout
    if into is None or out is None:
        raise ValueError("a process with two pipes is needed")
    unsent, answer = memoryview(raw), bytearray()
    os.set_blocking(into.fileno(), False)
    with selectors.DefaultSelector() as pipes:
        pipes.register(into, selectors.EVENT_WRITE)
        pipes.register(out, selectors.EVENT_READ)
        while not out.closed:
            for key, _ in pipes.select(_left(deadline)):
                if key.fileobj is out:
                    answer += (piece := os.read(key.fd, _PIECE))
                    ended = None if piece else out
                else:
                    unsent = _written(key.fd, unsent)
                    ended = None if unsent else into
                if ended is not None:
                    pipes.unregister(ended)
                    ended.close()
            if len(answer) > MAX_ANSWER:
                raise NotExamined("the examination answered too much")
    try:
        return process.wait(_left(deadline)), bytes(answer)
    except subprocess.TimeoutExpired as error:
        raise NotExamined(_TOO_LONG) from error


def _written(pipe: int, octets: memoryview) -> memoryview:
    """What is still to be written; nothing where nobody reads any more."""
    try:
        return octets[os.write(pipe, octets[:_PIECE]) :]
    except BrokenPipeError:
        return octets[:0]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise NotExamined(_TOO_LONG)
    return left


def _death(status: int) -> str:
    if status < 0:
        return f"the examination was ended by {signal.Signals(-status).name}"
    return f"the examination failed with status {status}"
