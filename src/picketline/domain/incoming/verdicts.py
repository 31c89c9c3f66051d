"""Verdicts: what a message turned out to be, as whoever takes messages of its kind says."""

from __future__ import annotations

from dataclasses import dataclass

from picketline.models import IncomingMessage


@dataclass(frozen=True)
class Verdict:
    """The kind of a message and what is written into its row.

    ``reason`` is one of our own words. With ``readable`` the inert text is kept, sealed.
    """

    kind: IncomingMessage.Kind
    reason: str = ""
    permanent: bool | None = None
    enhanced_code: str = ""
    publication: str = ""
    readable: bool = False
