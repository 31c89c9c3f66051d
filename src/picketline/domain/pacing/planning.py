"""Planning: how much of what waits a worker may take now, and whose turn it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle, islice

from picketline.domain.pacing import gates, lanes, shares
from picketline.domain.pacing.gates import Passage
from picketline.domain.pacing.lanes import Lane, MailClass
from picketline.domain.streams import Stream, stream_of

# Lanes in hand for each mail wanted: what is due in one may be taken, and domains fill up.
SPARE = 2


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be claimed at a moment: so many letters of each lane, so many mails of each class.

    ``gates`` are all that any of these mails passes.
    """

    moment: datetime
    lanes: dict[int, Lane]
    letters: dict[int, int]
    notices: dict[MailClass, int]
    gates: dict[str, Passage]


def plan(limit: int, relay: str, moment: datetime | None = None) -> Plan:
    """What a worker may take now, at most ``limit`` mails. Call it in the claim's transaction."""
    now, clocks = lanes.enter(moment)
    found = lanes.passing(now, clocks, limit * SPARE)
    known = _gates(relay, found, now)
    if relay:
        limit = min(limit, known[gates.relay(relay)].room(now))
    letters = _letters(found, known, now, limit)
    notices = lanes.notices(now, limit)
    waiting = dict.fromkeys(Stream, 0)
    waiting[Stream.LETTERS] = len(letters)
    for mail_class, number in notices.items():
        waiting[stream_of(mail_class)] += number
    for stream in Stream:
        waiting[stream] = min(waiting[stream], known[gates.stream(stream)].room(now))
    places = shares.of_streams(limit, waiting)
    chosen = letters[: places[Stream.LETTERS]]
    return Plan(
        now,
        {lane.id: lane for lane in chosen},
        Counter(lane.id for lane in chosen),
        _of_classes(notices, places),
        known,
    )


def _gates(relay: str, found: Sequence[Lane], moment: datetime) -> dict[str, Passage]:
    """Every gate that a mail could pass now: of the relay, the streams and these lanes."""
    wanted = {gates.stream(each): gates.stream_pace(each) for each in Stream}
    wanted |= {gates.campaign(lane.campaign_id): 0 for lane in found}
    if relay:
        wanted[gates.relay(relay)] = 0
    for name, campaigns in _campaigns_by_domain(found).items():
        if len(campaigns) > 1:
            wanted |= {gates.share(each, name): 0 for each in campaigns}
    known = gates.fetch(wanted, moment)
    for lane in found:
        known[lane.target.name], known[lane.domain.name] = lane.target, lane.domain
    return known


def _campaigns_by_domain(found: Sequence[Lane]) -> dict[str, set[int]]:
    campaigns: dict[str, set[int]] = {}
    for lane in found:
        campaigns.setdefault(lane.domain_name, set()).add(lane.campaign_id)
    return campaigns


def _letters(
    found: Sequence[Lane], known: Mapping[str, Passage], moment: datetime, limit: int
) -> list[Lane]:
    """A lane for each letter that may go, campaigns taking turns, whoever waits longest first."""
    by_domain: dict[str, list[Lane]] = {}
    for lane in found:
        by_domain.setdefault(lane.domain_name, []).append(lane)
    by_campaign: dict[int, list[Lane]] = {}
    through = shares.in_turns(
        islice(_in_domain(there, known, moment, limit), there[0].domain.room(moment))
        for there in by_domain.values()
    )
    for lane in islice(through, limit * SPARE):
        by_campaign.setdefault(lane.campaign_id, []).append(lane)
    order = sorted(by_campaign, key=lambda each: _served(known, gates.campaign(each)))
    queues = [by_campaign[each] for each in order]
    return list(islice(shares.in_turns(queues), limit))


def _in_domain(
    found: Sequence[Lane], known: Mapping[str, Passage], moment: datetime, limit: int
) -> Iterator[Lane]:
    by_campaign: dict[int, dict[str, list[Lane]]] = {}
    for lane in shares.shuffled(found):
        targets = by_campaign.setdefault(lane.campaign_id, {})
        targets.setdefault(lane.target.name, []).append(lane)
    name = found[0].domain_name
    order = sorted(by_campaign, key=lambda each: _served(known, gates.share(each, name)))
    return shares.in_turns(
        shares.in_turns(_of_target(same, moment, limit) for same in by_campaign[each].values())
        for each in order
    )


def _of_target(found: Sequence[Lane], moment: datetime, limit: int) -> Iterator[Lane]:
    """Turns of the lanes of one target, as far as its gate has room."""
    room = min(found[0].target.room(moment), limit)
    return islice(cycle(found), room)


def _served(known: Mapping[str, Passage], name: str) -> float:
    passage = known.get(name)
    if passage is None or passage.last_served_at is None:
        return -math.inf
    return passage.last_served_at.timestamp()


def _of_classes(due: Mapping[MailClass, int], places: Mapping[Stream, int]) -> dict[MailClass, int]:
    """The places of each stream, spread over its classes in turns."""
    chosen: list[MailClass] = []
    for stream, number in places.items():
        queues = [[each] * count for each, count in due.items() if stream_of(each) is stream]
        chosen += islice(shares.in_turns(shares.shuffled(queues)), number)
    return Counter(chosen)
