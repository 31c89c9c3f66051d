"""An SMTP client that knows at every moment whether a letter can have been accepted.

A letter is *offered* (MAIL, RCPT, DATA and the whole text) and then *committed* (the final
dot). Between the two its intent can be made durable. Until the dot is sent the server must not
keep anything (RFC 5321 §4.1.1.4), so every failure up to there is safe to repeat; a failure
after it is `uncertain`. One recipient per transaction; connections are kept.
"""

import re
import time
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from picketline.mail.opening import ConnectFailed, explained, open_dialogue
from picketline.mail.outcomes import Cause, Outcome, Phase, broken_off, classify, poison
from picketline.mail.replies import BadReply
from picketline.mail.routes import Route, RouteError, Security, Timeouts, parse_route
from picketline.mail.wire import Wire

__all__ = [
    "ConnectFailed",
    "Connection",
    "OutOfTurn",
    "Pending",
    "Route",
    "RouteError",
    "Security",
    "Timeouts",
    "boot_seconds",
    "connect",
    "parse_route",
]

_ADDRESS = re.compile(r"[!-;=?-~]{1,64}@[!-;=?-~]{1,255}")  # ASCII without <, > and spaces
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class OutOfTurn(Exception):
    """The caller offered while a letter is pending, or committed one that is not pending here."""


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A letter that lies at the server, whole but for the final dot. Good for one commit."""

    sender: str
    recipient: str
    size: int


def boot_seconds() -> float:
    """Seconds on a clock that nobody sets and that counts suspension, for `commit`'s deadline."""
    return time.clock_gettime(_BOOT_CLOCK)


def connect(route: Route) -> "Connection":
    """A connection ready for letters: TLS and AUTH done as the route asks.

    Raises `ConnectFailed`, whose outcome is always temporary: a server that no longer offers
    STARTTLS is one that is down.
    """
    wire, extensions = open_dialogue(route)
    return Connection(wire, extensions, route.timeouts)


