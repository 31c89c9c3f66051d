"""Breakers: what the answers to our mail say about the way it took.

Five failures in a row open a gate's breaker for a minute; then one mail passes to see. Where it
fails too, the wait doubles, up to an hour; a success closes the breaker. A refusal as a matter of
policy is no failure to wait out: it pauses the target until a person looks, and where three targets
of a domain have refused us, the domain. A block is never evaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection, transaction
from django.db.models import Q

from picketline.domain.pacing import gates
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Gate, TargetVersion

if TYPE_CHECKING:
    from picketline.domain.leases import Lease

FAILURES = 5
LONGEST = timedelta(minutes=60)
BLOCKED_TARGETS = 3
Breaker = Gate.Breaker


@dataclass(frozen=True, slots=True)
class Blocked:
    """A gate that is paused from now on because they refuse us: of a target, or of a domain.

    ``campaign_id`` and ``target_id`` are of the letter that was refused.
    """

    gate: str
    campaign_id: int
    target_id: int


class Letter(NamedTuple):
    """Where a letter went to. ``domain`` is in small letters."""

    campaign_id: int
    target_id: int
    domain: str


@dataclass
class Signs:
    """What was learnt of gates, in order: whether mail passed, or failed, or must stop at once."""

    passed: dict[str, list[bool]] = field(default_factory=dict)
    at_once: set[str] = field(default_factory=set)
    refused: list[Letter] = field(default_factory=list)

    def add(self, name: str, passed: bool) -> None:
        """One mail passed this gate or did not."""
        self.passed.setdefault(name, []).append(passed)

    @property
    def all_well(self) -> bool:
        """Whether nothing failed."""
        return not self.refused and not self.at_once and all(map(all, self.passed.values()))


def note(
    results: Sequence[tuple[Lease, Outcome]],
    *,
    relay: str,
    direct: bool = False,
    moment: datetime | None = None,
) -> list[Blocked]:
    """Learn from what became of a batch; call it last in the transaction that settles it.

    ``direct`` says that the server was the recipients' own, so that its answers are theirs. The
    result names what is paused from now on: organisers must be told.
    """
    signs = Signs()
    for lease, outcome in results:
        _read(signs, lease, outcome, relay, direct=direct)
    return learn(signs, moment)


def learn(signs: Signs, moment: datetime | None = None) -> list[Blocked]:
    """Write down what the signs say. One look at the gates' rows where all is well."""
    names = {*signs.passed, *signs.at_once}
    if signs.all_well:
        disturbed = Gate.objects.filter(~Q(breaker=Breaker.CLOSED) | Q(failures__gt=0))
        names = set(disturbed.filter(name__in=names).values_list("name", flat=True))
        if not names:
            return []
    with transaction.atomic():
        return _write_down(signs, names, moment)


def _write_down(signs: Signs, names: set[str], moment: datetime | None) -> list[Blocked]:
    places = {gate for each in signs.refused for gate in _places(each)}
    rows = _locked(names | places)
    now = moment or _now()
    for name in {*signs.passed, *signs.at_once} & rows.keys():
        _move(rows[name], signs.passed.get(name, []), now, at_once=name in signs.at_once)
    blocked = [each for letter in signs.refused for each in _pause(letter, rows, now)]
    Gate.objects.bulk_update(
        rows.values(),
        ["breaker", "failures", "openings", "open_until", "paused_by", "paused_at"],
    )
    return blocked


def _places(letter: Letter) -> tuple[str, str]:
    """The gates that a refusal of this letter may close: its target's, then its domain's."""
    return gates.target(letter.target_id), gates.domain(letter.domain)


def _read(signs: Signs, lease: Lease, outcome: Outcome, relay: str, *, direct: bool) -> None:
    if outcome.phase is Phase.LOCAL:
        return
    if relay:
        signs.add(gates.relay(relay), outcome.cause is not Cause.RELAY)
        if outcome.cause is Cause.SENDER or outcome.phase is Phase.AUTH:
            signs.at_once.add(gates.relay(relay))
    if not lease.domain or lease.target_id is None:
        return
    if direct:
        signs.add(gates.domain(lease.domain), outcome.cause is not Cause.RELAY)
        signs.add(gates.target(lease.target_id), outcome.cause is not Cause.MAILBOX_FULL)
    if outcome.kind is Kind.PERMANENT and outcome.cause is Cause.POLICY:
        signs.refused.append(Letter(lease.campaign_id, lease.target_id, lease.domain))


def _locked(names: Iterable[str]) -> dict[str, Gate]:
    """These rows, made where there are none, locked in the order in which everybody locks them."""
    wanted = sorted(names)
    Gate.objects.bulk_create([Gate(name=name) for name in wanted], ignore_conflicts=True)
    rows = Gate.objects.filter(name__in=wanted).order_by("name").select_for_update(no_key=True)
    return {row.name: row for row in rows}


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
    return now  # type: ignore[no-any-return]


def _move(gate: Gate, passed: Sequence[bool], now: datetime, *, at_once: bool) -> None:
    """What the breaker does after these signs. One that is open waits for its probe."""
    failed = 0
    for each in passed:
        if each:
            gate.breaker, gate.openings, gate.open_until = Breaker.CLOSED, 0, None
            failed = gate.failures = 0
        else:
            failed += 1
    gate.failures += failed
    trying = gate.breaker == Breaker.HALF_OPEN and failed
    if gate.breaker != Breaker.OPEN and (at_once or trying or gate.failures >= FAILURES):
        gate.openings += 1
        gate.breaker = Breaker.OPEN
        gate.open_until = now + min(LONGEST, timedelta(minutes=2 ** min(gate.openings - 1, 6)))


def _pause(letter: Letter, rows: Mapping[str, Gate], now: datetime) -> Iterator[Blocked]:
    """Pause the target, and its domain where too many there refuse us."""
    target, domain = _places(letter)
    for name in (target, domain):
        if name == domain and _refusing(letter.domain, rows) < BLOCKED_TARGETS:
            continue
        if not rows[name].paused_by:
            rows[name].paused_by, rows[name].paused_at = Gate.PausedBy.POLICY, now
            yield Blocked(name, letter.campaign_id, letter.target_id)


def _refusing(domain: str, rows: Mapping[str, Gate]) -> int:
    """How many targets of a domain are paused because they refuse us, with those in hand."""
    kept = Gate.objects.filter(paused_by=Gate.PausedBy.POLICY, name__startswith=gates.target(""))
    names = set(kept.values_list("name", flat=True))
    names |= {name for name, row in rows.items() if row.paused_by == Gate.PausedBy.POLICY}
    prefix = gates.target("")
    numbers = {int(name.removeprefix(prefix)) for name in names if name.startswith(prefix)}
    there = TargetVersion.objects.filter(target__in=numbers, address__iendswith=f"@{domain}")
    return there.values("target").distinct().count()
