"""What the relay's log tells of the way behind the relay: who does not answer, who refuses us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from tests.domain.pacing import letters
from tests.domain.pacing.letters import MINUTE, MONDAY

from picketline.domain import leases, pacing
from picketline.domain.leases import Lease
from picketline.domain.pacing import Blocked
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.mail.postfix_log import Kind as Line
from picketline.mail.postfix_log import LogEvent
from picketline.models import Delivery, Gate, Target

pytestmark = pytest.mark.django_db
LEASE = timedelta(minutes=2)
NOW = MONDAY + MINUTE
YES = Outcome(Kind.ACCEPTED, Phase.DOT, Cause.NONE, 250)
BLOCK = Outcome(Kind.PERMANENT, Phase.DOT, Cause.POLICY, 550, "5.7.1")


@pytest.fixture
def owner() -> Target:
    campaign = letters.campaign()
    letters.queue(letters.target(campaign), 100)
    return letters.target(campaign)


def _claim(moment: datetime = NOW, limit: int = 1) -> list[Lease]:
    return leases.claim(limit, LEASE, relay="mx1", moment=moment)


def _line(kind: Line, dsn: str = "", code: int | None = None) -> LogEvent:
    return LogEvent(kind, "4XYZ", dsn=dsn, smtp_code=code)


SENT = _line(Line.SENT, "2.0.0", 250)
NO_ANSWER = _line(Line.DEFERRED, "4.4.1")
CLOSING = _line(Line.DEFERRED, "4.7.0", 421)
GREYLISTED = _line(Line.DEFERRED, "4.2.0", 450)
MAILBOX_FULL = _line(Line.DEFERRED, "4.2.2", 452)
REFUSED = _line(Line.BOUNCED, "5.7.1", 550)
REFUSED_PLAINLY = _line(Line.BOUNCED, "5.0.0", 554)


def _log(found: Sequence[Lease], *events: LogEvent, moment: datetime = NOW) -> list[Blocked]:
    pairs = [(lease.delivery_id, event) for lease in found for event in events]
    return pacing.note_relay_events(pairs, moment=moment)


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("event", [NO_ANSWER, CLOSING])
def test_the_log_tells_that_a_domain_does_not_answer_and_when_it_does_again(
    event: LogEvent,
) -> None:
    found = _claim(limit=5)
    _log(found, event)
    assert _claim(limit=10) == []
    probe = _claim(NOW + MINUTE, 10)
    assert len(probe) == 1
    pacing.note(
        [(probe[0], YES)], relay="mx1", moment=NOW + MINUTE
    )  # the relay took it, which says nothing of the domain
    assert _claim(NOW + MINUTE, 10) == []
    _log(probe, _line(Line.QUEUED), SENT, moment=NOW + MINUTE)
    assert len(_claim(NOW + MINUTE, 10)) == 10


@pytest.mark.usefixtures("owner")
def test_the_log_tells_strangers_asked_to_come_later_from_servers_that_are_gone() -> None:
    _log(_claim(limit=20), GREYLISTED)
    assert len(_claim(limit=10)) == 10


@pytest.mark.usefixtures("owner")
def test_the_log_tells_of_a_full_mailbox() -> None:
    _log(_claim(limit=5), MAILBOX_FULL)
    assert _claim(limit=10) == []


@pytest.mark.parametrize("event", [REFUSED, REFUSED_PLAINLY])
def test_the_log_tells_that_a_target_refuses_us(owner: Target, event: LogEvent) -> None:
    (blocked,) = _log(_claim(), event)
    assert blocked.target_id == owner.pk
    assert _claim(limit=10) == []


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize(
    "event", [_line(Line.BOUNCED, "5.1.1", 550), _line(Line.BOUNCED, "5.4.6"), SENT]
)
def test_what_is_no_refusal_in_the_log_pauses_nothing(event: LogEvent) -> None:
    assert _log(_claim(), event) == []
    assert len(_claim(limit=10)) == 10


def test_lines_about_other_mail_than_letters_say_nothing_of_targets(owner: Target) -> None:
    letters.queue_other(owner.campaign, Delivery.MailClass.CONFIRMATION, 9)
    found = [lease for lease in _claim(limit=100) if not lease.domain]
    assert _log(found, REFUSED) == []
    assert pacing.note([(lease, BLOCK) for lease in found], relay="mx1") == []
    assert not Gate.objects.exclude(paused_by="").exists()
