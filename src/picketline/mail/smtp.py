"""An SMTP client that knows at every moment whether a letter can have been accepted.

A letter is *offered* (MAIL, RCPT, DATA and the whole text) and then *committed* (the final
dot). Between the two its intent can be made durable. Until the dot is sent the server must not
keep anything (RFC 5321 §4.1.1.4), so every failure up to there is safe to repeat; a failure
after it is `uncertain`. One recipient per transaction; connections are kept.

A letter whose intent is durable already is *handed over* in one go, and the envelope of the
following one goes ahead with it: then a letter costs one round trip.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from picketline.mail.envelopes import (
    ENVELOPE_TAKEN,
    Letter,
    Step,
    envelope_of,
    fault_of,
    joined,
    parts_us,
    stuffed,
)
from picketline.mail.opening import ConnectFailed, explained, open_dialogue
from picketline.mail.outcomes import Cause, Outcome, Phase, broken_off, classify, poison
from picketline.mail.replies import BadReply
from picketline.mail.routes import Route, RouteError, Security, Timeouts, parse_route
from picketline.mail.wire import Wire

__all__ = [
    "ConnectFailed",
    "Connection",
    "Letter",
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

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class OutOfTurn(Exception):
    """A call that does not fit what lies at the server: another letter, or another envelope."""


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


_IN_ONE_WRITE = 64 * 1024  # a longer text goes first, so that less can happen beside its dot


class Connection:
    """An open dialogue, for one thread. Leaving it as a context manager says QUIT."""

    def __init__(self, wire: Wire, extensions: dict[str, str], timeouts: Timeouts) -> None:
        self._wire = wire
        self._extensions = extensions
        self._timeouts = timeouts
        self._open = True
        self._reset_first = False
        self._pending: Pending | None = None
        self._ahead: tuple[Letter, list[Step]] | None = None

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
        """Whether a letter can go now: any, or the one whose envelope went ahead.

        Notices, without waiting, a server that hung up; not while answers to what went ahead
        are due.
        """
        if not self._open or self._pending is not None:
            return False
        if self._ahead is not None:
            return True
        try:
            quiet = self._wire.overheard() is None
        except (OSError, BadReply):
            quiet = False
        if not quiet:
            self.abandon()
        return quiet

    def offer(self, sender: str, recipient: str, data: bytes) -> Pending | Outcome:
        """Send the envelope and the whole message, but not the final dot.

        The arguments are a `Letter`'s. An Outcome means that the letter was not taken; look at
        `usable` before the next.
        """
        if self._ahead is not None:
            raise OutOfTurn("an envelope went ahead: hand its letter over, or abandon it first")
        refusal = self._begin(Letter(sender, recipient, data))
        if refusal is not None:
            return refusal
        try:
            self._wire.send(stuffed(data), self._timeouts.block)
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
        return self._end(b"", deadline, [])

    def hand_over(
        self, letter: Letter, *, deadline: float | None = None, following: Letter | None = None
    ) -> Outcome:
        """Send a whole letter whose intent is durable, and return what became of it.

        `deadline` is that of `commit`. To a server that takes it the envelope of `following`
        goes with the letter's dot (RFC 2920 §3.1); then `following` must be handed over next on
        this connection, unless it is abandoned or no longer `usable`. Whatever the server says
        to that envelope is the outcome of `following` and never of this letter.
        """
        refusal = self._begin(letter)
        if refusal is not None:
            return refusal
        text = stuffed(letter.data)
        if len(text) > _IN_ONE_WRITE:
            try:
                self._wire.send(text, self._timeouts.block)
            except OSError as error:
                return self._lost(Phase.BODY, error)
            text = b""
        steps = self._steps_ahead(following)
        outcome = self._end(text, deadline, steps)
        if self._open and following is not None and steps:
            self._ahead = following, steps
        return outcome

    def abandon(self) -> None:
        """Break off without the dot: the server must not keep what was offered."""
        self._pending = self._ahead = None
        if self._open:
            self._open = False
            self._wire.reset()

    def close(self) -> None:
        """QUIT, waiting a moment for the answer; with a letter or envelope pending, `abandon`."""
        if self._pending is not None or self._ahead is not None:
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

    def _begin(self, letter: Letter) -> Outcome | None:
        """Everything up to the text; why it does not come to that, if so."""
        if self._pending is not None:
            raise OutOfTurn("a letter is pending: commit or abandon it first")
        if self._ahead is not None:
            ahead, steps = self._ahead
            if letter != ahead:
                raise OutOfTurn("another letter's envelope went ahead: hand that one over")
            self._ahead = None
            return None if self._wire.heard(ENVELOPE_TAKEN) else self._answers(steps)
        if not self.usable:
            return broken_off(Phase.MAIL, "the connection is closed")
        fault = fault_of(letter, self._extensions)
        return poison(fault) if fault else self._envelope(letter)

    def _envelope(self, letter: Letter) -> Outcome | None:
        """The envelope, in one write where the server allows; the refusal, if any."""
        steps = envelope_of(letter, self._extensions)
        if self._reset_first:
            steps.insert(0, Step(Phase.MAIL, b"RSET\r\n", 2))
        batches = [steps] if "PIPELINING" in self._extensions else [[step] for step in steps]
        for batch in batches:
            try:
                self._wire.send(joined(batch), self._timeouts.command)
            except OSError as error:
                return self._lost(batch[0].phase, error)
            refusal = self._answers(batch)
            if refusal is not None:
                return refusal
        return None

    def _steps_ahead(self, following: Letter | None) -> list[Step]:
        """The envelope that may go ahead; none for a letter that will be refused as poison."""
        if following is None or "PIPELINING" not in self._extensions:
            return []
        if fault_of(following, self._extensions):
            return []
        return envelope_of(following, self._extensions)

    def _answers(self, steps: Sequence[Step]) -> Outcome | None:
        """Read the answers to all the steps; the first refusal, if any."""
        refusal: Outcome | None = None
        for phase, _, wanted in steps:
            try:
                reply = self._wire.read(self._patience(phase))
            except (OSError, BadReply) as error:
                lost = self._lost(phase, error)
                return refusal or lost
            if refusal is None and reply.code // 100 != wanted:
                refusal = classify(phase, reply)
            if parts_us(reply.code, wanted, refused=refusal is not None):
                self.abandon()
                return refusal
        self._reset_first = refusal is not None
        return refusal

    def _end(self, text: bytes, deadline: float | None, ahead: Sequence[Step]) -> Outcome:
        """The rest of the text, the dot and what goes ahead, in one write; the answer to the dot.

        A write that raises was not sent whole. If the dot is the end of it, the dot was not sent.
        """
        try:
            early = self._wire.overheard()
        except (OSError, BadReply) as error:
            return self._lost(Phase.BODY, error)
        if early is not None:
            self.abandon()
            return classify(Phase.BODY, early)
        if deadline is not None and boot_seconds() >= deadline:
            self.abandon()
            return broken_off(Phase.BODY, "the deadline passed before the dot")
        phase = Phase.DOT if ahead else Phase.BODY
        try:
            self._wire.send(b"%b.\r\n%b" % (text, joined(ahead)), self._timeouts.block)
            phase = Phase.DOT
            reply = self._wire.read(self._timeouts.after_dot)
        except (OSError, BadReply) as error:
            return self._lost(phase, error)
        outcome = classify(Phase.DOT, reply)
        if outcome.cause is Cause.RELAY:
            self.abandon()
        return outcome

    def _lost(self, phase: Phase, error: Exception) -> Outcome:
        self.abandon()
        return broken_off(phase, explained(error))

    def _patience(self, phase: Phase) -> float:
        return self._timeouts.data_init if phase is Phase.DATA else self._timeouts.command
