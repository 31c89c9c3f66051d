"""The end of a run: what the next hop has, beside what the database says of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser

from chaos.sink import Arrived
from chaos.witness import Letter

_QUEUE_ID = re.compile(r"\bby \S+ \(Postfix\) with E?SMTP id (\w+)")


@dataclass(frozen=True, slots=True)
class Copy:
    """A message at the very end: whose it is, and under which queue id the relay had it."""

    message_id: str
    queue_id: str


@dataclass(frozen=True)
class Verdict:
    """``lost`` and ``doubled`` are Message-IDs, and so are ``left`` and ``by_relay``.

    A letter is lost that is settled but never came, that was refused though nobody refuses, or that
    is unclear and that nobody was told of. One is doubled that was handed over twice. ``by_relay``
    came twice under one queue id: the relay delivered it again after its own crash, as RFC 1047
    says it must. ``left`` are unclear, and a person was told; ``left_there`` of them came.
    """

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    by_relay: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    left_there: int = 0

    @property
    def good(self) -> bool:
        """Nothing lost and nothing doubled."""
        return not self.lost and not self.doubled


def copies(arrived: Iterable[Arrived]) -> list[Copy]:
    """What came, one for each time."""
    return [_copy(each) for each in arrived]


def judge(letters: Sequence[Letter], arrived: Sequence[Copy], reported: Collection[str]) -> Verdict:
    """Compare. ``reported`` are the Message-IDs that a person is told to look after."""
    times = Counter(copy.message_id for copy in arrived)
    queue_ids: dict[str, set[str]] = {}
    for copy in arrived:
        queue_ids.setdefault(copy.message_id, set()).add(copy.queue_id)
    left = [
        letter.message_id
        for letter in letters
        if letter.state == "uncertain" and letter.message_id in reported
    ]
    twice = [message_id for message_id, number in times.items() if number > 1]
    return Verdict(
        lost=[letter.message_id for letter in letters if _is_lost(letter, times, left)],
        doubled=[each for each in twice if not _one_and_known(queue_ids[each])],
        by_relay=[each for each in twice if _one_and_known(queue_ids[each])],
        left=left,
        left_there=sum(1 for each in left if times[each]),
    )


def _is_lost(letter: Letter, times: Counter[str], left: Collection[str]) -> bool:
    if letter.state == "accepted":
        return not times[letter.message_id]
    return letter.message_id not in left


def _one_and_known(queue_ids: set[str]) -> bool:
    return len(queue_ids) == 1 and "" not in queue_ids


def _copy(message: Arrived) -> Copy:
    header = BytesHeaderParser().parsebytes(message.content)
    found = (_QUEUE_ID.search(line) for line in header.get_all("Received", []))
    queue_id = next((match[1] for match in found if match), "")
    return Copy(str(header["Message-ID"]).strip(), queue_id)
