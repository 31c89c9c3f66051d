"""What the status page says of a letter: what is known, and not a word more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from picketline.domain.letter_status import TargetStatus
from picketline.mail.outcomes import Cause
from picketline.models import Campaign, Delivery, DemandStatus
from picketline.models.targets import Role
from picketline.public import wording
from picketline.public.tags import delivery_text

State = Delivery.State
AT = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)
HANDED = "Handed to our mail server: THEN."
LATER = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def row(state: State, **changes: Any) -> TargetStatus:
    """A delivery in this state."""
    values = {"reason": "", "direct": False, "relay_status": "", "relay_status_at": None}
    return TargetStatus(
        target_id=1, target_key="owner", state=state, at=AT, **{**values, **changes}
    )


def told(status: TargetStatus) -> str:
    return wording.delivery_sentence(status, "THEN", "LATER")


@pytest.mark.parametrize(
    ("changes", "sentence", "label"),
    [
        ({}, HANDED, "On its way"),
        ({"direct": True}, "Accepted by their server: THEN.", "Delivered"),
        ({"relay_status": "sent"}, "Accepted by their server: LATER.", "Delivered"),
        (
            {"relay_status": "deferred"},
            f"{HANDED} Their server has not taken it yet, and ours keeps trying.",
            "On its way",
        ),
        (
            {"relay_status": "bounced"},
            f"{HANDED} It could not be delivered to their server.",
            "Not delivered",
        ),
        (
            {"relay_status": "bounced", "code": "5.1.1"},
            f"{HANDED} Not delivered: their server says that this address does not exist.",
            "Not delivered",
        ),
        (
            {"relay_status": "bounced", "code": "5.7.1"},
            f"{HANDED} Not delivered: their server refuses letters like this one.",
            "Not delivered",
        ),
        (
            {"relay_status": "expired"},
            f"{HANDED} Their server did not take it within days, and ours has given up.",
            "Not delivered",
        ),
    ],
)
def test_acceptance_is_claimed_only_where_their_server_gave_it(
    changes: dict[str, Any], sentence: str, label: str
) -> None:
    status = row(State.ACCEPTED, **changes)
    assert told(status) == sentence
    assert wording.delivery_label(status) == label


@pytest.mark.parametrize("state", [state for state in State if state is not State.ACCEPTED])
@pytest.mark.parametrize("changes", [{}, {"direct": True}, {"relay_status": "sent"}])
def test_no_other_state_claims_acceptance(state: State, changes: dict[str, Any]) -> None:
    status = row(state, **changes)
    assert "Accepted" not in told(status)
    assert wording.delivery_label(status) != "Delivered"


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.NONE])
@pytest.mark.parametrize("direct", [True, False])
def test_every_cause_of_failure_has_a_sentence_of_its_own(cause: Cause, direct: bool) -> None:
    sentence = told(row(State.FAILED, reason=cause.value, direct=direct))
    assert sentence.startswith("Not delivered: ")
    assert sentence != told(row(State.FAILED, reason="something new"))


@pytest.mark.parametrize("cause", [Cause.ADDRESS, Cause.POLICY, Cause.SENDER])
def test_a_refusal_is_said_to_be_theirs_only_where_they_were_asked(cause: Cause) -> None:
    ours = told(row(State.FAILED, reason=cause.value))
    theirs = told(row(State.FAILED, reason=cause.value, direct=True))
    assert "our mail server" in ours
    assert "their" not in ours
    assert "their server" in theirs


@pytest.mark.parametrize("status", ["bounced", "expired"])
def test_what_the_relay_could_not_deliver_is_said_to_have_been_handed_to_it(status: str) -> None:
    bounced = row(State.BOUNCED, relay_status=status)
    assert told(bounced) == told(row(State.ACCEPTED, relay_status=status))
    assert told(row(State.BOUNCED)).startswith("Their server took it at first")
    assert wording.delivery_label(bounced) == "Not delivered"


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_sentence_and_a_label(state: State) -> None:
    assert told(row(state)).endswith(".")
    assert wording.delivery_label(row(state))


def test_uncertain_says_so() -> None:
    status = row(State.UNCERTAIN)
    assert wording.delivery_label(status) == "Unclear"
    assert "may have been taken or not" in told(status)


def test_times_are_told_in_utc_for_people_and_for_programs() -> None:
    sent = row(State.ACCEPTED, relay_status="sent", relay_status_at=LATER)
    assert delivery_text(sent) == (
        'Accepted by their server: <time datetime="2026-11-24T09:30Z">'
        "24 November 2026 at 09:30 UTC</time>."
    )


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (wording.ROLES, Role.values),
        (wording.DEMAND_STATUSES, DemandStatus.Status.values),
        (wording.OUTCOMES, Campaign.Outcome.values),
    ],
)
def test_every_value_has_its_words(words: dict[str, object], values: list[str]) -> None:
    assert set(words) == set(values)


@pytest.mark.parametrize("reason", ["temporary", "failed"])
def test_a_server_that_only_put_us_off_is_not_said_to_have_refused(reason: str) -> None:
    sentence = told(row(State.FAILED, reason=reason))
    assert sentence == "Not delivered: no mail server took it, and it is not tried again."
