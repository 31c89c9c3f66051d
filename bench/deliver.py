"""Delivering: the worker with all its bookkeeping, beside a program that only sends.

One worker, one connection, the same sink. The worker's database waits for the disk at each commit.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings

from bench import postoffice, rounds
from bench.installation import SLUG
from picketline.domain import campaigns, letters, submissions, supporters
from picketline.domain.handover import Sender
from picketline.domain.outgoing import build
from picketline.domain.sealing import opened
from picketline.host.processes import Company, free_port, listens
from picketline.mail.addresses import EmailAddr
from picketline.mail.routes import Route, Security
from picketline.models import Consent, Delivery, Supporter

LETTERS = 10_000
BATCH, INTENTS = 200, 100
LEASE = timedelta(seconds=120)
OURS = "worker"
_SIGNATURE = letters.Signature(name="Ana Núñez", country="ES")
_OWN_WORDS = (
    "I have worked on oil rigs for twenty years, and I know what a winter without wages is.\n"
    "Please answer the people whose work your company lives on."
)


def measure(size: rounds.Size) -> rounds.Report:
    """Letters per second, all of them accepted by the sink."""
    targets = len(letters.render(campaigns.find(SLUG), "", _SIGNATURE))
    a_round = max(targets, size.of(LETTERS) // size.rounds // targets * targets)
    _confirm_writers((size.rounds + 1) * a_round // targets)
    octets = _octets()
    limit, send = postoffice.limit()
    port = free_port(0)
    with tempfile.TemporaryDirectory() as logs, Company(Path(logs)) as company:
        company.start("sink", postoffice.sink_command(port), os.environ)
        company.wait_for("sink", partial(listens, port))
        ehlo = f"letters.{settings.MAIL_DOMAIN}"
        route = Route("127.0.0.1", port, Security.NONE, ehlo=ehlo)
        worker = Sender(route, LEASE, relay="bench", intents=INTENTS)
        contenders: dict[str, rounds.Contender] = {
            OURS: partial(_by_worker, worker, a_round),
            limit: partial(_by_limit, send, postoffice.Letters(port, a_round, octets)),
        }
        for contender in contenders.values():
            contender()
        details = {
            "letters": f"{a_round} a round, {octets:,} bytes each, unsigned",
            "sink": postoffice.sink_name(),
        }
        found = rounds.report("deliver", "letters", contenders, size, aim=None, details=details)
        worker.close()
    return found


def _confirm_writers(number: int) -> None:
    """So many confirmed writers, whose letters are all the mail that is due."""
    campaign = campaigns.find(SLUG)
    shown = letters.render(campaign, _OWN_WORDS, _SIGNATURE)
    for each in range(number):
        submission = submissions.Submission(
            own_words=_OWN_WORDS,
            signature=_SIGNATURE,
            address=EmailAddr(f"writer-{each:08}@mail.example"),
            page_language="en",
            replies=Supporter.Replies.ALIAS,
            consents=frozenset({Consent.Kind.SEND}),
        )
        submissions.submit(campaign, submission, shown)
    waiting = Supporter.objects.unconfirmed().select_related("campaign", "sealed")
    for supporter in list(waiting):
        supporters.confirm(opened(supporter).token())
    Delivery.objects.exclude(mail_class=Delivery.MailClass.LETTER).delete()


def _octets() -> int:
    """The usual size of a letter: the mean over the targets."""
    sample = Delivery.objects.select_related(
        "campaign", "supporter__campaign", "supporter__sealed", "target", "target_version"
    )
    sizes = [len(build(each).data) for each in sample.order_by("pk")[:8]]
    return sum(sizes) // len(sizes)


def _by_worker(worker: Sender, number: int) -> float:
    started = time.perf_counter()
    sent = 0
    while sent < number:
        claimed = worker.run_once(min(BATCH, number - sent))
        if not claimed:
            break
        sent += claimed
    seconds = time.perf_counter() - started
    others = Delivery.objects.filter(attempt_count__gt=0).exclude(state=Delivery.State.ACCEPTED)
    if sent != number or others.exists():
        sys.exit(f"The worker sent {sent} letters instead of {number}.")
    return number / seconds


def _by_limit(send: postoffice.Sending, letters: postoffice.Letters) -> float:
    started = time.perf_counter()
    send(letters)
    return letters.number / (time.perf_counter() - started)
