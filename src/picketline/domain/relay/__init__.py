"""The relay: what its log and its queue tell of mails, and what follows for those unclear.

``log`` takes lines in, ``health`` knows since when none can be missing, ``probes`` shows that the
log is alive, ``resolving`` draws the conclusions, ``reporting`` tells people what stays unclear.
docs/delivery.md has the reasoning.
"""

from picketline.domain.relay.reporting import (
    Unresolved,
    check,
    tell_of_unclear,
    unresolved,
)
from picketline.domain.relay.resolving import Relay, Resolver, of_this_host

__all__ = [
    "Relay",
    "Resolver",
    "Unresolved",
    "check",
    "of_this_host",
    "tell_of_unclear",
    "unresolved",
]