class Connection:
    """An open dialogue, for one thread. Leaving it as a context manager says QUIT."""

    def __init__(self, wire: Wire, extensions: dict[str, str], timeouts: Timeouts) -> None:
        self._wire = wire
        self._extensions = extensions
        self._timeouts = timeouts
        self._open = True
        self._reset_first = False
        self._pending: Pending | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def usable(self) -> bool:
        """Whether a letter can be offered now. Notices, without waiting, a server that hung up."""
        if not self._open or self._pending is not None:
            return False
        try:
            quiet = self._wire.overheard() is None
        except (OSError, BadReply):
            quiet = False
        if not quiet:
            self.abandon()
        return quiet

    def offer(self, sender: str, recipient: str, data: bytes) -> Pending | Outcome:
        """Send the envelope and the whole message, but not the final dot.

        `sender` may be empty (the null sender); `data` has CRLF line ends, the last included.
        An Outcome means that the letter was not taken; look at `usable` before the next.
        """
        if self._pending is not None:
            raise OutOfTurn("a letter is pending: commit or abandon it first")
        if not self.usable:
            return broken_off(Phase.MAIL, "the connection is closed")
        fault = self._fault(sender, recipient, data)
        if fault:
            return poison(fault)
        refusal = self._envelope(sender, recipient, data)
        if refusal is not None:
            return refusal
        try:
            self._wire.send(_stuffed(data), self._timeouts.block)
        except OSError as error:
            return self._lost(Phase.BODY, error)
        self._pending = Pending(sender, recipient, len(data))
        return self._pending

    def commit(self, pending: Pending, *, deadline: float | None = None) -> Outcome:
        """Send the final dot and return what became of the letter; never raises for the network.

        Past `deadline` (on `boot_seconds`) the dot is not sent. A server that spoke or hung up
        before the dot cannot have the letter either; both outcomes are temporary.
        """
        if pending is not self._pending:
            raise OutOfTurn("this letter is not pending on this connection")
        self._pending = None
        try:
            early = self._wire.overheard()
            if early is not None:
                self.abandon()
                return classify(Phase.BODY, early)
            if deadline is not None and boot_seconds() >= deadline:
                self.abandon()
                return broken_off(Phase.BODY, "the deadline passed before the dot")
            self._wire.send(b".\r\n", self._timeouts.block)
        except (OSError, BadReply) as error:
            return self._lost(Phase.BODY, error)
        try:
            reply = self._wire.read(self._timeouts.after_dot)
        except (OSError, BadReply) as error:
            return self._lost(Phase.DOT, error)
        outcome = classify(Phase.DOT, reply)
        if outcome.cause is Cause.RELAY:
            self.abandon()
        return outcome

    def abandon(self) -> None:
        """Break off without the dot: the server must not keep what was offered."""
        self._pending = None
        if self._open:
            self._open = False
            self._wire.reset()

    def close(self) -> None:
        """QUIT, waiting a moment for the answer; with a letter pending, `abandon`."""
        if self._pending is not None:
            self.abandon()
        if not self._open:
            return
        self._open = False
        try:
            self._wire.send(b"QUIT\r\n", self._timeouts.quit)
            self._wire.read(self._timeouts.quit)
        except (OSError, BadReply):
            pass  # it was the last word either way
        finally:
            self._wire.close()

    def _lost(self, phase: Phase, error: Exception) -> Outcome:
        self.abandon()
        return broken_off(phase, explained(error))

    def _fault(self, sender: str, recipient: str, data: bytes) -> str:
        """Why this must not go over the wire at all; empty if it may."""
        if not _ADDRESS.fullmatch(recipient) or (sender and not _ADDRESS.fullmatch(sender)):
            return "an envelope address is not plain ASCII"
        ends = data.count(b"\r\n")
        if not data.endswith(b"\r\n") or data.count(b"\r") != ends or data.count(b"\n") != ends:
            return "the message has a line end other than CRLF"
        if b"\0" in data or max(map(len, data.split(b"\r\n"))) > 998:
            return "the message has a NUL or a line of more than 998 octets"
        if not data.isascii() and "8BITMIME" not in self._extensions:
            return "the message has octets above 127 and the server does not take them"
        limit = self._extensions.get("SIZE", "")
        if limit.isdecimal() and 0 < int(limit) < len(data):
            return "the message is larger than the server takes"
        return ""

    def _envelope(self, sender: str, recipient: str, data: bytes) -> Outcome | None:
        """MAIL, RCPT and DATA, in one write where the server allows; the refusal, if any."""
        size = f" SIZE={len(data)}" if "SIZE" in self._extensions else ""
        body = "" if data.isascii() else " BODY=8BITMIME"
        steps = [
            _Step(Phase.MAIL, f"MAIL FROM:<{sender}>{size}{body}\r\n".encode("ascii"), 2),
            _Step(Phase.RCPT, f"RCPT TO:<{recipient}>\r\n".encode("ascii"), 2),
            _Step(Phase.DATA, b"DATA\r\n", 3),
        ]
        if self._reset_first:
            steps.insert(0, _Step(Phase.MAIL, b"RSET\r\n", 2))
        batches = [steps] if "PIPELINING" in self._extensions else [[step] for step in steps]
        for batch in batches:
            refusal = self._exchange(batch)
            self._reset_first = refusal is not None
            if refusal is not None:
                return refusal
        return None

    def _exchange(self, steps: list["_Step"]) -> Outcome | None:
        """Send the steps in one write and read all their answers; the first refusal, if any."""
        refusal: Outcome | None = None
        phase = steps[0].phase
        try:
            self._wire.send(b"".join([step.line for step in steps]), self._timeouts.command)
            for phase, _, wanted in steps:
                reply = self._wire.read(self._patience(phase))
                family = reply.code // 100
                if reply.code == 421 or (refusal is not None and family == 3):
                    self.abandon()  # it closes, or waits for the text of a letter it refused
                if refusal is None and family != wanted:
                    refusal = classify(phase, reply)
                if not self._open:
                    break
        except (OSError, BadReply) as error:
            lost = self._lost(phase, error)
            return refusal or lost
        return refusal

    def _patience(self, phase: Phase) -> float:
        return self._timeouts.data_init if phase is Phase.DATA else self._timeouts.command


class _Step(NamedTuple):
    phase: Phase
    line: bytes
    wanted: int  # the first digit of the answer


def _stuffed(data: bytes) -> bytes:
    """The message in transparency of RFC 5321 §4.5.2."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if data.startswith(b".") else stuffed
