"""Pacing: how fast mail goes out, to whom, and when it stops until a person looks."""

from picketline.domain.pacing.breakers import Blocked, note

__all__ = ["Blocked", "note"]
