"""``picketline doctor``: whether the world will believe our mail, and what to publish if not."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from ipaddress import ip_address
from itertools import groupby
from time import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection

from picketline.domain import signing
from picketline.domain.keyring import NoPrivateKeysHere
from picketline.domain.streams import Stream
from picketline.mail import postqueue
from picketline.mail.dkim import dns_record
from picketline.mail.domain_check import asking, clock, examination, relay_limits, tls
from picketline.mail.domain_check.dkim import SigningKey
from picketline.mail.domain_check.findings import Finding, Level
from picketline.mail.routes import Route, parse_route
from picketline.seal.keys import KeyProblem

_DATABASE = "database server"
_SMTP_PORT, _NTP_PORT = 25, 123
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_SUMMED = {
    Level.FAULT: "faults",
    Level.WARNING: "warnings",
    Level.ADVICE: "advice",
    Level.OK: "in order",
}


class Command(BaseCommand):
    """Looks and changes nothing; its exit code is 1 where there is a fault."""

    help = "Check SPF, DKIM, DMARC, reverse names, MX, TLS and the clock; say what to publish."

    def add_arguments(self, parser: CommandParser) -> None:
        """Without arguments it asks the system's name servers about the mail domain."""
        parser.add_argument(
            "--domain", type=_host_name, help="Another mail domain than PICKETLINE_MAIL_DOMAIN."
        )
        parser.add_argument(
            "--address", nargs="+", type=ip_address, default=[], help="Where mail leaves from."
        )
        parser.add_argument(
            "--ehlo", type=_host_name, help="The name that your mail server says to others."
        )
        parser.add_argument("--nameserver", metavar="HOST[:PORT]", help="Whom to ask.")
        parser.add_argument("--time-server", metavar="HOST[:PORT]", help="Ask it for the time.")
        parser.add_argument(
            "--mx-tls",
            nargs="?",
            type=_port,
            const=_SMTP_PORT,
            metavar="PORT",
            help="Try STARTTLS at every mail exchanger, on port 25 or another.",
        )
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON.")

    def handle(self, *_args: object, **options: object) -> None:
        """Look at everything and report."""
        chosen = argparse.Namespace(**options)
        domain = chosen.domain or settings.MAIL_DOMAIN
        try:
            found = _examine(chosen, domain)
        except asking.NoServer as refusal:
            raise CommandError(str(refusal)) from None
        for line in _as_json(domain, found) if chosen.json else _report(domain, found):
            self.stdout.write(line)
        if any(finding.level is Level.FAULT for finding in found):
            sys.exit(1)


def _host_name(text: str) -> str:
    name = text.lower().rstrip(".")
    if not _HOST_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError("give a name in ASCII, like mail.example.org")
    return name


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError("give a number from 1 to 65535")
    return int(text)


def _examine(chosen: argparse.Namespace, domain: str) -> list[Finding]:
    servers = [chosen.nameserver] if chosen.nameserver else settings.NAMESERVERS
    asker = asking.asker(servers)
    route = parse_route(settings.SMTP_URL)
    who, found = examination.sender(asker, domain, chosen.ehlo or _own_name(route), chosen.address)
    keys, unreadable = _keys(domain)
    found += examination.domain(asker, who, keys) + unreadable + tls.relay(route)
    if chosen.mx_tls is not None:
        found += examination.exchangers(asker, who, list(Stream), chosen.mx_tls)
    return [*found, *_clocks(chosen.time_server), *_agreement()]


def _own_name(route: Route) -> str | None:
    """The name that the relay's clients hear, if the operator wrote one that means anything."""
    return None if route.ehlo == "localhost" or "[" in route.ehlo else route.ehlo.lower()


def _keys(domain: str) -> tuple[dict[str, list[SigningKey] | None], list[Finding]]:
    """The keys that sign each stream, and a finding for those that cannot be read."""
    keys: dict[str, list[SigningKey] | None] = {}
    found = []
    for stream in Stream:
        try:
            there = signing.keys_of(stream)
            keys[stream] = [SigningKey(key.selector, dns_record(key)) for key in there]
        except (KeyProblem, NoPrivateKeysHere) as problem:
            keys[stream] = None
            found.append(Finding("DKIM", f"{stream}.{domain}", Level.FAULT, str(problem)))
    return keys, found


def _clocks(time_server: str | None) -> Iterator[Finding]:
    yield _database_clock()
    if time_server:
        host, port = asking.host_and_port(time_server, _NTP_PORT)
        yield clock.by_time_server(host, port=port)


def _database_clock() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")  # so that the time to connect is no part of the answer's
            before = time()
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
            (theirs,) = cursor.fetchone() or (before,)
    except Error as error:
        reason = f"the database is out of reach ({type(error).__name__})"
        return clock.not_checked(_DATABASE, reason)
    return clock.drift(_DATABASE, (before + time()) / 2 - theirs)


def _agreement() -> Iterator[Finding]:
    if settings.POSTFIX_CONFIG is None:
        return
    try:
        waits = postqueue.smtpd_timeout(settings.POSTFIX_CONFIG)
    except postqueue.QueueUnreadable:
        waits = None
    yield relay_limits.timeouts(waits, settings.LEASE_SECONDS, settings.GRACE_SECONDS)


def _as_json(domain: str, found: Iterable[Finding]) -> Iterator[str]:
    findings = [asdict(finding) for finding in found]
    yield json.dumps({"domain": domain, "findings": findings}, indent=2)


def _report(domain: str, found: list[Finding]) -> Iterator[str]:
    """The findings below the names of their checks, then their numbers."""
    width = max(len(finding.subject) for finding in found)
    ordered = sorted(found, key=lambda finding: _places(found).index(finding.check))
    for check, findings in groupby(ordered, key=lambda finding: finding.check):
        yield f"{check}"
        for finding in findings:
            level = finding.level.upper() if finding.level is Level.FAULT else finding.level
            yield f"  {level:<8} {finding.subject:<{width}}  {finding.what}"
            yield from (f"{'':11}publish: {line}" for line in finding.publish.splitlines())
        yield ""
    numbers = Counter(finding.level for finding in found)
    said = ", ".join(f"{words} {numbers[level]}" for level, words in _SUMMED.items())
    yield f"{domain}: {said}."


def _places(found: list[Finding]) -> list[str]:
    """The checks, in the order they were made."""
    return list(dict.fromkeys(finding.check for finding in found))
