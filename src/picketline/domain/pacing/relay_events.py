"""What the relay's log says about the way behind the relay: whether domains answer, who refuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from picketline.domain.pacing import gates
from picketline.domain.pacing.breakers import Blocked, Letter, Signs, learn
from picketline.mail.outcomes import Cause, Phase, classify
from picketline.mail.postfix_log import Kind, LogEvent
from picketline.mail.replies import Reply

_OF_LETTERS = """
SELECT delivery.id, delivery.campaign_id, delivery.target_id,
       lower(split_part(version.address, '@', 2))
FROM picketline_delivery delivery
JOIN picketline_targetversion version ON version.id = delivery.target_version_id
WHERE delivery.id = ANY(%s) AND delivery.mail_class = 'letter'
"""
_TOLD = (Kind.SENT, Kind.DEFERRED, Kind.BOUNCED)


def note_relay_events(
    events: Sequence[tuple[int, LogEvent]], *, moment: datetime | None = None
) -> list[Blocked]:
    """Learn from lines of the log, in their order, each with the number of its delivery.

    Call it last in the transaction that writes them down. The result names what is paused from now
    on: organisers must be told.
    """
    told = [(number, event) for number, event in events if event.kind in _TOLD]
    if not told:
        return []
    letters = _letters([number for number, _ in told])
    signs = Signs()
    for number, event in told:
        if number in letters:
            _read(signs, letters[number], event)
    return learn(signs, moment)


def note_refusal(number: int) -> list[Blocked]:
    """A notice that came back says that this letter is refused as a matter of policy.

    Whoever refuses us by mail is left in peace as whoever does so in the dialogue. The result is
    that of ``note_relay_events``; nothing, where the mail is no letter.
    """
    return learn(Signs(refused=list(_letters([number]).values())))


def _letters(numbers: list[int]) -> dict[int, Letter]:
    with connection.cursor() as cursor:
        cursor.execute(_OF_LETTERS, [numbers])
        return {number: Letter(*where) for number, *where in cursor.fetchall()}


def _read(signs: Signs, letter: Letter, event: LogEvent) -> None:
    """A host that answers at all is there, even where it tells a stranger to come later."""
    cause = _cause(event)
    signs.add(gates.domain(letter.domain), cause is not Cause.RELAY)
    if event.kind is Kind.SENT or cause is Cause.MAILBOX_FULL:
        signs.add(gates.target(letter.target_id), event.kind is Kind.SENT)
    if event.kind is Kind.BOUNCED and cause is Cause.POLICY:
        signs.refused.append(letter)


def _cause(event: LogEvent) -> Cause:
    """Whose matter it is. Without an answer of the other server it is the way there."""
    if event.kind is Kind.SENT:
        return Cause.NONE
    if event.smtp_code is None:
        return Cause.RELAY if event.kind is Kind.DEFERRED else Cause.NONE
    # Postfix writes x.0.0 where the other server gave no code of that kind.
    enhanced = "" if event.dsn.endswith(".0.0") else event.dsn
    return classify(Phase.RCPT, Reply(event.smtp_code, (enhanced,))).cause
