"""Deliveries: the one state column of the outbox, and what an attempt makes of it.

Every move is a compare-and-set: it names the state it starts from and, once a worker holds the
mail, the fencing token of the lease (``picketline.domain.leases``). A function that moves nothing
says so by its result; nobody writes without the current token.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from picketline.domain import counts, waking
from picketline.domain.leases import Lease, end_attempt, held
from picketline.mail.outcomes import GIVE_UP_AFTER, Cause, Kind, Outcome, retry_delay
from picketline.models import Delivery, Supporter

State = Delivery.State

MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.SENDING, State.CANCELLED}),
    State.DEFERRED: frozenset({State.SENDING, State.CANCELLED}),
    State.SENDING: frozenset(
        {
            State.QUEUED,
            State.ACCEPTED,
            State.BOUNCED,
            State.DEFERRED,
            State.FAILED,
            State.UNCERTAIN,
            State.CANCELLED,
        }
    ),
    State.UNCERTAIN: frozenset({State.QUEUED, State.ACCEPTED, State.BOUNCED, State.FAILED}),
    State.ACCEPTED: frozenset({State.BOUNCED}),
    State.FAILED: frozenset(),
    State.BOUNCED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""What may follow what; every move that a worker makes is checked against it."""

# A second confirmation or copy does no harm, so an unclear one is tried once more. A second letter
# would discredit the campaign, and a second campaign update is what people report as spam: unclear
# ones wait for evidence or for a person.
REPEATABLE = frozenset(
    {
        Delivery.MailClass.CONFIRMATION,
        Delivery.MailClass.WRITER_COPY,
        Delivery.MailClass.ORGANISER_COPY,
        Delivery.MailClass.ORGANISER_DIGEST,
        Delivery.MailClass.ORGANISER_NOTICE,
        Delivery.MailClass.FORWARDED_REPLY,
        Delivery.MailClass.THANKS,
    }
)

# Time in a suspended campaign's queue, or behind a mail server that was down, is nobody's refusal.
_TRIED_FOR = """
SELECT now() - min(started_at) FROM picketline_attempt
WHERE delivery_id = %s AND outcome NOT IN ('given back', 'crashed')
"""


class MoveForbidden(Exception):
    """The table of states has no such move: a fault in the program, never in the data."""


Result = tuple[Lease, Outcome]
"""An attempt, and what became of it."""

# In the order in which withdrawals take them: else the two could wait for one another, and if
# PostgreSQL ended the worker, a whole batch of results would be lost.
_LOCK = "SELECT FROM picketline_delivery WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

# One statement for a batch: what was accepted moves, its attempts end, its letters are counted. The
# relay's log may have told of a bounce before: such a letter went out and counts, too.
_ACCEPT = """
WITH result AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(tokens)s::bigint[], %(codes)s::int[],
                         %(enhanced)s::text[]) AS result (id, token, code, enhanced)
), moved AS (
    UPDATE picketline_delivery delivery
    SET state = CASE WHEN delivery.relay_status IN ('bounced', 'expired') THEN 'bounced'
                     ELSE 'accepted' END,
        lease_until = NULL, settled_at = now(), outcome = 'accepted',
        direct = %(direct)s, smtp_code = result.code, enhanced_code = result.enhanced
    FROM result
    WHERE delivery.id = result.id AND delivery.state = 'sending'
      AND delivery.lease_token = result.token
    RETURNING delivery.id, result.token, result.code, result.enhanced, delivery.campaign_id,
              delivery.mail_class
), ended AS (
    UPDATE picketline_attempt attempt
    SET phase = 'ended', ended_at = now(), outcome = 'accepted', smtp_code = moved.code,
        enhanced_code = moved.enhanced
    FROM moved WHERE attempt.delivery_id = moved.id AND attempt.lease_token = moved.token
), counted AS (
    INSERT INTO picketline_countentry (campaign_id, kind, delta, created_on, summed)
    SELECT campaign_id, 'letters', count(*), (now() AT TIME ZONE 'UTC')::date, false
    FROM moved WHERE mail_class = 'letter' GROUP BY campaign_id
)
SELECT id FROM moved
"""


def settle(lease: Lease, outcome: Outcome, *, direct: bool) -> bool:
    """Write down what became of an attempt. False, and nothing written, where the lease is lost."""
    return bool(settle_many([(lease, outcome)], direct=direct))


def settle_many(results: Sequence[Result], *, direct: bool) -> list[Result]:
    """Write down what became of several attempts, in one transaction.

    Returns those that were still ours; of the others nothing is written.
    """
    with transaction.atomic():
        _lock([lease.delivery_id for lease, _ in results])
        accepted = [each for each in results if each[1].kind is Kind.ACCEPTED]
        others = [each for each in results if each[1].kind is not Kind.ACCEPTED]
        settled = _accept(accepted, direct=direct) if accepted else []
        return settled + [each for each in others if _settle_other(*each, direct=direct)]


def _lock(numbers: list[int]) -> None:
    if len(numbers) > 1:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [numbers])


def _accept(results: Sequence[Result], *, direct: bool) -> list[Result]:
    _require_move(State.ACCEPTED)
    values: dict[str, Any] = {
        "ids": [lease.delivery_id for lease, _ in results],
        "tokens": [lease.token for lease, _ in results],
        "codes": [outcome.code for _, outcome in results],
        "enhanced": [outcome.enhanced[:12] for _, outcome in results],
        "direct": direct,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ACCEPT, values)
        moved = {row[0] for row in cursor.fetchall()}
    return [each for each in results if each[0].delivery_id in moved]


