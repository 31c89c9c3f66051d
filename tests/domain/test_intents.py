"""Intents: the bytes of a mail are fixed before its final dot, by whoever holds its lease."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from tests import builders, postoffice, writers
from tests.postoffice import BYTES, HOUR

from picketline.domain import lease_statements, leases
from picketline.domain.leases import BytesChanged, Intended, Intent, LeaseLost
from picketline.models import Attempt, Delivery

pytestmark = pytest.mark.django_db

MailClass = Delivery.MailClass
OTHER_BYTES = b"o" * 32


def _confirmation() -> Delivery:
    return postoffice.queued(builders.campaign(), MailClass.CONFIRMATION)[0]


@pytest.mark.parametrize("reclaimed", [False, True], ids=["reaped", "held by another"])
def test_an_old_token_cannot_intend(reclaimed: bool) -> None:
    letter = postoffice.letter()
    stale = postoffice.claimed(letter)
    postoffice.expire_leases()
    leases.reap()
    if reclaimed:
        postoffice.claimed(letter)
    before = postoffice.rows()
    with pytest.raises(LeaseLost):
        postoffice.intend(stale)
    assert postoffice.rows() == before


def test_an_intent_needs_time_left_for_the_answer() -> None:
    lease = postoffice.claimed(postoffice.letter(), lease=timedelta(seconds=60))
    before = postoffice.rows()
    with pytest.raises(LeaseLost):
        postoffice.intend(lease, margin=timedelta(seconds=61))
    assert postoffice.rows() == before
    postoffice.intend(lease, margin=timedelta(seconds=59))
    assert Attempt.objects.get().phase == Attempt.Phase.COMMITTING


def test_an_intent_fixes_the_bytes_and_the_two_aliases() -> None:
    letter = postoffice.letter()
    lease = postoffice.claimed(letter)
    leases.intend(Intent(lease, BYTES, b"e" * 32, b"r" * 32), timedelta(0))
    letter.refresh_from_db()
    assert [bytes(letter.mime_sha256 or b""), bytes(letter.envelope_hash or b"")] == [
        BYTES,
        b"e" * 32,
    ]
    assert bytes(letter.reply_hash or b"") == b"r" * 32
    assert Attempt.objects.get().committed_at is not None


def test_of_many_intents_each_has_its_own_fate_and_the_relay_is_noted() -> None:
    campaign = builders.campaign()
    for number in range(2):
        writers.confirmed(campaign, address=f"w{number}@writers.example")
    Delivery.objects.exclude(mail_class=MailClass.LETTER).delete()
    postoffice.make_due()
    held = leases.claim(10, HOUR, relay="mx1")
    lost, changed, *fine = held
    leases.give_back(lost)
    Delivery.objects.filter(pk=changed.delivery_id).update(mime_sha256=OTHER_BYTES)
    fates = leases.intend_many(
        [Intent(lease, BYTES, bytes([number]) * 32, None) for number, lease in enumerate(held)],
        timedelta(0),
        relay="mx2",
    )
    assert fates == {
        lost.delivery_id: Intended.LOST,
        changed.delivery_id: Intended.CHANGED,
        **{lease.delivery_id: Intended.HELD for lease in fine},
    }
    committing = Attempt.objects.filter(phase=Attempt.Phase.COMMITTING)
    assert set(committing.values_list("delivery", "relay")) == {
        (lease.delivery_id, "mx2") for lease in fine
    }
    assert Attempt.objects.get(delivery=lost.delivery_id).relay == "mx1"
    assert leases.intend_many([], timedelta(0)) == {}


@pytest.mark.django_db(transaction=True)
def test_an_intent_does_not_wait_for_a_mail_that_somebody_is_writing_on() -> None:
    letter = postoffice.letter()
    lease = postoffice.claimed(letter)
    with postoffice.witness() as other, other.transaction():
        other.execute("SELECT FROM picketline_delivery WHERE id = %s FOR UPDATE", [letter.pk])
        with pytest.raises(LeaseLost):
            postoffice.intend(lease)
    postoffice.intend(lease)
    connection.close()


def test_a_letter_never_goes_out_as_other_bytes_than_first_intended() -> None:
    letter = postoffice.letter()
    first = postoffice.claimed(letter)
    postoffice.intend(first)
    leases.give_back(first)
    postoffice.make_due()
    second = postoffice.claimed(letter)
    before = postoffice.rows()
    with pytest.raises(BytesChanged):
        postoffice.intend(second, OTHER_BYTES)
    assert postoffice.rows() == before
    postoffice.intend(second)


def test_a_notice_may_be_worded_anew() -> None:
    confirmation = _confirmation()
    first = postoffice.claimed(confirmation)
    postoffice.intend(first)
    leases.give_back(first)
    postoffice.make_due()
    postoffice.intend(postoffice.claimed(confirmation), OTHER_BYTES)
    confirmation.refresh_from_db()
    assert bytes(confirmation.mime_sha256 or b"") == OTHER_BYTES


def test_an_intent_waits_for_the_disk_whatever_the_server_was_told() -> None:
    letter = postoffice.letter()
    lease = postoffice.claimed(letter)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    seen: list[str] = []

    def watch(execute: Any, sql: Any, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if sql == lease_statements.INTEND:
            with connection.cursor() as cursor:
                cursor.execute("SHOW synchronous_commit")
                seen.append(cursor.fetchone()[0])
        return result

    with connection.execute_wrapper(watch):
        leases.intend(Intent(lease, BYTES, b"e" * 32, None), timedelta(0))
    assert seen == ["on"]
