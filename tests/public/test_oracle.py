"""Nobody learns from our answers who has written (security study, T06)."""

from __future__ import annotations

from typing import Any

from django.test import Client
from tests import writers
from tests.public.conftest import LETTER, SEND, SENT, WRITE
from tests.public.pages import told

from picketline.domain import supporters
from picketline.models import Campaign, Delivery, Supporter, Suppression


def attempt() -> list[Any]:
    """Everything a stranger is told who writes in somebody's name, in a new browser."""
    stranger = Client()
    return [
        told(stranger.get(WRITE)),
        told(stranger.post(WRITE, {**LETTER, "step": "preview"})),
        told(stranger.post(WRITE, SEND)),
        told(stranger.get(SENT)),
    ]


def newest_link() -> str:
    return writers.link(Supporter.objects.latest("pk"))


def test_new_repeated_confirmed_and_suppressed_addresses_get_the_same_bytes(
    campaign: Campaign,
) -> None:
    new = attempt()
    repeated = attempt()
    supporters.confirm(newest_link())
    confirmed = attempt()
    supporters.never_write_again(newest_link())
    suppressed = attempt()

    assert Suppression.objects.count() == 1
    assert Supporter.objects.filter(state="confirmed").count() == 1
    assert new == repeated == confirmed == suppressed
    assert [answer[0] for answer in new] == [200, 200, 302, 200]


def test_each_of_them_makes_the_same_rows(campaign: Campaign) -> None:
    def made() -> list[object]:
        attempt()
        mails = Delivery.objects.filter(supporter=Supporter.objects.latest("pk"))
        return list(mails.values_list("mail_class", "state", "attempt_count"))

    new = made()
    supporters.confirm(newest_link())
    confirmed = made()
    supporters.never_write_again(newest_link())
    assert new == confirmed == made() == [("confirmation", "queued", 0)]
