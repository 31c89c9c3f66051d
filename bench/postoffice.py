"""The other side of the delivery benchmark: a sink for mail, and the least that fills it.

Postfix's smtp-sink and smtp-source where they are installed; otherwise ``bench.sink`` and a loop on
a bare socket.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
_SINK = shutil.which("smtp-sink", path=_PATH)
_SOURCE = shutil.which("smtp-source", path=_PATH)
_SENDER, _RECIPIENT = "b.limit@bounce.picketline.example", "office@target.example"


@dataclass(frozen=True)
class Letters:
    """So many messages of so many bytes, on one connection to this port on loopback."""

    port: int
    number: int
    octets: int


Sending = Callable[[Letters], None]


def sink_command(port: int) -> list[str]:
    """What starts the sink."""
    if _SINK is None:
        return [sys.executable, "-m", "bench.sink", str(port)]
    # As root it insists on becoming somebody else.
    unprivileged = ["-u", pwd.getpwnam("nobody").pw_name] if getpass.getuser() == "root" else []
    return [_SINK, *unprivileged, f"127.0.0.1:{port}", "100"]


def sink_name() -> str:
    """Which sink it is."""
    return "Postfix's smtp-sink" if _SINK else "bench/sink.py (no smtp-sink installed)"


def limits() -> dict[str, Sending]:
    """What only sends, by name; the first is the limit, the others are shown beside it."""
    if _SOURCE is None:
        return {"socket loop (no smtp-source installed)": _by_socket}
    return {
        f"smtp-source {' '.join(options)}": partial(_by_smtp_source, options)
        for options in (("-s", "1"), ("-d", "-s", "1"), ("-d", "-s", "8"))
    }


def _by_smtp_source(options: tuple[str, ...], letters: Letters) -> None:
    """``-s`` sessions at once; with ``-d`` each is kept for all its messages."""
    command = [
        *(_SOURCE or "", *options),
        *("-m", str(letters.number), "-l", str(letters.octets)),
        *("-f", _SENDER, "-t", _RECIPIENT, f"127.0.0.1:{letters.port}"),
    ]
    subprocess.run(command, check=True)


def _by_socket(letters: Letters) -> None:
    """Envelope in one write, message in another, and no look at anything but the answers."""
    envelope = f"MAIL FROM:<{_SENDER}>\r\nRCPT TO:<{_RECIPIENT}>\r\nDATA\r\n".encode()
    lines = letters.octets // 78 + 1
    message = b"Subject: limit\r\n\r\n" + (b"x" * 76 + b"\r\n") * lines + b".\r\n"
    with socket.create_connection(("127.0.0.1", letters.port), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = connection.makefile("rb")
        _expect(answers.readline(), b"220")
        connection.sendall(b"EHLO letters.picketline.example\r\n")
        while answers.readline()[3:4] == b"-":
            pass
        for _ in range(letters.number):
            connection.sendall(envelope)
            for code in (b"250", b"250", b"354"):
                _expect(answers.readline(), code)
            connection.sendall(message)
            _expect(answers.readline(), b"250")


def _expect(answer: bytes, code: bytes) -> None:
    if not answer.startswith(code):
        sys.exit(f"The sink answered {answer!r} where {code!r} was expected.")
