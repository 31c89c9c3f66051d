"""What became of a letter at the next server, and when to try again.

The classes are those that call for different action: an address to correct, a block that a
person must look at, a relay to leave in peace for a while. Rules are from RFC 5321 §4.2 and
RFC 3463; where a server's words and its code disagree, the code counts: texts are not guessed at.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from picketline.mail.replies import Reply

GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321 §4.5.4.1
MAILBOX_FULL_DELAY = timedelta(hours=2)
_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120, 240))
_JITTER = 0.2


class Phase(StrEnum):
    """How far the dialogue with the server had come."""

    LOCAL = "local"  # refused by ourselves, nothing was sent
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # the text is on its way, the final dot is not
    DOT = "dot"  # the final dot was sent


class Kind(StrEnum):
    """What the sender now knows."""

    ACCEPTED = "accepted"  # the server took responsibility
    TEMPORARY = "temporary"  # not accepted; try again later
    PERMANENT = "permanent"  # not accepted; the same again would be refused again
    UNCERTAIN = "uncertain"  # the dot was sent and no answer came: never guess


class Cause(StrEnum):
    """Whose matter a failure is."""

    NONE = "none"  # nothing to act on: accepted, or merely "later"
    ADDRESS = "address"  # the recipient does not exist
    POLICY = "policy"  # blocked: a person decides, it is never evaded
    MAILBOX_FULL = "mailbox-full"
    SENDER = "sender"  # our sending address or domain, not this letter
    RELAY = "relay"  # the server or the way to it, not this letter
    POISON = "poison"  # this message can never be sent as it is


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt.

    `code` and `enhanced` may be stored plainly; `text` may hold addresses: personal data.
    """

    kind: Kind
    phase: Phase
    cause: Cause
    code: int | None = None
    enhanced: str = ""
    text: str = ""


_OPENING = frozenset({Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.TLS, Phase.AUTH})
# Closing, hosts that take no mail, authentication: never about the letter (RFC 4954, RFC 7504).
_RELAY_CODES = frozenset({421, 454, 521, 530, 534, 535, 538})
_CAUSE_BY_ENHANCED = {
    "1.7": Cause.SENDER,
    "1.8": Cause.SENDER,
    "2.2": Cause.MAILBOX_FULL,
    "2.3": Cause.POISON,  # too long for this mailbox
    "3.4": Cause.POISON,  # too long for this system
    "4.1": Cause.ADDRESS,  # so Exchange Online refuses unknown recipients
}
_CAUSE_BY_SUBJECT = {
    "1": Cause.ADDRESS,
    "2": Cause.ADDRESS,
    "3": Cause.RELAY,
    "4": Cause.NONE,  # routing: 5.4.4 and its like pass, whatever the 5 says
    "5": Cause.RELAY,  # the syntax is ours and was checked; never one letter's fault
    "6": Cause.POISON,
    "7": Cause.POLICY,
}
_CAUSE_BY_CODE = {
    501: Cause.ADDRESS,
    550: Cause.ADDRESS,
    551: Cause.ADDRESS,
    552: Cause.MAILBOX_FULL,
    553: Cause.ADDRESS,
    554: Cause.POLICY,
    556: Cause.ADDRESS,
}
_FINAL_CAUSES = frozenset({Cause.ADDRESS, Cause.POLICY, Cause.POISON})


def classify(phase: Phase, reply: Reply) -> Outcome:
    """What a reply means that ended an attempt: any refusal, or whatever followed the dot."""
    kind, cause = _meaning(phase, reply)
    return Outcome(kind, phase, cause, reply.code, reply.enhanced, reply.text)


def of_a_relay(outcome: Outcome) -> Outcome:
    """The same where the server is a relay and not the recipient's own.

    A relay that refuses a recipient as a matter of policy refuses us: our address, our account or
    its own settings ("relay access denied"). No letter is to blame, and no recipient.
    """
    if outcome.cause is not Cause.POLICY or outcome.phase is Phase.DOT:
        return outcome
    return replace(outcome, kind=Kind.TEMPORARY, cause=Cause.SENDER)


def broken_off(phase: Phase, text: str) -> Outcome:
    """The connection failed in this phase: uncertain after the dot, harmless before it."""
    kind = Kind.UNCERTAIN if phase is Phase.DOT else Kind.TEMPORARY
    return Outcome(kind, phase, Cause.RELAY, text=text[:1000])


def poison(text: str) -> Outcome:
    """The message itself cannot be sent; nothing went over the wire."""
    return Outcome(Kind.PERMANENT, Phase.LOCAL, Cause.POISON, text=text)


def retry_delay(attempt: int, jitter: float, cause: Cause = Cause.NONE) -> timedelta:
    """The wait after failed attempt number `attempt` (from 1), ±20 % by `jitter` in [-1, 1].

    5, 15, 30 and 60 minutes, 2 hours, then every 4; a full mailbox gets 2 hours at once.
    """
    if attempt < 1 or not -1 <= jitter <= 1:
        raise ValueError("attempt counts from 1, jitter lies in [-1, 1]")
    delay = _DELAYS[min(attempt, len(_DELAYS)) - 1]
    if cause is Cause.MAILBOX_FULL:
        delay = max(delay, MAILBOX_FULL_DELAY)
    return delay * (1 + _JITTER * jitter)


def _meaning(phase: Phase, reply: Reply) -> tuple[Kind, Cause]:
    family = reply.code // 100
    if phase is Phase.DOT and family < 4:
        return (Kind.ACCEPTED, Cause.NONE) if family == 2 else (Kind.UNCERTAIN, Cause.RELAY)
    if family < 4 or phase in _OPENING or reply.code in _RELAY_CODES:
        return Kind.TEMPORARY, Cause.RELAY
    if family == 4:
        return Kind.TEMPORARY, _cause_of_delay(reply)
    cause = _cause_of_refusal(phase, reply)
    return (Kind.PERMANENT if cause in _FINAL_CAUSES else Kind.TEMPORARY), cause


def _cause_of_delay(reply: Reply) -> Cause:
    detail = reply.enhanced[2:]
    if detail == "2.2":
        return Cause.MAILBOX_FULL
    return Cause.RELAY if detail.startswith("3.") else Cause.NONE


def _cause_of_refusal(phase: Phase, reply: Reply) -> Cause:
    detail = reply.enhanced[2:]
    cause = _CAUSE_BY_ENHANCED.get(detail) or _CAUSE_BY_SUBJECT.get(detail.partition(".")[0])
    if phase is Phase.MAIL:
        return cause if cause is Cause.POISON else Cause.SENDER
    if cause is not None:
        return cause
    if reply.code == 550 and phase is not Phase.RCPT:
        return Cause.POLICY  # the recipient was taken before: it is the text that is not wanted
    return _CAUSE_BY_CODE.get(reply.code, Cause.RELAY)
