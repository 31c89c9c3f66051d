"""Token buckets: how many mails may pass a gate at a moment.

In any stretch of T minutes at most ``burst(per_minute) + per_minute × T`` mails pass a bucket. The
burst is what ten seconds give, at least one mail, so that a bucket that was full lets through at
most a sixth more than its pace in any one minute, or one mail more.

A bucket is two values: it holds ``tokens`` at ``filled_at``, and ``per_minute`` more for each
minute. One that holds less than one token is written down as holding one at the moment when it
will; so "is there a token?" is "is ``filled_at`` past?", which the database can ask of many gates.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import NamedTuple

BURST_SECONDS = 10
_SECOND = timedelta(seconds=1)
_ROUNDING = timedelta(microseconds=1)


class Bucket(NamedTuple):
    """What a bucket held at a moment; both None: it was never used and is full."""

    tokens: float | None = None
    filled_at: datetime | None = None


def burst(per_minute: float) -> float:
    """How many mails may pass at once after a long rest."""
    return max(1.0, per_minute * BURST_SECONDS / 60)


def level(bucket: Bucket, per_minute: float, moment: datetime) -> float:
    """How many tokens there are; infinite where ``per_minute`` is 0, which means no limit.

    A bucket cannot be further from its next token than one token takes. One that seems to be has
    seen another clock, or a slower pace than today's, and is taken to hold that token now.
    """
    if not per_minute:
        return math.inf
    if bucket.tokens is None or bucket.filled_at is None:
        return burst(per_minute)
    gained = (moment - bucket.filled_at) / _SECOND * per_minute / 60
    if gained < -1.001:
        return 1.0
    return min(burst(per_minute), bucket.tokens + gained)


def spent(bucket: Bucket, per_minute: float, moment: datetime, number: int) -> Bucket:
    """The bucket after ``number`` mails, which must have been there to take."""
    if not per_minute:
        return bucket
    left = level(bucket, per_minute, moment) - number
    if left >= 1:
        return Bucket(left, moment)
    return Bucket(1.0, moment + (1 - left) * time_for(1, per_minute) + _ROUNDING)


def time_for(number: float, per_minute: float) -> timedelta:
    """How long a bucket takes to gain so many tokens."""
    return timedelta(minutes=number / per_minute) if per_minute else timedelta(0)
