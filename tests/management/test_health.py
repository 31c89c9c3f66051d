"""The health command: for people, for programs, and for whoever only looks at the exit code."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from tests import builders, postoffice
from tests.postoffice import HOUR

from picketline.domain import health
from picketline.models import Delivery, Gate, RelayLog, Target

pytestmark = pytest.mark.django_db


def _told(**options: bool) -> str:
    out = StringIO()
    call_command("health", stdout=out, **options)
    return out.getvalue()


def test_a_person_reads_numbers_and_nobodys_name() -> None:
    letter, _ = postoffice.queued(builders.campaign())
    Delivery.objects.update(due_at=timezone.now() - HOUR / 2)
    changes = {"state": "uncertain", "uncertain_since": timezone.now()}
    Delivery.objects.filter(pk=letter.pk).update(**changes)
    Gate.objects.create(name="target:7", paused_by="person", paused_at=timezone.now())
    Gate.objects.create(name="target:8", breaker="open", open_until=timezone.now())
    RelayLog.objects.create(relay="mx1", inode=1, offset=1, mark=b"", read_at=timezone.now())
    lines = _told().splitlines()
    assert "letter: 1 queued" in lines
    assert "letter: 1 uncertain" in lines
    assert "waiting in letters: 1" in lines
    assert "incoming: 0 quarantined" in lines
    assert "target:7: paused by person" in lines
    assert "target:8: breaker open" in lines
    assert "log of mx1: read 0:00:00, whole: never" in lines
    assert any(line.startswith("the oldest that is due has been so for: 0:30:0") for line in lines)
    assert "Docker" not in str(lines)
    assert "harbour" not in str(lines)


def test_programs_get_json() -> None:
    postoffice.queued(builders.campaign())
    Delivery.objects.update(due_at=timezone.now())
    told = json.loads(_told(json=True))
    assert told["needs"] == []
    assert told["backlog"]["letters"] == 2
    assert told["states"] == [{"mail_class": "letter", "state": "queued", "mails": 2}]


@pytest.mark.parametrize("as_json", [True, False])
def test_where_a_person_is_needed_the_exit_code_says_so(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    target = Target.objects.get(campaign=builders.campaign(), key="owner")
    name = f"target:{target.pk}"
    Gate.objects.create(name=name, paused_by="policy", paused_at=timezone.now())
    with pytest.raises(SystemExit) as end:
        call_command("health", json=as_json)
    assert end.value.code == 1
    said = capsys.readouterr().out
    assert "harbour/owner refuses our letters" in said
    assert "picketline pacing resume harbour/owner" in said


def test_without_a_database_it_fails_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(health, "snapshot", away)
    with pytest.raises(CommandError, match=r"^The database is out of reach\.$"):
        call_command("health")
