"""What monitoring reads from a worker: counters of its own and gauges of the database."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from tests import builders, postoffice
from tests.mail.scripted_server import Answer
from tests.postoffice import Peer

from picketline.domain import health, metrics, watching
from picketline.domain.watching import Watch
from picketline.models import Delivery, Gate, RelayLog

pytestmark = pytest.mark.django_db(transaction=True)

Labels = tuple[tuple[str, str], ...]


def _samples(text: bytes) -> dict[tuple[str, Labels], float]:
    """Every figure by its name and labels; the text is as Prometheus wants it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def _attempts(kind: str, cause: str) -> float:
    labels = (("cause", cause), ("kind", kind), ("mail_class", "letter"))
    return _samples(metrics.text(None, ())).get(("picketline_attempts_total", labels), 0)


@pytest.mark.parametrize(
    ("answers", "kind", "cause"),
    [
        ({}, "accepted", ""),
        ({"DOT": b"451 later\r\n"}, "temporary", ""),
        ({"RCPT": b"550 5.1.1 nobody\r\n"}, "permanent", "address"),
    ],
)
def test_a_worker_counts_what_became_of_its_attempts(
    answers: dict[str, Answer], kind: str, cause: str
) -> None:
    postoffice.queued(builders.campaign())
    before = _attempts(kind, cause)
    claimed = _samples(metrics.text(None, ()))["picketline_claimed_total", ()]
    with Peer(answers=answers) as server:
        postoffice.send(server)
    assert _attempts(kind, cause) == before + 2
    after = _samples(metrics.text(None, ()))
    assert after["picketline_claimed_total", ()] == claimed + 2
    for phase in ("claim", "build", "send", "settle"):
        assert after["picketline_phase_seconds_count", (("phase", phase),)] > 0


def test_gauges_tell_what_the_snapshot_says_without_a_name() -> None:
    campaign = builders.campaign()
    postoffice.queued(campaign)
    now = timezone.now()
    Gate.objects.create(name="domain:company.example", breaker="open", open_until=now)
    Gate.objects.create(name="target:7", paused_by="policy", paused_at=now)
    RelayLog.objects.create(relay="mx1", inode=1, offset=1, mark=b"", read_at=now)
    text = metrics.text(health.snapshot(), ["one"])
    found = _samples(text)
    queued = (("mail_class", "letter"), ("state", "queued"))
    assert found["picketline_mails", queued] == 2
    assert found["picketline_backlog", (("stream", "letters"),)] == 2
    assert found["picketline_oldest_due_seconds", ()] >= 3600
    assert found["picketline_gates_shut", (("by", "open"), ("kind", "domain"))] == 1
    assert found["picketline_gates_shut", (("by", "policy"), ("kind", "target"))] == 1
    assert found["picketline_incoming", (("state", "quarantined"),)] == 0
    assert found["picketline_relay_read_at_seconds", (("relay", "mx1"),)] < 3600
    assert found["picketline_needs", ()] == 1
    assert ("picketline_oldest_uncertain_seconds", ()) not in found
    for name in (b"company", b"Docker", campaign.slug.encode()):
        assert name not in text


def test_a_watch_answers_from_a_look_of_its_own() -> None:
    postoffice.queued(builders.campaign())
    Delivery.objects.update(due_at=timezone.now())
    with Watch() as watch:
        assert b"picketline_backlog" in watch.pages["/metrics"]().body
        answer = watch.pages["/health"]()
    assert (answer.status, answer.content_type) == (200, "application/json")
    told = json.loads(answer.body)
    assert (told["needs"], told["backlog"]["letters"]) == ([], 2)


def test_what_needs_a_person_makes_the_answer_503() -> None:
    Gate.objects.create(name="target:7", paused_by="policy", paused_at=timezone.now())
    with Watch() as watch:
        answer = watch.health()
    assert answer.status == 503
    assert "target:7 refuses" in answer.body.decode()


def test_without_a_database_the_counters_are_still_there(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(health, "snapshot", away)
    with Watch() as watch:
        told = watch.metrics()
        answer = watch.health()
    assert b"picketline_claimed_total" in told.body
    assert b"picketline_backlog" not in told.body
    assert answer.status == 503
    assert "no look at the post office (OperationalError)" in caplog.text


def test_an_old_look_is_not_told_as_if_it_were_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "STALE_SECONDS", 0)
    monkeypatch.setattr(watching, "SHARE", 1e9)
    with Watch() as watch:
        assert watch.health().status == 503
