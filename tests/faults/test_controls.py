"""Each protection of handing over carries weight: without it a letter is lost or doubled.

Every story is told twice, as it is and with one protection off, and the count at the end must tell
the difference. ``tests/domain/relay/test_controls.py`` does the same for the evidence: cleanup's
line, gaps, the listing of the queue, patience, witnesses, probes.
"""

from __future__ import annotations

import smtplib
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone
from tests import postoffice
from tests.domain.relay.fake_postfix import LEASE, NAME, crash
from tests.faults import stand
from tests.faults.stand import ALONE, LettersDoubled, LettersLost, State
from tests.mail.scripted_server import Fault
from tests.postoffice import Peer

from picketline.domain import deliveries, handover, leases
from picketline.domain.leases import Intended, Intent, Lease
from picketline.mail import smtp
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Delivery

pytestmark = pytest.mark.django_db

Patch = pytest.MonkeyPatch
ON_AND_OFF = pytest.mark.parametrize("protected", [True, False], ids=["on", "off"])
REFUSED = Outcome(Kind.TEMPORARY, Phase.RCPT, Cause.NONE, 451)


class Died(BaseException):
    """A worker ends here, as by SIGKILL: nothing that it would have done is done."""


def _found(arrived: Counter[str], fault: type[AssertionError], *, protected: bool) -> None:
    """The check sees nothing wrong, or exactly this."""
    if protected:
        stand.once_each(arrived)
    else:
        with pytest.raises(fault):
            stand.once_each(arrived)


def _die(*_: object, **__: object) -> None:
    raise Died


@ON_AND_OFF
def test_without_the_intent_before_the_dot_a_crash_doubles_a_letter(
    protected: bool, monkeypatch: Patch
) -> None:
    stand.letters(1)
    with Peer() as server:
        with monkeypatch.context() as patch:
            patch.setattr(deliveries, "settle_many", _die)
            if not protected:
                patch.setattr(leases, "intend", lambda *_: None)
            with pytest.raises(Died):
                stand.send(server, ALONE)
        crash()
        stand.send(server, ALONE)
    _found(stand.kept(server), LettersDoubled, protected=protected)


@ON_AND_OFF
def test_without_a_deadline_a_frozen_worker_doubles_a_letter(
    protected: bool, monkeypatch: Patch
) -> None:
    """It freezes between its intent and its dot. Meanwhile the letter is proven absent and sent."""
    stand.letters(1)
    clock = [1_000.0]
    monkeypatch.setattr(handover, "boot_seconds", lambda: clock[0])
    monkeypatch.setattr(smtp, "boot_seconds", lambda: clock[0] if protected else 0.0)
    intend = leases.intend
    with Peer() as server, Peer() as other:

        def freeze(*asked: Any) -> None:
            monkeypatch.setattr(leases, "intend", intend)
            intend(*asked)
            crash()
            Delivery.objects.update(state=State.QUEUED, due_at=timezone.now())  # as by evidence
            clock[0] += 3600
            stand.send(other, ALONE)

        monkeypatch.setattr(leases, "intend", freeze)
        stand.send(server, ALONE)
        arrived = stand.kept(server, other)
    _found(arrived, LettersDoubled, protected=protected)


def _claimed() -> Lease:
    postoffice.make_due()
    (lease,) = leases.claim(1, LEASE, relay=NAME)
    return lease


@ON_AND_OFF
def test_without_the_token_a_stale_answer_doubles_a_letter(
    protected: bool, monkeypatch: Patch
) -> None:
    """One worker's late "not now" lets a third one in while a second is at it."""
    stand.letters(1)
    stale = _claimed()
    crash()

    def anybodys(lease: Lease) -> Any:
        return Delivery.objects.filter(pk=lease.delivery_id, state=State.SENDING)

    with Peer() as second, Peer() as third:

        def come_late() -> None:
            with monkeypatch.context() as patch:
                if not protected:
                    patch.setattr(deliveries, "held", anybodys)
                deliveries.settle(stale, REFUSED, direct=False)
            stand.send(third, ALONE)

        intend = leases.intend

        def interrupted(*asked: Any) -> None:
            monkeypatch.setattr(leases, "intend", intend)
            intend(*asked)
            come_late()

        monkeypatch.setattr(leases, "intend", interrupted)
        stand.send(second, ALONE)
        arrived = stand.kept(second, third)
    _found(arrived, LettersDoubled, protected=protected)


@ON_AND_OFF
def test_without_the_margin_a_dot_goes_out_under_a_lease_that_ends(
    protected: bool, monkeypatch: Patch
) -> None:
    """The lease has a moment left; it is over, and the letter another's, when the dot arrives."""
    stand.letters(1)
    intend_many = leases.intend_many
    with Peer() as server, Peer() as other:

        def late(intents: list[Intent], margin: Any, **named: Any) -> dict[int, Intended]:
            monkeypatch.setattr(leases, "intend_many", intend_many)
            almost = timezone.now() + LEASE / 100
            Delivery.objects.update(lease_until=almost)
            fates = intend_many(intents, margin if protected else LEASE * 0, **named)
            crash()
            if not protected:
                Delivery.objects.update(state=State.QUEUED)  # as by evidence
            stand.send(other, ALONE)
            return fates

        monkeypatch.setattr(leases, "intend_many", late)
        stand.send(server, ALONE)
        arrived = stand.kept(server, other)
    _found(arrived, LettersDoubled, protected=protected)


@ON_AND_OFF
@pytest.mark.parametrize("stored", [True, False], ids=["taken", "not taken"])
def test_whoever_guesses_loses_or_doubles_letters(
    stored: bool, protected: bool, monkeypatch: Patch
) -> None:
    """An unclear letter that was taken goes out again; one that was not counts as sent."""
    stand.letters(1)
    answers = [Fault.DROP, b"250 ok\r\n"]
    with Peer(answers={"DOT": answers}, stores_before_dropping=stored) as server:
        stand.send(server, ALONE)
        assert Delivery.objects.get().state == State.UNCERTAIN
        if not protected:
            guess = State.QUEUED if stored else State.ACCEPTED
            Delivery.objects.update(state=guess, due_at=timezone.now())
        stand.send(server, ALONE)
    fault = LettersDoubled if stored else LettersLost
    _found(stand.kept(server), fault, protected=protected)


@ON_AND_OFF
def test_with_several_recipients_in_a_transaction_a_refused_one_is_lost(protected: bool) -> None:
    """Django's mail backend and smtplib raise nothing as long as one recipient was taken."""
    stand.letters(2)
    script: dict[str, Any] = {"RCPT": [b"550 5.1.1 nobody\r\n", b"250 ok\r\n"]}
    if not protected:
        script["DATA"] = b"354 one of the two is enough\r\n"
    with Peer(answers=script) as server:
        if protected:
            stand.send(server, ALONE)
        else:
            _send_both_at_once(server.port)
        arrived = stand.kept(server)
    _found(arrived, LettersLost, protected=protected)


def _send_both_at_once(port: int) -> None:
    letters = list(Delivery.objects.order_by("pk"))
    text = f"Message-ID: {letters[1].message_id}\r\n\r\nFree them.\r\n"
    recipients = ["office@owner.example", "office@company.example"]
    with smtplib.SMTP("127.0.0.1", port) as connection:
        connection.sendmail("b.x@letters.picketline.example", recipients, text)
    Delivery.objects.update(state=State.ACCEPTED)
