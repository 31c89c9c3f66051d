"""SMTP by hand: every octet is chosen by the test."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self

SENDER = "b.abcdefghijklmnopqrstuvwxyz@letters.picketline.example"
BOSS = "boss@target.example"


class Dialogue:
    """A connection to a server on loopback that has been greeted."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._answers = self._socket.makefile("rb")
        self._answer()
        self.say("EHLO letters.test")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._answers.close()
        self._socket.close()

    def say(self, line: str) -> str:
        """Say a line and hear the last line of the answer."""
        self.send(f"{line}\r\n".encode())
        return self._answer()

    def send(self, octets: bytes) -> None:
        """Send octets as they are, and hear nothing."""
        self._socket.sendall(octets)

    def open(self, sender: str, recipient: str) -> str:
        """Envelope and DATA; the answer to DATA."""
        self.say(f"MAIL FROM:<{sender}>")
        self.say(f"RCPT TO:<{recipient}>")
        return self.say("DATA")

    def heard(self) -> str:
        """One line of an answer."""
        return self._answers.readline().decode().rstrip()

    def _answer(self) -> str:
        while (line := self.heard())[3:4] == "-":
            pass
        return line


def text(message_id: str, body: str = "Free them.\r\n") -> bytes:
    """A message, its final dot not included."""
    head = f"From: camp@letters.picketline.example\r\nMessage-ID: <{message_id}>\r\n"
    return f"{head}Subject: Free them\r\n\r\n{body}".encode()


def hand_over(port: int, recipient: str, message: bytes, *, sender: str = SENDER) -> str:
    """Hand over a message; the queue id that it got."""
    with Dialogue(port) as dialogue:
        assert dialogue.open(sender, recipient).startswith("354")
        dialogue.send(message)
        answer = dialogue.say(".")
        dialogue.say("QUIT")
    assert answer.startswith("250 2.0.0 Ok: queued as ")
    return answer.rpartition(" ")[2]
