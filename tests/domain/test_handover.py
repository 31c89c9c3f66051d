"""Handing over: every failure leaves a mail where it is neither lost nor doubled."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.mail.scripted_server import Fault
from tests.postoffice import Peer

from picketline.domain import campaigns, handover, letter_status
from picketline.domain.keyring import worker_keys
from picketline.models import Attempt, ConfirmationSent, Delivery, SealedReply
from picketline.seal import boxes

pytestmark = pytest.mark.django_db(transaction=True)

MailClass = Delivery.MailClass
State = Delivery.State


def _states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_each_letter_goes_out_in_a_transaction_of_its_own_over_one_connection() -> None:
    letters = postoffice.queued(builders.campaign())
    with Peer() as server:
        assert postoffice.send(server) == 2
        assert postoffice.send(server) == 0
    assert _states() == [State.ACCEPTED, State.ACCEPTED]
    verbs = [line.split(b" ")[0] for line in server.lines]
    assert verbs == [b"EHLO", *[b"MAIL", b"RCPT", b"DATA"] * 2, b"QUIT"]
    assert {mail["Message-ID"] for mail in server.mails()} == {row.message_id for row in letters}
    assert sorted(mail["To"] for mail in server.mails()) == [
        "office@company.example",
        "office@owner.example",
    ]


def test_the_envelope_sender_is_a_token_of_one_delivery_and_kept_as_a_hash_only() -> None:
    postoffice.queued(builders.campaign())
    with Peer() as server:
        postoffice.send(server)
    senders = [line[11:].split(b">")[0] for line in server.lines if line.startswith(b"MAIL")]
    assert len(set(senders)) == 2
    for sender in senders:
        local, domain = sender.decode().split("@")
        assert domain == "letters.picketline.example"
        assert len(local) == 28
        assert local.startswith("b.")
        assert local not in repr(list(Delivery.objects.values()))


def test_when_the_dot_arrives_everybody_can_see_the_intent_and_no_transaction_is_open() -> None:
    letter = postoffice.letter()
    seen: list[object] = []

    def look() -> None:
        with postoffice.witness() as other:
            seen.append(
                other.execute(
                    "SELECT a.phase, d.state, encode(d.mime_sha256, 'hex')"
                    " FROM picketline_delivery d JOIN picketline_attempt a ON a.delivery_id = d.id"
                ).fetchone()
            )
            seen.append(
                other.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
                ).fetchone()
            )

    with Peer() as server:
        server.watching |= {"MAIL": look, "DATA": look, "DOT": look}
        postoffice.send(server)
    letter.refresh_from_db()
    digest = bytes(letter.mime_sha256 or b"").hex()
    before, after = ("claimed", "sending", None), ("committing", "sending", digest)
    assert seen == [before, (0,), before, (0,), after, (0,)]


def test_every_attempt_sends_the_same_bytes() -> None:
    postoffice.letter()
    texts: list[bytes] = []
    with Peer(answers={"DOT": [b"451 4.3.0 later\r\n", Fault.DROP, b"250 ok\r\n"]}) as server:
        server.watching["DOT"] = lambda: texts.append(server.text)
        postoffice.send(server)
        postoffice.make_due()
        postoffice.send(server)
        Delivery.objects.update(state=State.QUEUED, due_at=timezone.now())  # as by evidence
        postoffice.send(server)
    assert texts[0] == texts[1] == texts[2]
    assert Delivery.objects.get().state == State.ACCEPTED


def test_a_letter_that_would_go_out_as_other_bytes_is_held_back() -> None:
    postoffice.queued(builders.campaign())
    with Peer(answers={"DOT": b"451 4.2.0 later\r\n"}) as server:
        postoffice.send(server)
        postoffice.make_due()
        with override_settings(MAIL_DOMAIN="moved.example"):
            postoffice.send(server)
            postoffice.make_due()
            postoffice.send(server)
    ends = set(Delivery.objects.values_list("state", "outcome"))
    assert ends == {(State.FAILED, "poison")}
    assert server.messages == []
    assert server.connections == 5  # broken off each time: no server can take the end for a dot


@pytest.mark.parametrize("stores", [False, True], ids=["not kept", "kept"])
def test_a_letter_whose_dot_got_no_answer_is_never_sent_again(stores: bool) -> None:
    letter = postoffice.letter()
    with Peer(answers={"DOT": Fault.DROP}, stores_before_dropping=stores) as server:
        postoffice.send(server)
        postoffice.make_due()
        assert postoffice.send(server) == 0
    letter.refresh_from_db()
    assert (letter.state, letter.outcome) == (State.UNCERTAIN, "relay")
    assert len(server.messages) == int(stores)


def test_a_confirmation_whose_dot_got_no_answer_is_repeated_once_and_charged_once() -> None:
    postoffice.queued(builders.campaign(), MailClass.CONFIRMATION)
    with Peer(answers={"DOT": Fault.DROP}, stores_before_dropping=True) as server:
        for _ in range(3):
            postoffice.send(server)
            postoffice.make_due()
    assert len(server.messages) == 2
    assert len({mail["Message-ID"] for mail in server.mails()}) == 1
    assert _states() == [State.UNCERTAIN]
    assert ConfirmationSent.objects.count() == 1


@pytest.mark.parametrize("moment", ["MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_dot_only_delays(moment: str) -> None:
    letter = postoffice.letter()
    with Peer(
        answers={moment: [Fault.DROP, b"354 go on\r\n" if moment == "DATA" else b"250 ok\r\n"]}
    ) as server:
        postoffice.send(server)
        letter.refresh_from_db()
        assert (letter.state, letter.outcome) == (State.DEFERRED, "relay")
        assert letter.mime_sha256 is None
        postoffice.make_due()
        postoffice.send(server)
    assert _states() == [State.ACCEPTED]
    assert len(server.messages) == 1


def test_a_worker_that_lost_its_lease_under_way_sends_no_dot_and_writes_nothing() -> None:
    letter = postoffice.letter()

    def steal() -> None:
        with postoffice.witness() as other:
            other.execute("UPDATE picketline_delivery SET lease_token = lease_token + 1")

    with Peer() as server:
        server.watching["DATA"] = steal
        postoffice.send(server)
    assert server.messages == []
    before = Delivery.objects.values().get(pk=letter.pk)
    assert (before["state"], before["mime_sha256"]) == (State.SENDING, None)
    assert Attempt.objects.get().phase == Attempt.Phase.CLAIMED


def test_an_answer_that_comes_after_the_lease_was_lost_changes_nothing() -> None:
    letter = postoffice.letter()

    def reap() -> None:
        with postoffice.witness() as other:
            other.execute(
                "UPDATE picketline_delivery SET state = 'uncertain', uncertain_since = now(),"
                " lease_until = NULL"
            )

    with Peer() as server:
        server.watching["DOT"] = reap
        postoffice.send(server)
    letter.refresh_from_db()
    assert letter.state == State.UNCERTAIN
    assert not SealedReply.objects.exists()


def test_a_deadline_that_passes_before_the_dot_holds_the_dot_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postoffice.queued(builders.campaign())
    clock = iter([0.0, 0.0])  # the second letter is looked at much later
    monkeypatch.setattr(handover, "boot_seconds", lambda: next(clock, 1e9))
    with Peer() as server:
        assert postoffice.send(server) == 2
    assert server.messages == []
    assert sorted(_states()) == [State.DEFERRED, State.QUEUED]


def test_a_worker_told_to_stop_gives_back_what_it_has_not_begun() -> None:
    postoffice.queued(builders.campaign())
    with Peer() as server:
        postoffice.send(server, stopping=lambda: bool(server.messages))
    assert sorted(_states()) == [State.ACCEPTED, State.QUEUED]
    assert Delivery.objects.get(state=State.QUEUED).attempt_count == 0


def test_the_servers_words_are_kept_sealed() -> None:
    postoffice.letter()
    words = b"550 5.1.1 <office@owner.example> has left\r\n"
    with Peer(answers={"RCPT": words}) as server:
        postoffice.send(server)
    reply = SealedReply.objects.get()
    assert b"office@owner" not in bytes(reply.text_ct)
    context = b"reply|%d" % reply.pk
    opened = boxes.open_box(worker_keys().installation_private, bytes(reply.text_ct), context)
    assert b"<office@owner.example> has left" in opened


def test_a_blocked_letter_is_reported_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    letter = postoffice.letter()
    with Peer(answers={"DOT": b"554 5.7.1 office@owner.example blocks you\r\n"}) as server:
        postoffice.send(server)
    assert f"delivery {letter.pk} refused by policy" in caplog.text
    assert "office@owner" not in caplog.text


def test_a_letter_of_an_erased_writer_never_goes_out() -> None:
    _, status_token = writers.confirmed(builders.campaign())
    Delivery.objects.filter(mail_class=MailClass.CONFIRMATION).delete()
    postoffice.make_due()

    def erase() -> None:
        try:
            letter_status.erase(status_token)
        finally:
            connection.close()

    with Peer() as server:
        server.watching["MAIL"] = erase  # the first mail is built by then, the others are not
        postoffice.send(server)
    assert server.messages == []
    letter_status.finish_withdrawals()
    ends = Delivery.objects.values_list("state", "outcome")
    assert sorted(ends) == [(State.CANCELLED, "erased")] * 3 + [(State.CANCELLED, "withdrawn")]


def test_letters_of_a_suspended_campaign_wait_until_it_opens_again() -> None:
    campaign = builders.campaign()
    postoffice.queued(campaign)
    campaigns.suspend(campaign.slug)
    with Peer() as server:
        assert postoffice.send(server) == 0
        campaigns.open_campaign(campaign.slug)
        assert postoffice.send(server, direct=True) == 2
    assert set(Delivery.objects.values_list("state", "direct")) == {(State.ACCEPTED, True)}


def test_what_is_called_back_before_its_intent_does_not_go_out() -> None:
    _, status_token = writers.confirmed(builders.campaign())
    Delivery.objects.exclude(mail_class=MailClass.LETTER).delete()
    postoffice.make_due()

    def withdraw() -> None:
        try:
            letter_status.withdraw(status_token)
        finally:
            connection.close()

    with Peer() as server:
        server.watching["MAIL"] = withdraw
        postoffice.send(server)
    assert server.messages == []
    letter_status.finish_withdrawals()
    assert _states() == [State.CANCELLED, State.CANCELLED]
