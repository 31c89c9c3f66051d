"""A mailbox on loopback: as much IMAP (RFC 3501, 6851) as fetching and moving messages asks for."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

USER, PASSWORD = "post", "s3cret word"
_LITERAL = re.compile(rb"BODY\.PEEK\[\]<0\.(\d+)>")


class Mailbox:
    """Folders of messages by UID. ``before`` is called with each command before it is obeyed."""

    def __init__(self, context: ssl.SSLContext, *, can_move: bool = True) -> None:
        self.folders: dict[str, dict[int, bytes]] = {"INBOX": {}}
        self.before: Callable[[str], object] = bool
        self.can_move = can_move
        self.context = context
        self.deleted: set[int] = set()
        self._last = 0
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._talk)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def put(self, raw: bytes, folder: str = "INBOX") -> None:
        """A message arrives."""
        self._last += 1
        self.folders[folder][self._last] = raw

    def contents(self, folder: str) -> list[bytes]:
        """The messages of a folder, the oldest first."""
        return list(self.folders.get(folder, {}).values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _talk(self, connection: socket.socket, _address: object, _server: object) -> None:
        with suppress(OSError), self.context.wrap_socket(connection, server_side=True) as safe:
            _Dialogue(self, safe).run()


class _Dialogue:
    """One client."""

    def __init__(self, mailbox: Mailbox, connection: ssl.SSLSocket) -> None:
        self.mailbox = mailbox
        self.lines = connection.makefile("rwb")
        self.folder = "INBOX"

    def run(self) -> None:
        with self.lines:
            self._say(b"* OK ready")
            while line := self.lines.readline():
                tag, _, rest = line.strip().partition(b" ")
                command = rest.decode()
                self.mailbox.before(command)
                answer = self._obey(command)
                self._say(tag + b" " + answer + b" so be it")
                if command.startswith("LOGOUT"):
                    return

    def _say(self, text: bytes) -> None:
        self.lines.write(text + b"\r\n")
        self.lines.flush()

    def _obey(self, command: str) -> bytes:
        name = command.split(" ")[0].upper()
        if name == "UID":
            name = "UID_" + command.split(" ")[1].upper()
        return getattr(self, f"_{name.lower()}", self._no)(command)

    def _no(self, _command: str) -> bytes:
        return b"BAD what"

    def _capability(self, _command: str) -> bytes:
        self._say(b"* CAPABILITY IMAP4rev1" + (b" MOVE" if self.mailbox.can_move else b""))
        return b"OK"

    def _login(self, command: str) -> bytes:
        return b"OK" if command == f'LOGIN "{USER}" "{PASSWORD}"' else b"NO wrong"

    def _logout(self, _command: str) -> bytes:
        self._say(b"* BYE")
        return b"OK"

    def _list(self, command: str) -> bytes:
        name = command.rpartition(" ")[2].strip('"')
        if name in self.mailbox.folders:
            self._say(f'* LIST () "/" "{name}"'.encode())
        return b"OK"

    def _create(self, command: str) -> bytes:
        self.mailbox.folders[command.rpartition(" ")[2].strip('"')] = {}
        return b"OK"

    def _select(self, command: str) -> bytes:
        self.folder = command.rpartition(" ")[2].strip('"')
        if self.folder not in self.mailbox.folders:
            return b"NO such folder"
        self._say(f"* {len(self._messages())} EXISTS".encode())
        return b"OK [READ-WRITE]"

    def _uid_search(self, _command: str) -> bytes:
        self._say(b"* SEARCH " + b" ".join(b"%d" % uid for uid in self._messages()))
        return b"OK"

    def _uid_fetch(self, command: str) -> bytes:
        uid = int(command.split(" ")[2])
        wanted = _LITERAL.search(command.encode())
        raw = self._messages().get(uid)
        if raw is not None and wanted is not None:
            piece = raw[: int(wanted[1])]
            head = b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n" % (uid, len(piece))
            self.lines.write(head + piece + b")\r\n")
        return b"OK"

    def _uid_move(self, command: str) -> bytes:
        if not self.mailbox.can_move:
            return b"BAD what"
        uid, folder = self._uid_and_folder(command)
        self.mailbox.folders[folder][uid] = self._messages().pop(uid)
        return b"OK"

    def _uid_copy(self, command: str) -> bytes:
        uid, folder = self._uid_and_folder(command)
        self.mailbox.folders[folder][uid] = self._messages()[uid]
        return b"OK"

    def _uid_store(self, command: str) -> bytes:
        self.mailbox.deleted.add(int(command.split(" ")[2]))
        return b"OK"

    def _expunge(self, _command: str) -> bytes:
        for uid in self.mailbox.deleted:
            self._messages().pop(uid, None)
        self.mailbox.deleted.clear()
        return b"OK"

    def _uid_and_folder(self, command: str) -> tuple[int, str]:
        parts = command.split(" ")
        return int(parts[2]), parts[3].strip('"')

    def _messages(self) -> dict[int, bytes]:
        return self.mailbox.folders[self.folder]
