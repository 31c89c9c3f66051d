"""Probes go to nobody, are known before they go, and are forgotten where they were not taken."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now
from tests import postoffice
from tests.domain.relay.fake_postfix import NAME, FakePostfix
from tests.mail.scripted_server import Answer, Fault
from tests.postoffice import HOUR, Peer

from picketline.domain.relay import probes
from picketline.domain.relay.log import Reader
from picketline.models import RelayProbe

pytestmark = pytest.mark.django_db


def _hand_over(answer: Answer = b"250 2.0.0 Ok\r\n") -> tuple[probes.Probe | None, Peer]:
    with Peer(answers={"DOT": answer}, stores_before_dropping=True) as server:
        probe = probes.hand_over(NAME, postoffice.route(server.port))
    return probe, server


def test_a_probe_is_a_mail_of_ours_to_the_domain_that_the_relay_throws_away() -> None:
    probe, server = _hand_over()
    assert probe is not None
    (mail,) = server.mails()
    assert mail["To"] == "probe@probe.picketline.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert any(line.startswith(b"MAIL FROM:<b.") for line in server.lines)
    assert any(
        line.startswith(b"RCPT TO:<probe@probe.picketline.example>") for line in server.lines
    )


def test_the_log_tells_of_a_probe_by_its_envelope_sender(postfix: FakePostfix) -> None:
    probe, server = _hand_over()
    assert probe is not None
    (line,) = [line for line in server.lines if line.startswith(b"MAIL FROM:<")]
    sender = line[11:].split(b">")[0].decode()
    assert not probes.seen_after(NAME, 0)
    assert probes.unseen([probe.number]) == {probe.number}
    postfix.write(f"4jY7RR00001zBCD: from=<{sender}>, size=1, nrcpt=1 (queue active)")
    Reader(NAME, postfix.log).read()
    assert probes.seen_after(NAME, 0)
    assert not probes.seen_after(NAME, probe.number)
    assert not probes.seen_after("elsewhere", 0)
    assert probes.unseen([probe.number]) == set()


@pytest.mark.parametrize("answer", [b"452 4.3.1 full\r\n", b"550 5.7.1 no\r\n", Fault.DROP])
def test_a_probe_that_was_not_surely_taken_is_forgotten(answer: Answer) -> None:
    assert _hand_over(answer)[0] is None
    assert not RelayProbe.objects.exists()


def test_a_relay_that_refuses_the_probes_domain_gets_none() -> None:
    with Peer(answers={"RCPT": b"550 5.1.2 no such domain\r\n"}) as server:
        assert probes.hand_over(NAME, postoffice.route(server.port)) is None
    assert server.messages == []


def test_without_a_relay_there_is_no_probe() -> None:
    with Peer() as server:
        gone = server.port
    assert probes.hand_over(NAME, postoffice.route(gone)) is None
    assert not RelayProbe.objects.exists()


def test_probes_are_kept_for_a_day() -> None:
    RelayProbe.objects.create(relay=NAME, envelope_hash=b"o", handed_at=Now() - 25 * HOUR)
    RelayProbe.objects.create(relay=NAME, envelope_hash=b"y", handed_at=Now() - 23 * HOUR)
    RelayProbe.objects.create(relay="elsewhere", envelope_hash=b"e", handed_at=Now() - 25 * HOUR)
    _hand_over()
    assert sorted(RelayProbe.objects.values_list("relay", flat=True)) == ["elsewhere", NAME, NAME]
