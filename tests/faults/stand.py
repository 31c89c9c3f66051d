"""A stand for faults: letters that are due, both ways of sending them, and the count at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from tests import builders, postoffice, writers
from tests.domain.relay.fake_postfix import LEASE, NAME
from tests.postoffice import Peer

from picketline.domain.handover import Sender
from picketline.models import Delivery

State = Delivery.State
ALONE, TOGETHER = 1, 50
WAYS = pytest.mark.parametrize("intents", [ALONE, TOGETHER], ids=["one by one", "together"])
"""Each letter's intent in a commit of its own, or those of a batch in one."""


def letters(number: int) -> list[Delivery]:
    """So many letters, all due, and no other mail; the first ones are claimed first."""
    campaign = builders.campaign()
    for writer in range((number + 1) // 2):
        writers.confirmed(campaign, address=f"w{writer}@writers.example")
    Delivery.objects.exclude(mail_class=Delivery.MailClass.LETTER).delete()
    rows = list(Delivery.objects.order_by("pk"))
    Delivery.objects.filter(pk__in=[row.pk for row in rows[number:]]).delete()
    postoffice.make_due()
    return rows[:number]


def worker(port: int, intents: int, *, lease: timedelta = LEASE, **changes: Any) -> Sender:
    """A worker's hands; ``changes`` are of its route."""
    route = replace(postoffice.route(port), **changes)
    return Sender(route, lease, relay=NAME, intents=intents)


def send(peer: Peer, intents: int, rounds: int = 1, **choices: Any) -> None:
    """Workers, one after the other, send what is due; before each, whatever waits may go."""
    for _ in range(rounds):
        postoffice.make_due()
        hands = worker(peer.port, intents, **choices)
        try:
            hands.run_once()
        finally:
            hands.close()


def ends() -> list[tuple[str, str]]:
    """State and outcome of every letter, sorted."""
    mails = Delivery.objects.filter(mail_class=Delivery.MailClass.LETTER)
    return sorted(mails.values_list("state", "outcome"))


def kept(*peers: Peer) -> Counter[str]:
    """How often each letter is with the mail servers, by its Message-ID."""
    arrived = Counter(str(mail["Message-ID"]) for peer in peers for mail in peer.mails())
    mails = Delivery.objects.filter(mail_class=Delivery.MailClass.LETTER)
    known = mails.filter(message_id__in=list(arrived)).values_list("message_id", flat=True)
    return Counter({message_id: arrived[message_id] for message_id in known})


class LettersLost(AssertionError):
    """Some count as sent, and nobody has them."""


class LettersDoubled(AssertionError):
    """Some arrived more than once."""


def once_each(arrived: Counter[str]) -> None:
    """What counts as sent arrived, and nothing arrived twice.

    Raises ``LettersLost`` and ``LettersDoubled``.
    """
    doubled = {message_id for message_id, number in arrived.items() if number > 1}
    if doubled:
        raise LettersDoubled(doubled)
    sent = Delivery.objects.filter(mail_class=Delivery.MailClass.LETTER, state=State.ACCEPTED)
    lost = set(sent.values_list("message_id", flat=True)) - arrived.keys()
    if lost:
        raise LettersLost(lost)


def on_call(number: int, action: Callable[[], object]) -> Callable[[], None]:
    """Something to watch with: it does this at the n-th time, counted from one."""
    numbers = count(1)

    def watch() -> None:
        if next(numbers) == number:
            action()

    return watch
