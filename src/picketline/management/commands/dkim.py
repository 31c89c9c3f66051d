"""``picketline dkim``: the keys that sign our mail, and the DNS records that publish them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from picketline.domain import signing
from picketline.domain.streams import Stream
from picketline.mail.dkim import DkimKey, KeyKind, dns_record
from picketline.seal.keys import KeyProblem

_KINDS = {"both": tuple(KeyKind), **{str(kind): (kind,) for kind in KeyKind}}
_STRING = 255  # octets: the most that one string of a TXT record holds (RFC 1035 §3.3)


class Command(BaseCommand):
    """Make keys and say what to publish; nothing is ever overwritten."""

    help = "Make DKIM keys, and show the DNS records to publish."

    def add_arguments(self, parser: CommandParser) -> None:
        """The two sub-commands."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        new = verbs.add_parser("new", help="Make this month's keys where they are missing.")
        new.add_argument("--kind", choices=_KINDS, default="both")
        show = verbs.add_parser("show", help="Show the records of the keys that are there.")
        for verb in (new, show):
            verb.add_argument("--stream", nargs="+", choices=list(Stream), default=list(Stream))
            verb.add_argument(
                "--zone", action="store_true", help="Show lines for a zone file instead."
            )

    def handle(self, *_args: object, **options: object) -> None:
        """Do it, and print one record for each key."""
        if settings.PROCESS not in ("owner", "worker"):
            raise CommandError("Set PICKETLINE_PROCESS=owner: other processes have no such keys.")
        chosen = argparse.Namespace(**options)
        streams = [Stream(name) for name in chosen.stream]
        try:
            if chosen.verb == "new":
                _make(streams, _KINDS[chosen.kind])
            keys = [key for stream in streams for key in signing.keys_of(stream)]
        except (KeyProblem, OSError) as problem:
            raise CommandError(str(problem)) from None
        if not keys:
            self.stdout.write("There are no keys: make some with picketline dkim new.")
        for line in _zone_lines(keys) if chosen.zone else _lines(keys):
            self.stdout.write(line)


def _make(streams: list[Stream], kinds: tuple[KeyKind, ...]) -> None:
    for stream in streams:
        for kind in kinds:
            signing.make_key(stream, kind, timezone.now().date())


def _lines(keys: list[DkimKey]) -> Iterator[str]:
    """Name, type and value on lines of their own, as forms of DNS providers ask for them."""
    for key in keys:
        yield f"Name:  {key.record_name}\nType:  TXT\nValue: {dns_record(key)}\n"


def _zone_lines(keys: list[DkimKey]) -> Iterator[str]:
    for key in keys:
        value = dns_record(key)
        strings = [value[start : start + _STRING] for start in range(0, len(value), _STRING)]
        quoted = " ".join(f'"{string}"' for string in strings)
        yield f"{key.record_name}. IN TXT {quoted}"
