"""An outbox full of letters, the worker that empties it, and how fast that goes."""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from django.conf import settings

from bench.installation import SLUG
from bench.postoffice import Letters, Sending
from picketline.domain import campaigns, letters, submissions, supporters
from picketline.domain.handover import LARGE_BATCH, TOGETHER, Sender
from picketline.domain.outgoing import build
from picketline.domain.sealing import opened
from picketline.mail.addresses import EmailAddr
from picketline.mail.routes import Route, Security
from picketline.models import Consent, Delivery, Supporter

BATCH = LARGE_BATCH
LEASE = timedelta(seconds=120)
_SIGNATURE = letters.Signature(name="Ana Núñez", country="ES")
_OWN_WORDS = (
    "I have worked on oil rigs for twenty years, and I know what a winter without wages is.\n"
    "Please answer the people whose work your company lives on."
)


def fill(letters_in_a_round: int, *, rounds: int) -> int:
    """Confirmed writers for so many rounds and one to warm up, whose letters are all that is due.

    Returns how many letters a round has: whole writers only.
    """
    campaign = campaigns.find(SLUG)
    shown = letters.render(campaign, _OWN_WORDS, _SIGNATURE)
    writers = max(1, letters_in_a_round // len(shown))
    for number in range((rounds + 1) * writers):
        submission = submissions.Submission(
            own_words=_OWN_WORDS,
            signature=_SIGNATURE,
            address=EmailAddr(f"writer-{number:08}@mail.example"),
            page_language="en",
            replies=Supporter.Replies.ALIAS,
            consents=frozenset({Consent.Kind.SEND}),
        )
        submissions.submit(campaign, submission, shown)
    for supporter in list(Supporter.objects.unconfirmed().select_related("campaign", "sealed")):
        supporters.confirm(opened(supporter).token())
    Delivery.objects.exclude(mail_class=Delivery.MailClass.LETTER).delete()
    return writers * len(shown)


def octets() -> int:
    """The usual size of a letter: the mean over the targets."""
    sample = Delivery.objects.select_related(
        "campaign__organisation", "supporter__campaign", "supporter__sealed", "target_version"
    )
    sizes = [len(build(each).data) for each in sample.order_by("pk")[:8]]
    return sum(sizes) // len(sizes)


def worker(port: int) -> Sender:
    """A worker's hands with one connection, as where the relay's log tells of what it took."""
    route = Route("127.0.0.1", port, Security.NONE, ehlo=f"letters.{settings.MAIL_DOMAIN}")
    return Sender(route, LEASE, relay="bench", intents=TOGETHER)


def send(worker: Sender, number: int) -> float:
    """Letters per second while this worker sends so many, all of which must be accepted."""
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


def rate(send: Sending, letters: Letters) -> float:
    """Letters per second of a program that only sends."""
    started = time.perf_counter()
    send(letters)
    return letters.number / (time.perf_counter() - started)
