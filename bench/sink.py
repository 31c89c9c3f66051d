"""A mail server that takes everything and keeps nothing, where Postfix's is not installed.

``python -m bench.sink PORT`` serves on loopback until it is stopped.
"""

from __future__ import annotations

import socket
import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    """One connection. Commands may come several at a time (RFC 2920)."""

    def setup(self) -> None:
        """Answer at once: each answer is written whole."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def handle(self) -> None:
        """Until QUIT, or until the other side has gone."""
        self.wfile.write(b"220 sink.example\r\n")
        while command := self.rfile.readline():
            verb = command[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-sink.example\r\n250-8BITMIME\r\n250 PIPELINING\r\n")
            elif verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self._swallow()
                self.wfile.write(b"250 2.0.0 taken\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 2.0.0 ok\r\n")

    def _swallow(self) -> None:
        while self.rfile.readline() not in (b".\r\n", b""):
            pass


class Sink(socketserver.ThreadingTCPServer):
    """A thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Sink(("127.0.0.1", int(sys.argv[1])), Session) as server:
        server.serve_forever()
