"""Copies that meet a forgery, a silent DNS, an answer to all, or a writer who takes it all back."""

from __future__ import annotations

import pytest
from pytest_django import Settings
from tests import builders, writers
from tests.domain.incoming.arrivals import arrives
from tests.domain.incoming.own_mail import COPIES, TARGETS, letter, unsigned_letter

from picketline.domain import copy_status
from picketline.domain.incoming import sorting
from picketline.domain.retention import tidy
from picketline.domain.sealing import opened
from picketline.mail.addresses import EmailAddr
from picketline.models import Campaign, IncomingMessage, Supporter
from picketline.seal import tokens

pytestmark = pytest.mark.usefixtures("keys_in_dns")


@pytest.fixture
def campaign(db: None) -> Campaign:
    return builders.campaign()


def outcome(raw: bytes) -> tuple[str, str]:
    """What became of this copy."""
    row = arrives(COPIES, raw)
    assert row is not None
    return row.kind, row.reason


@pytest.mark.parametrize("fields", [{}, {"Auto_Submitted": "auto-replied"}])
def test_a_forgery_that_arrives_first_does_not_displace_the_letter(
    campaign: Campaign, fields: dict[str, str]
) -> None:
    outcome(unsigned_letter(**fields))
    assert outcome(letter()) == ("copy", "counted")


def test_while_the_dns_gives_no_answer_a_copy_waits_and_at_last_a_person_is_asked(
    campaign: Campaign, settings: Settings
) -> None:
    answering = settings.NAMESERVERS
    settings.NAMESERVERS = ("127.0.0.1:9",)
    row = arrives(COPIES, letter())
    assert row is not None
    assert (row.state, row.kind) == ("received", "")
    for _ in range(2):
        IncomingMessage.objects.update(examine_at=row.received_at)
        sorting.sort_due()
    row.refresh_from_db()
    assert (row.state, row.reason) == ("quarantined", "no answer from the DNS")
    settings.NAMESERVERS = answering
    assert sorting.requeue(row.pk)
    sorting.sort_due()
    assert Supporter.objects.count() == 1


def test_our_own_servers_word_is_enough_while_the_dns_gives_no_answer(
    campaign: Campaign, settings: Settings
) -> None:
    settings.NAMESERVERS, settings.AUTHSERV_ID = ("127.0.0.1:9",), "mx.picketline.example"
    verdict = "mx.picketline.example; dkim=pass header.d=writers.example"
    assert outcome(letter(Authentication_Results=verdict)) == ("copy", "counted")


@pytest.mark.parametrize(
    ("sender", "reason"),
    [("secretary@owner.example", "from a target"), ("ben@elsewhere.example", "counted")],
)
def test_an_answer_from_a_targets_house_to_all_is_no_letter(
    campaign: Campaign, sender: str, reason: str
) -> None:
    answer = letter(
        "We do not think so.",
        From=sender,
        To=f"ann@writers.example, {TARGETS}",
        In_Reply_To="<1@writers.example>",
    )
    assert outcome(answer) == ("copy", reason)


def test_whoever_works_for_a_target_may_write_to_it(campaign: Campaign) -> None:
    assert outcome(letter(From="docker@owner.example")) == ("copy", "counted")


def test_whoever_is_to_be_forgotten_is_forgotten_with_every_letter(campaign: Campaign) -> None:
    writers.submit(campaign, address=EmailAddr("ann@writers.example"))  # a stranger, say
    outcome(letter())
    outcome(letter("Once more.", Message_ID="<2@writers.example>"))
    supporter = Supporter.objects.select_related("campaign", "sealed").get(state="confirmed")
    copy_status.disown(tokens.derive(opened(supporter).token(), tokens.STATUS))
    tidy()
    kept = IncomingMessage.objects.exclude(raw_ct=None, content_ct=None)
    assert not kept.exists()
