"""The clock: a wrong one spoils Date, the validity of signatures (RFC 6376 x=) and leases."""

from __future__ import annotations

import struct
from secrets import token_bytes
from socket import SOCK_DGRAM, getaddrinfo, socket
from time import time

from picketline.mail.domain_check.findings import Finding, Level

_CHECK = "clock"
_WARNING, _FAULT = 5.0, 60.0  # seconds
_SINCE_1900 = 2_208_988_800  # seconds from NTP's epoch to 1970: RFC 5905 §6
_CLIENT, _SERVER = 3, 4  # modes
_PACKET = struct.Struct("!BBBb11I")


class TimeUnknown(Exception):
    """The time server gave no usable time. The text says why, without a full stop."""


def drift(subject: str, ahead: float) -> Finding:
    """The finding about a host's clock that is `ahead` seconds before the subject's."""
    side = "ahead of" if ahead > 0 else "behind"
    off = abs(ahead)
    if off <= _WARNING:
        return Finding(_CHECK, subject, Level.OK, "This host's clock agrees with it.")
    level = Level.FAULT if off > _FAULT else Level.WARNING
    what = f"This host's clock is {off:.0f} seconds {side} it: let both follow a time server."
    return Finding(_CHECK, subject, level, what)


def not_checked(subject: str, reason: str) -> Finding:
    """The finding where the other clock could not be read."""
    return Finding(_CHECK, subject, Level.WARNING, f"This could not be checked: {reason}.")


def by_time_server(server: str, *, port: int = 123, patience: float = 5.0) -> Finding:
    """The finding of one SNTP question to a time server."""
    try:
        return drift(server, -_offset(server, port, patience))
    except (OSError, TimeUnknown) as error:
        return not_checked(server, str(error) or type(error).__name__)


def _offset(server: str, port: int, patience: float) -> float:
    """Seconds to add to our clock (RFC 4330 §5). Raises `OSError` and `TimeUnknown`."""
    family, kind, protocol, _, address = getaddrinfo(server, port, type=SOCK_DGRAM)[0]
    mark = token_bytes(8)  # what the server must repeat; it need not know our time
    with socket(family, kind, protocol) as wire:
        wire.settimeout(patience)
        wire.connect(address)
        asked = time()
        wire.send(bytes([4 << 3 | _CLIENT]) + bytes(39) + mark)
        answer = wire.recv(1024)
        answered = time()
    if len(answer) < _PACKET.size:
        raise TimeUnknown("the answer is too short")
    fields = _PACKET.unpack(answer[: _PACKET.size])
    if fields[0] & 7 != _SERVER or answer[24:32] != mark or not 0 < fields[1] < 16:
        raise TimeUnknown("the answer is none to our question, or the server has no time")
    arrived, left = (_seconds(*fields[first : first + 2]) for first in (11, 13))
    return ((arrived - asked) + (left - answered)) / 2


def _seconds(whole: int, part: int) -> float:
    """Seconds since 1970; numbers below 2**31 are of the era that begins in 2036."""
    era = 0 if whole & 0x8000_0000 else 1 << 32
    return whole + era - _SINCE_1900 + part / (1 << 32)
