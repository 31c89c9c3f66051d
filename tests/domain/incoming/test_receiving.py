"""Receiving: what was acknowledged is committed and sealed; the same message is sorted once."""

from __future__ import annotations

import dataclasses

import pytest
from django.db import OperationalError
from django.test import override_settings
from tests import builders
from tests.conftest import ActingAs
from tests.domain.incoming import arrivals

from picketline.domain import keyring
from picketline.domain.incoming import fingerprints, receiving, sorting
from picketline.domain.incoming.receiving import NoSuchAddress, TooLarge, receive
from picketline.mail.incoming.limits import MAX_MESSAGE
from picketline.models import IncomingMessage
from picketline.seal.boxes import CannotOpen

COPIES = "harbour@copies.picketline.example"
RAW = arrivals.message("Words qwxmarker of a person.", From="zqmarker@writers.example")


@pytest.mark.django_db
def test_what_came_in_can_be_read_with_the_private_key_only() -> None:
    builders.campaign()
    receive(COPIES, "zqmarker@writers.example", RAW)
    row = IncomingMessage.objects.get()
    assert b"marker" not in bytes(row.raw_ct or b"")
    received = receiving.opened(row)
    assert (received.recipient, received.raw) == (COPIES, RAW)
    assert received.envelope_sender == "zqmarker@writers.example"
    assert "marker" not in f"{row}{row.__dict__}"


@pytest.mark.django_db
def test_what_was_sealed_for_one_door_does_not_open_at_another() -> None:
    builders.campaign()
    receive(COPIES, "", RAW)
    IncomingMessage.objects.update(door="sender")
    with pytest.raises(CannotOpen):
        receiving.opened(IncomingMessage.objects.get())
    assert sorting.sort_due() == 1
    row = IncomingMessage.objects.get()
    assert (row.state, row.reason) == ("quarantined", "its seal cannot be opened")


@pytest.mark.django_db
def test_an_erased_message_cannot_be_opened() -> None:
    builders.campaign()
    receive(COPIES, "", RAW)
    IncomingMessage.objects.update(raw_ct=None)
    with pytest.raises(ValueError, match="erased"):
        receiving.opened(IncomingMessage.objects.get())


def test_the_process_that_receives_needs_no_private_key(acting_as: ActingAs) -> None:
    builders.campaign()
    with acting_as("worker"), override_settings(PROCESS="public"):
        receive(COPIES, "", RAW)
    assert IncomingMessage.objects.count() == 1


@pytest.mark.django_db
def test_no_address_of_ours_and_too_large_a_message_are_told_apart_and_leave_no_row() -> None:
    builders.campaign()
    with pytest.raises(NoSuchAddress):
        receive("nobody@copies.picketline.example", "", RAW)
    with pytest.raises(TooLarge):
        receive(COPIES, "", b"x" * (MAX_MESSAGE + 1))
    receive(COPIES, "", b"x" * MAX_MESSAGE)
    assert IncomingMessage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_at_the_commit_is_never_a_yes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    builders.campaign()

    def away(**_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(IncomingMessage.objects, "create", away)
    with pytest.raises(OperationalError):
        receive(COPIES, "", RAW)
    assert not IncomingMessage.objects.exists()


@pytest.mark.django_db
def test_a_message_that_comes_again_after_a_lost_answer_is_sorted_once() -> None:
    builders.campaign()
    again = b"Received: from mx.example by us; second try\r\n" + RAW
    assert arrivals.arrives(COPIES, RAW) is not None
    assert arrivals.arrives(COPIES, again) is None
    assert arrivals.arrives(COPIES, again.replace(b"\r\n", b"\n")) is None
    assert IncomingMessage.objects.count() == 1


@pytest.mark.django_db
def test_another_body_another_message_id_or_another_address_is_another_message() -> None:
    builders.campaign()
    builders.campaign(slug="airport")
    assert arrivals.arrives(COPIES, RAW)
    assert arrivals.arrives(COPIES, RAW + b"More.\r\n")
    assert arrivals.arrives(COPIES, RAW.replace(b"<1@", b"<2@"))
    assert arrivals.arrives(COPIES.replace("harbour", "airport"), RAW)
    assert IncomingMessage.objects.count() == 4


def test_who_has_no_key_cannot_test_a_stolen_database_for_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = fingerprints.fingerprint(COPIES, "<1@owner.example>", RAW)
    other = dataclasses.replace(keyring.worker_keys(), envelope=b"k" * 32)
    monkeypatch.setattr(fingerprints, "worker_keys", lambda: other)
    assert fingerprints.fingerprint(COPIES, "<1@owner.example>", RAW) != ours
