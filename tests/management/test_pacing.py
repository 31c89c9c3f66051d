"""``picketline pacing`` shows where letters stand, and stops them or lets them go on."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from tests.conftest import ActingAs
from tests.domain.pacing import letters
from tests.domain.pacing.letters import MONDAY

from picketline.domain import leases, pacing
from picketline.mail.outcomes import Cause, Kind, Outcome, Phase
from picketline.models import Delivery, Gate

pytestmark = pytest.mark.django_db
LEASE = timedelta(minutes=2)
BLOCK = Outcome(Kind.PERMANENT, Phase.DOT, Cause.POLICY, 550, "5.7.1")


@pytest.fixture(autouse=True)
def waiting() -> None:
    letters.queue(letters.target(letters.campaign()), 3)


def _said(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("pacing", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_where_nothing_waits_it_says_so() -> None:
    Delivery.objects.all().delete()
    assert _said() == ["No letter waits, and nothing is stopped."]


def test_it_shows_what_waits_where_and_at_what_pace(settings) -> None:
    settings.TARGET_PER_MINUTE, settings.TARGET_PER_DAY = 6, 100
    assert _said() == ["harbour: 3 waiting", "harbour/owner: 3 waiting, 1 may pass now"]
    assert len(leases.claim(10, LEASE)) == 1
    shown = _said()
    assert shown[0] == "harbour: 2 waiting"
    assert shown[1].startswith("harbour/owner: 2 waiting, 1 today, 0 may")
    assert shown[2:] == ["stream:letters: open"]


def test_it_shows_who_refuses_us_and_what_is_out_of_order(settings) -> None:
    settings.DOMAIN_PER_MINUTE = 60
    (lease,) = leases.claim(1, LEASE, relay="mx1")
    pacing.note([(lease, BLOCK)], relay="mx1", moment=MONDAY)
    Gate.objects.filter(name="relay:mx1").update(breaker="open", open_until=MONDAY)
    Gate.objects.create(name="relay:mx2", breaker="half-open", open_until=MONDAY)
    shown = dict(line.split(": ", 1) for line in _said())
    assert shown["harbour/owner"] == (
        "2 waiting, paused because they refuse our letters, since 2026-03-02 12:00 UTC"
    )
    assert shown["relay:mx1"] == "out of order, tried again at 2026-03-02 12:00 UTC"
    assert shown["relay:mx2"] == "out of order, one mail is on its way to see"
    assert shown["domain:owner.example"].endswith("may pass now")


def test_letters_are_paused_and_go_on() -> None:
    assert _said("pause", "harbour/owner") == [
        "harbour/owner is paused. What workers hold goes out; nothing more does."
    ]
    assert leases.claim(10, LEASE) == []
    assert "paused since" in _said()[1]
    assert _said("resume", "harbour/owner") == ["harbour/owner goes on."]
    assert _said("resume", "harbour/owner") == ["harbour/owner was not stopped."]
    assert len(leases.claim(10, LEASE)) == 3


def test_letters_are_cancelled_where_it_is_meant() -> None:
    leases.claim(1, LEASE)
    assert _said("cancel", "harbour", "--yes") == [
        "harbour: cancelled letters: 2. With a worker, to go out now or never: 1."
    ]
    assert Delivery.objects.filter(state="cancelled").count() == 2


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("YES", 0), ("", 3), ("n", 3), (None, 3)])
def test_before_letters_are_cancelled_it_asks(
    answer: str | None, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(question: str) -> str:
        assert "harbour/owner" in question
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)
    said = _said("cancel", "harbour/owner")
    assert said == (
        ["Nothing was cancelled."] if left else ["harbour/owner: cancelled letters: 3."]
    )
    assert Delivery.objects.filter(state="queued").count() == left


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["pause", "nowhere"], "There is no campaign nowhere."),
        (["pause", "harbour/nobody"], "The campaign harbour has no target nobody."),
        (
            ["resume", "domain:nowhere.example"],
            "No mail has gone by domain:nowhere.example",
        ),
        (["cancel", "stream:letters", "--yes"], "stream:letters is no campaign and no target."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], sentence: str) -> None:
    Gate.objects.create(name="stream:letters")
    with pytest.raises(CommandError, match=sentence):
        _said(*arguments)


def test_the_desk_has_the_rights_to_look_and_to_stop(acting_as: ActingAs) -> None:
    letters.queue(letters.target(letters.campaign("other")), 3)
    with acting_as("desk"):
        _said("pause", "other")
        _said("cancel", "other/owner", "--yes")
        assert any("paused since" in line for line in _said())
