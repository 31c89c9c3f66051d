"""A real granian in front of ``tests.host.wrapped``, spoken to over plain sockets."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from picketline.host import web
from picketline.host.processes import Company, free_port, listens

ROOT = Path(__file__).parents[2]


@contextmanager
def granian(logs: Path, *options: str) -> Iterator[int]:
    """The port of a web server with one worker, until the end of the block."""
    port = free_port(0)
    command = web.command(
        sys.executable, options, port=port, workers=1, application="tests.host.wrapped:application"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    with Company(logs) as company:
        company.start("web", command, os.environ | {"PYTHONPATH": paths})
        company.wait_for("web", lambda: listens(port))
        yield port


def send(port: int, data: bytes) -> socket.socket:
    """A connection on which this much was sent; the caller closes it."""
    connection = socket.create_connection(("127.0.0.1", port), 20)
    connection.sendall(data)
    return connection


def talk(port: int, data: bytes) -> bytes:
    """What the server says to it, until it closes the connection."""
    with send(port, data) as connection:
        return hear(connection)


def hear(connection: socket.socket) -> bytes:
    """Everything until the server closes; a reset after its answer is an end like any other."""
    heard = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            heard += piece
    return heard
