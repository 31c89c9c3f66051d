"""A campaign as its folder holds it: what ``load`` takes and ``content_of`` gives back.

Plain values without rows or files. Entries say what is the same in every language; words say it in
one. Order matters everywhere: it is the order on the pages.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from picketline.models.facts import Precision

_ISO = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


@dataclass(frozen=True)
class When:
    """A date as exactly as its source gives it; ``on`` is the first day of that period."""

    on: datetime.date
    precision: Precision = Precision.DAY

    @classmethod
    def parse(cls, text: str) -> When:
        """Read ``2011``, ``2011-05`` or ``2011-05-24``. Raises ``ValueError``."""
        match = _ISO.fullmatch(text)
        if match is None:
            raise ValueError("no ISO date")
        year, month, day = match.groups()
        on = datetime.date(int(year), int(month or 1), int(day or 1))
        return cls(on, Precision.DAY if day else Precision.MONTH if month else Precision.YEAR)

    def __str__(self) -> str:
        """The ISO form, as exact as the date."""
        lengths = {Precision.YEAR: 4, Precision.MONTH: 7, Precision.DAY: 10}
        return self.on.isoformat()[: lengths[Precision(self.precision)]]


@dataclass(frozen=True, kw_only=True)
class OrganisationEntry:
    """Who publishes the campaign."""

    slug: str
    name: str
    website: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceEntry:
    """A published report."""

    key: str
    title: str
    publisher: str
    url: str
    published_on: datetime.date | None = None


@dataclass(frozen=True, kw_only=True)
class FactEntry:
    """One thing that happened. ``sources`` are keys, in the order of the campaign's sources."""

    key: str
    on: When
    sources: tuple[str, ...]
    review_by: datetime.date | None = None


@dataclass(frozen=True, kw_only=True)
class PersonEntry:
    """A person at risk, and how old what is known of them is."""

    key: str
    status_on: When
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DemandStep:
    """One move of a demand: a value of ``DemandStatus.Status``, with its date and evidence."""

    on: When
    status: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DemandEntry:
    """What the campaign asks for; ``history`` goes forward in time."""

    key: str
    history: tuple[DemandStep, ...]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast letters may come in, where that differs from the installation's pace.

    Office hours are Monday to Friday in ``time_zone``, an IANA name; both ends or none.
    """

    per_minute: float | None = None
    per_day: int | None = None
    office_from: datetime.time | None = None
    office_until: datetime.time | None = None
    time_zone: str = ""


@dataclass(frozen=True, kw_only=True)
class TargetEntry:
    """Who is written to. ``role`` is a value of ``Role``; ``owned_by`` a target's key, or empty."""

    key: str
    role: str
    language: str
    address: str
    owned_by: str = ""
    pace: Pace = Pace()


@dataclass(frozen=True, kw_only=True)
class PersonWords:
    """A person at risk in one language."""

    name: str
    who: str
    status: str


@dataclass(frozen=True, kw_only=True)
class DemandWords:
    """A demand in one language; ``history`` has a note for each step, by its ISO date."""

    text: str
    history: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class TargetWords:
    """A target in one language; ``salutation`` is empty where no letter needs it."""

    name: str
    about: str = ""
    salutation: str = ""


@dataclass(frozen=True, kw_only=True)
class CampaignWords:
    """The whole page in one language, by the keys of the entries. ``story`` is Markdown."""

    language: str
    title: str
    summary: str
    writing_prompt: str
    guidance: tuple[str, ...]
    story: str
    do_not_mention: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, PersonWords] = field(default_factory=dict)
    demands: Mapping[str, DemandWords] = field(default_factory=dict)
    targets: Mapping[str, TargetWords] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LetterDraft:
    """A model letter; ``role`` is empty for the general one, else a value of ``Role``."""

    language: str
    subject: str
    body: str
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class FolderContent:
    """A whole campaign; ``words`` and ``letters`` are in the order of language and role."""

    slug: str
    organisation: OrganisationEntry
    default_language: str
    copies: str
    addressing: str = "each"
    copy_addresses: tuple[str, ...] = ()
    opens_on: datetime.date | None = None
    closes_on: datetime.date | None = None
    sources: tuple[SourceEntry, ...] = ()
    facts: tuple[FactEntry, ...] = ()
    people: tuple[PersonEntry, ...] = ()
    demands: tuple[DemandEntry, ...] = ()
    targets: tuple[TargetEntry, ...] = ()
    words: tuple[CampaignWords, ...] = ()
    letters: tuple[LetterDraft, ...] = ()
