"""An eye on the database, and a hand on its clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from chaos.stage import RELAY

# What becomes uncertain is noted with the change itself, so that none is overlooked.
_NOTE_UNCLEAR = """
CREATE TABLE chaos_unclear (
    delivery bigint NOT NULL, since timestamptz NOT NULL, until timestamptz, became text
);
CREATE INDEX ON chaos_unclear (delivery) WHERE until IS NULL;
CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF old.state = 'uncertain' THEN
        UPDATE public.chaos_unclear SET until = clock_timestamp(), became = new.state
        WHERE delivery = new.id AND until IS NULL;
    ELSE
        INSERT INTO public.chaos_unclear VALUES (new.id, clock_timestamp());
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_note AFTER UPDATE OF state ON picketline_delivery FOR EACH ROW
    WHEN (old.state <> new.state AND 'uncertain' IN (old.state, new.state))
    EXECUTE FUNCTION chaos_note();
"""
_UNCLEAR = """
SELECT coalesce(became, 'left'), count(*),
       coalesce(extract(epoch FROM max(until - since)), 0)
FROM chaos_unclear GROUP BY 1
"""
# As if the clock of the database had been set: all that it compares with now() lies elsewhere.
_SHIFT_MAILS = """
LOCK TABLE picketline_delivery IN SHARE ROW EXCLUSIVE MODE;
UPDATE picketline_delivery SET due_at = due_at - {0}, lease_until = lease_until - {0},
    uncertain_since = uncertain_since - {0}
WHERE state IN ('queued', 'deferred', 'sending', 'uncertain')
"""
_SHIFT_GATES = """
UPDATE picketline_gate SET open_until = open_until - {0}, filled_at = filled_at - {0},
    last_served_at = last_served_at - {0}
"""
# A clock wakes nobody; workers would sleep for up to half a minute before they look.
_SHIFT_RELAY = """
SELECT pg_notify('picketline_due', '');
UPDATE picketline_relayprobe SET handed_at = handed_at - {0}, seen_at = seen_at - {0};
UPDATE picketline_relaylog SET read_at = read_at - {0}
"""
# The others are from before the log was whole, or before Postfix was started.
_OPEN_CASES = """
SELECT count(*) FROM picketline_delivery delivery
JOIN picketline_attempt attempt
  ON attempt.delivery_id = delivery.id AND attempt.lease_token = delivery.lease_token
WHERE delivery.state = 'uncertain'
  AND delivery.lease_token > (
    SELECT coalesce(max(id), 0) FROM picketline_relayhealth WHERE relay = %(log)s)
  AND (attempt.looked_for OR delivery.lease_token > (
    SELECT coalesce(max(id), 0) FROM picketline_relayhealth WHERE relay = %(run)s))
"""
_LETTERS = "SELECT id, message_id, state FROM picketline_delivery ORDER BY id"
_ENTRIES = "SELECT coalesce(sum(delta), 0) FROM picketline_countentry WHERE kind = 'letters'"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as the database knows it."""

    number: int
    message_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """How many times letters became uncertain, and what they became after that.

    ``longest`` is how long it took to settle one, in seconds.
    """

    there: int = 0
    absent: int = 0
    left: int = 0
    longest: float = 0.0

    @property
    def total(self) -> int:
        """Every time."""
        return self.there + self.absent + self.left


class Witness:
    """Looks from outside, as the owner; reconnects when the database has crashed."""

    def __init__(self, conninfo: Callable[[], str]) -> None:
        self._conninfo = conninfo
        self._connection: psycopg.Connection[Any] | None = None
        self._do(_NOTE_UNCLEAR)

    def states(self) -> dict[str, int]:
        """How many letters are in each state."""
        return dict(self._rows("SELECT state, count(*) FROM picketline_delivery GROUP BY 1"))

    def workers(self) -> set[str]:
        """The names under which workers are connected now."""
        return {
            name
            for (name,) in self._rows(
                "SELECT application_name FROM pg_stat_activity WHERE usename = 'picketline_worker'"
            )
        }

    def shift_clock(self, ahead: timedelta) -> bool:
        """Set the database's clock; False where somebody is in the way."""
        try:
            for shift in (_SHIFT_MAILS, _SHIFT_GATES, _SHIFT_RELAY):
                with self._connected().transaction():
                    self._do("SET LOCAL lock_timeout = '300ms'")
                    self._do(shift.format(f"interval '{int(ahead.total_seconds())} seconds'"))
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            return False
        return True

    def open_cases(self) -> int:
        """How many uncertain letters evidence may still settle."""
        values = {"log": RELAY, "run": f"{RELAY}/run"}
        return int(self._rows(_OPEN_CASES, values)[0][0])

    def unclear(self) -> Unclear:
        """What was uncertain, ever."""
        found = {became: (int(number), float(age)) for became, number, age in self._rows(_UNCLEAR)}
        counted = {became: number for became, (number, _) in found.items()}
        return Unclear(
            counted.get("accepted", 0) + counted.get("bounced", 0),
            counted.get("queued", 0),
            counted.get("left", 0),
            max((age for _, age in found.values()), default=0.0),
        )

    def letters(self) -> list[Letter]:
        """All letters."""
        return [Letter(*row) for row in self._rows(_LETTERS)]

    def public_number(self) -> int:
        """How many letters the site says that went out, once its journal is summed up."""
        return int(self._rows(_ENTRIES)[0][0])

    def disconnect(self) -> None:
        """Let go of the database, which is about to end."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._conninfo(), autocommit=True)
        return self._connection

    def _do(self, statement: str) -> None:
        self._connected().execute(statement.encode())

    def _rows(self, query: str, values: dict[str, str] | None = None) -> list[tuple[Any, ...]]:
        return self._connected().execute(query.encode(), values).fetchall()