def _settle_other(lease: Lease, outcome: Outcome, *, direct: bool) -> bool:
    delivery = held(lease).select_for_update(no_key=True).first()
    if delivery is None:
        return False
    state, changes = _after(delivery, outcome)
    _leave(delivery, lease, state, outcome, direct=direct, **changes)
    return True


def cancel_unsent(*supporters: Supporter) -> int:
    """Cancel whatever of these supporters' mail no worker holds; returns how many.

    What a worker holds is marked: unless it goes out now, it never will.
    """
    mails = Delivery.objects.filter(supporter__in=supporters)
    open_states = (*Delivery.UNSENT_STATES, State.SENDING, State.UNCERTAIN)
    # In the order in which workers give mails back: else the two could wait for one another.
    still_open = mails.filter(state__in=open_states).order_by("pk").select_for_update(no_key=True)
    mails.filter(pk__in=[mail.pk for mail in still_open.only("pk")]).update(recalled=True)
    return _cancel(mails.filter(state__in=Delivery.UNSENT_STATES))


def given_back_too_late() -> QuerySet[Delivery]:
    """Mails that were withdrawn while a worker held them, and that it has given back unsent."""
    return Delivery.objects.filter(recalled=True, state__in=Delivery.UNSENT_STATES)


def cancel_ownerless() -> int:
    """Cancel what was given back after its supporter's row had been deleted; returns how many."""
    return _cancel(given_back_too_late().filter(supporter=None))


def _cancel(mails: QuerySet[Delivery]) -> int:
    return mails.update(
        state=State.CANCELLED, settled_at=Now(), outcome="withdrawn", budget_hash=None
    )


class NotUncertain(Exception):
    """Only an uncertain mail can be decided by a person; the message is a sentence."""


class Verdict(StrEnum):
    """What a person found out about an uncertain mail."""

    ACCEPTED = "accepted"
    RESEND = "resend"
    FAILED = "failed"


def decide(delivery_id: int, verdict: Verdict) -> None:
    """Settle an uncertain mail as a person who has read the mail server's log says.

    To be sent again it keeps its bytes and its Message-ID; one that its writer withdrew meanwhile
    is cancelled by the next chore instead. Raises ``NotUncertain``.
    """
    changes: dict[str, object] = {"state": State.QUEUED, "due_at": Now(), "uncertain_since": None}
    if verdict is not Verdict.RESEND:
        changes = {"state": State(verdict), "outcome": str(verdict), "settled_at": Now()}
    with transaction.atomic():
        mails = Delivery.objects.filter(pk=delivery_id, state=State.UNCERTAIN)
        letter = mails.filter(mail_class=Delivery.MailClass.LETTER).first()
        if not mails.update(**changes):
            raise NotUncertain(f"There is no uncertain mail with the number {delivery_id}.")
        if letter is not None and verdict is Verdict.ACCEPTED:
            counts.add(letter.campaign_id, counts.CountKind.LETTERS, 1)
        if verdict is Verdict.RESEND:
            waking.wake()


def states() -> dict[tuple[str, str], int]:
    """How many mails there are in each (class, state): for people and for monitoring."""
    rows: Iterable[tuple[str, str, int]]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mail_class, state, count(*) FROM picketline_delivery"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )
        rows = cursor.fetchall()
    return {(mail_class, state): number for mail_class, state, number in rows}


def _after(delivery: Delivery, outcome: Outcome) -> tuple[State, dict[str, object]]:
    """The state an attempt leads to, and what else changes with it."""
    if outcome.kind is Kind.UNCERTAIN:
        if delivery.mail_class in REPEATABLE and delivery.uncertain_since is None:
            return State.DEFERRED, {"uncertain_since": Now(), "due_at": Now() + _delay(delivery)}
        return State.UNCERTAIN, {"uncertain_since": Now()}
    if outcome.kind is Kind.PERMANENT and not _poison_may_pass(delivery, outcome):
        return State.FAILED, {"settled_at": Now()}
    return _later(delivery, outcome)


def _later(delivery: Delivery, outcome: Outcome) -> tuple[State, dict[str, object]]:
    with connection.cursor() as cursor:
        cursor.execute(_TRIED_FOR, [delivery.pk])
        (tried_for,) = cursor.fetchone()
    if tried_for > GIVE_UP_AFTER:
        return State.FAILED, {"settled_at": Now()}
    return State.DEFERRED, {"due_at": Now() + _delay(delivery, outcome.cause)}


def _poison_may_pass(delivery: Delivery, outcome: Outcome) -> bool:
    """A local fault is tried once more: a key that was missing may be there by then."""
    poisoned = outcome.cause is Cause.POISON
    return poisoned and not delivery.attempts.filter(outcome=outcome_name(outcome)).exists()


def _delay(delivery: Delivery, cause: Cause = Cause.NONE) -> timedelta:
    return retry_delay(max(delivery.attempt_count, 1), random.uniform(-1, 1), cause)  # noqa: S311 - spreads load


def _leave(
    delivery: Delivery,
    lease: Lease,
    state: State,
    outcome: Outcome,
    *,
    direct: bool,
    **changes: object,
) -> None:
    _require_move(state)
    name = outcome_name(outcome)
    codes = {"smtp_code": outcome.code, "enhanced_code": outcome.enhanced[:12]}
    held(lease).update(
        state=state, lease_until=None, outcome=name, direct=direct, **codes, **changes
    )
    end_attempt(lease, name, **codes)


def _require_move(state: State) -> None:
    if state not in MOVES[State.SENDING]:
        raise MoveForbidden(state)


def outcome_name(outcome: Outcome) -> str:
    """The class of an outcome in one word: its cause where there is one, else its kind."""
    return outcome.kind.value if outcome.cause is Cause.NONE else outcome.cause.value
