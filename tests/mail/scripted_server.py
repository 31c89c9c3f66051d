"""An SMTP server on loopback that follows a script of faults and notes what it saw.

It answers one connection after the other in a thread of its own. What it noted is complete
once its `with` block has ended.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self

_GUARD = 10.0  # seconds after which a stuck test fails instead of hanging


class Fault(Enum):
    """What the server does instead of answering."""

    DROP = "close the connection"
    SILENCE = "say nothing until the client goes away"
    DEAFNESS = "read nothing more"
    TRICKLE = "answer one octet at a time, for ever"


Answer = bytes | Fault


class Packets(Enum):
    """How answers to pipelined commands are spread over packets."""

    EACH = "one packet for each answer"
    TOGETHER = "one packet for all answers, once nothing more is there to be answered"
    OCTETS = "one packet for each octet"


PLAIN_OFFERS = ("PIPELINING", "SIZE 100000", "8BITMIME", "ENHANCEDSTATUSCODES")


@dataclass
class Script:
    """What the server says. A list of answers is used up, its last one stays.

    `answers` goes by verb, plus GREETING, TEXT (said once `text_size` octets of a message
    have come, without waiting for the dot) and DOT.
    """

    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    offers: tuple[str, ...] = PLAIN_OFFERS
    offers_in_tls: tuple[str, ...] = PLAIN_OFFERS
    tls: ssl.SSLContext | None = None
    tls_from_the_start: bool = False
    stores_before_dropping: bool = False
    closes_after_dot: bool = False
    text_size: int = 0
    packets: Packets = Packets.EACH


class _Gone(Exception):
    """The client has closed, or the script has."""


class ScriptedServer:
    """Listens from its creation on, answers within its `with` block."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.lines: list[bytes] = []  # commands, without their CRLF
        self.clear: bytes = b""  # every octet that came outside TLS
        self.messages: list[bytes] = []  # kept: their dot came; transparency undone
        self.text: bytes = b""  # of the message in progress, as it came
        self.said: list[bytes] = []  # answers, once they are on the wire
        self.packets: list[bytes] = []  # what was answered together, with `Packets.TOGETHER`
        self.connections = 0
        self.closed = 0  # connections that are over
        self.over = threading.Event()
        self._noted = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_GUARD)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(_GUARD)
        self._listener.close()
        assert not self._thread.is_alive(), "the client left its connection open"

    def wait_until(self, fact: Callable[[], bool]) -> None:
        """Return once a fact about what was noted is true."""
        with self._noted:
            assert self._noted.wait_for(fact, _GUARD)

    def _run(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            _Dialogue(self, peer).run()

    def note(self, change: Callable[[], None]) -> None:
        """Note something and wake whoever waits for it."""
        with self._noted:
            change()
            self._noted.notify_all()


class _Dialogue:
    def __init__(self, server: ScriptedServer, peer: socket.socket) -> None:
        self._server = server
        self._script = server.script
        self._peer = peer
        self._peer.settimeout(_GUARD)
        self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self._unsaid = b""
        self._in_tls = False
        self._refused = False

    def run(self) -> None:
        try:
            if self._script.tls_from_the_start:
                self._protect()
            self._say("GREETING", b"220 relay.example ESMTP\r\n")
            while True:
                self._answer(self._line())
        except (_Gone, OSError):
            pass
        finally:
            with suppress(OSError):
                self._flush()
            self._peer.close()
            self._server.note(lambda: setattr(self._server, "closed", self._server.closed + 1))

    def _answer(self, line: bytes) -> None:
        self._server.lines.append(line)
        verb = line.split(b" ")[0].decode().upper()
        said = self._say(verb, self._usual(verb))
        if verb in ("MAIL", "RCPT"):
            self._refused = said[:1] != b"2" or (self._refused and verb == "RCPT")
        if verb == "QUIT":
            raise _Gone
        if verb == "STARTTLS" and said.startswith(b"220"):
            self._protect()
        if verb == "DATA" and said.startswith(b"354"):
            self._message()

    def _usual(self, verb: str) -> bytes:
        if verb == "EHLO":
            offers = self._script.offers_in_tls if self._in_tls else self._script.offers
            lines = ["relay.example", *offers]
            marks = ["-"] * (len(lines) - 1) + [" "]
            return "".join(
                f"250{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True)
            ).encode()
        if verb == "DATA" and self._refused:
            return b"554 5.5.1 no valid recipients\r\n"
        usual = {"DATA": b"354 go on\r\n", "QUIT": b"221 bye\r\n", "STARTTLS": b"220 go on\r\n"}
        return usual.get(verb, b"250 2.0.0 ok\r\n")

    def _message(self) -> None:
        self._server.note(lambda: setattr(self._server, "text", b""))
        while b"\r\n.\r\n" not in self._received:
            if self._script.text_size and len(self._received) >= self._script.text_size:
                self._say("TEXT", b"")
            self._receive()
            self._server.note(lambda: setattr(self._server, "text", self._received))
        text, _, self._received = self._received.partition(b"\r\n.\r\n")
        answer = self._scripted("DOT", b"250 2.0.0 Ok: queued as 4XyZ12\r\n")
        kept = answer[:1] == b"2" if isinstance(answer, bytes) else False
        if kept or (answer is Fault.DROP and self._script.stores_before_dropping):
            plain = (b"\r\n" + text).replace(b"\r\n.", b"\r\n")[2:] + b"\r\n"
            self._server.note(lambda: self._server.messages.append(plain))
        self._perform(answer)
        if self._script.closes_after_dot:
            raise _Gone

    def _say(self, moment: str, usual: bytes) -> bytes:
        return self._perform(self._scripted(moment, usual))

    def _scripted(self, moment: str, usual: Answer) -> Answer:
        answer = self._script.answers.get(moment, usual)
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    def _perform(self, answer: Answer) -> bytes:
        if answer is Fault.DROP:
            raise _Gone
        if isinstance(answer, bytes):
            self._send(answer)
            self._server.note(lambda: self._server.said.append(answer))
            return answer
        while answer is Fault.TRICKLE and not self._server.over.wait(0.02):
            self._peer.sendall(b"2")
        while answer is Fault.SILENCE:
            self._receive()
        self._server.over.wait(_GUARD)
        raise _Gone

    def _send(self, answer: bytes) -> None:
        if self._script.packets is Packets.TOGETHER:
            self._unsaid += answer
        elif self._script.packets is Packets.OCTETS:
            for octet in answer:
                self._peer.sendall(bytes([octet]))
        else:
            self._peer.sendall(answer)

    def _flush(self) -> None:
        if self._unsaid:
            self._server.packets.append(self._unsaid)
            self._peer.sendall(self._unsaid)
            self._unsaid = b""

    def _line(self) -> bytes:
        while b"\r\n" not in self._received:
            self._receive()
        line, _, self._received = self._received.partition(b"\r\n")
        return line

    def _receive(self) -> None:
        self._flush()
        octets = self._peer.recv(65536)
        if not octets:
            raise _Gone
        self._received += octets
        if not self._in_tls:
            self._server.clear += octets

    def _protect(self) -> None:
        assert self._script.tls is not None
        self._peer = self._script.tls.wrap_socket(self._peer, server_side=True)
        self._in_tls = True
