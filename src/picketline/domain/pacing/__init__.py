"""Pacing: how fast mail goes out, to whom, and when it stops until a person looks.

``leases.claim`` asks it what may be claimed. Whoever settles mails tells it what became of them.
"""

from picketline.domain.pacing.breakers import Blocked, note
from picketline.domain.pacing.relay_events import note_refusal, note_relay_events
from picketline.domain.pacing.waiting import next_due

__all__ = ["Blocked", "next_due", "note", "note_refusal", "note_relay_events"]
