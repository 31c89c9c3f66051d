"""Copies: who wrote from their own mailbox is counted once; who did not is never written to."""

from __future__ import annotations

from datetime import date

import pytest
from pytest_django import Settings
from tests import builders, postoffice, writers
from tests.domain.incoming import arrivals
from tests.domain.incoming.arrivals import arrives
from tests.domain.incoming.own_mail import COPIES, PROVIDERS, letter, unsigned_letter

from picketline.domain import campaigns, counts, suppressions
from picketline.domain.incoming import contents, copies
from picketline.domain.outgoing import NotToBeSent, build
from picketline.domain.sealing import opened
from picketline.mail.addresses import EmailAddr
from picketline.mail.incoming import findings
from picketline.models import Campaign, CountEntry, Delivery, IncomingMessage, Supporter

pytestmark = pytest.mark.usefixtures("keys_in_dns")
MailClass = Delivery.MailClass


@pytest.fixture
def campaign(db: None) -> Campaign:
    return builders.campaign()


def outcome(raw: bytes, recipient: str = COPIES) -> tuple[str, str]:
    """What became of this copy."""
    row = arrives(recipient, raw)
    assert row is not None
    return row.kind, row.reason


def thanks() -> list[Delivery]:
    return list(Delivery.objects.filter(mail_class=MailClass.THANKS))


def copies_counted() -> int:
    return sum(CountEntry.objects.filter(kind="copies").values_list("delta", flat=True))


def nothing_came_of_it() -> bool:
    """Nobody is counted and nobody is written to."""
    return not (Supporter.objects.exists() or Delivery.objects.exists() or copies_counted())


def test_a_signed_copy_counts_its_writer_and_queues_one_mail_of_thanks(campaign: Campaign) -> None:
    assert outcome(letter()) == ("copy", "counted")
    supporter = Supporter.objects.get()
    assert (supporter.way, supporter.state, supporter.country) == ("own mailbox", "confirmed", "")
    assert copies_counted() == 1
    assert not CountEntry.objects.filter(kind="supporters").exists()
    (mail,) = thanks()
    message = IncomingMessage.objects.get()
    assert (mail.supporter, mail.incoming) == (supporter, message)
    assert message.supporter == supporter
    assert mail.budget_hash is not None


def test_nothing_of_the_writer_is_kept_in_the_clear(campaign: Campaign) -> None:
    outcome(letter())
    supporter = Supporter.objects.select_related("campaign", "sealed").get()
    assert opened(supporter).address() == "ann@writers.example"
    kept = supporter.sealed
    assert (kept.signature_ct, kept.texts_ct) == (None, None)
    assert b"ann@" not in bytes(kept.address_ct or b"") + bytes(supporter.letter.link_ct or b"")
    message = IncomingMessage.objects.get()
    assert b"Owners" not in bytes(message.content_ct or b"") + bytes(message.raw_ct or b"")
    content = contents.opened(message)
    assert content is not None
    assert "take her back" in content.text


def test_the_thanks_go_to_the_writer_and_are_marked_as_a_machines(campaign: Campaign) -> None:
    outcome(letter())
    outgoing = build(thanks()[0])
    mail = postoffice.parsed(outgoing.data)
    assert outgoing.recipient == "ann@writers.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"].addresses[0].addr_spec == "harbour@notices.picketline.example"
    assert "/en/copies/" in mail.get_content()
    assert "Dear Owners" not in mail.get_content()


@pytest.mark.parametrize(
    ("subject", "language"),
    [("The harbour (ru)", "ru"), ("Re: the HARBOUR (en)", "en"), ("Something else", "en")],
)
def test_the_thanks_are_in_the_language_of_the_letter(
    campaign: Campaign, subject: str, language: str
) -> None:
    outcome(letter(Subject=subject))
    assert Supporter.objects.get().page_language == language


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (unsigned_letter(), "not authenticated"),
        (letter(by="elsewhere.example"), "not authenticated"),
        (letter().replace(b"take her back", b"keep her out"), "not authenticated"),
        (letter(Resent_From="eve@elsewhere.example"), "forwarded"),
        (letter(List_Post="<mailto:all@writers.example>"), "from a list"),
        (letter(Cc="airport@copies.picketline.example"), "copy address not in To or Cc"),
        (letter(Cc="friend@elsewhere.example"), "copy address not in To or Cc"),
        (letter(To="friend@elsewhere.example"), "no target in To or Cc"),
        (letter(From="abuse@writers.example"), "no ordinary sender"),
        (letter(From="Office <office@owner.example>"), "from a target"),
    ],
    ids=[
        *("unsigned", "forged", "altered", "forwarded", "list", "replayed", "bcc"),
        *("no target", "role", "target"),
    ],
)
def test_what_is_no_writers_own_letter_does_not_count_and_is_not_answered(
    campaign: Campaign, raw: bytes, reason: str
) -> None:
    assert outcome(raw) == ("copy", reason)
    assert nothing_came_of_it()


@pytest.mark.parametrize(
    "fields",
    [{"Auto_Submitted": "auto-replied"}, {"List_Id": "<all.writers.example>"}],
    ids=["vacation", "mailing list"],
)
def test_what_a_machine_sends_is_counted_as_that(
    campaign: Campaign, fields: dict[str, str]
) -> None:
    assert outcome(letter(**fields))[0] == "auto-reply"
    assert nothing_came_of_it()


def test_two_senders_are_no_sender(campaign: Campaign) -> None:
    two = letter(From="ann@writers.example, ben@writers.example")
    assert outcome(two) == ("copy", "not authenticated")
    assert nothing_came_of_it()


def test_our_own_servers_word_counts_if_we_know_its_name(
    campaign: Campaign, settings: Settings
) -> None:
    verdict = "mx.picketline.example; spf=pass smtp.mailfrom=ann@writers.example"
    raw = unsigned_letter(Authentication_Results=verdict)
    assert outcome(raw) == ("copy", "not authenticated")
    settings.AUTHSERV_ID = "mx.picketline.example"
    again = unsigned_letter(Authentication_Results=verdict, Message_ID="<2@writers.example>")
    assert outcome(again) == ("copy", "counted")


@pytest.mark.parametrize("spelling", ["ann@writers.example", "ANN+letters@Writers.example"])
def test_a_second_letter_of_an_address_is_kept_and_not_counted(
    campaign: Campaign, spelling: str
) -> None:
    outcome(letter())
    second = letter("Again.", From=spelling, Message_ID="<2@writers.example>", by=PROVIDERS[0])
    assert outcome(second) == ("copy", "repeated")
    assert (copies_counted(), len(thanks())) == (1, 1)


def test_the_same_message_again_is_dropped(campaign: Campaign) -> None:
    outcome(letter())
    assert arrives(COPIES, letter()) is None
    assert (copies_counted(), len(thanks())) == (1, 1)


def test_whoever_has_written_on_the_page_is_not_counted_again(campaign: Campaign) -> None:
    writers.confirmed(campaign, address=EmailAddr("ann@writers.example"))
    assert outcome(letter()) == ("copy", "repeated")
    assert (copies_counted(), thanks()) == (0, [])


def test_one_address_may_write_in_each_campaign(campaign: Campaign) -> None:
    builders.campaign(slug="airport")
    outcome(letter())
    other = "airport@copies.picketline.example"
    assert outcome(letter(Cc=other), other) == ("copy", "counted")
    assert copies_counted() == 2


def test_a_signed_message_sent_on_to_another_campaign_does_not_count_there(
    campaign: Campaign,
) -> None:
    builders.campaign(slug="airport")
    raw = letter()
    outcome(raw)
    other = "airport@copies.picketline.example"
    assert outcome(raw, other) == ("copy", "copy address not in To or Cc")
    assert copies_counted() == 1


def test_a_closed_campaign_counts_nobody(campaign: Campaign) -> None:
    campaigns.close("harbour")
    assert outcome(letter()) == ("copy", "campaign closed")
    assert nothing_came_of_it()


def test_a_campaign_counts_no_more_after_its_last_day(campaign: Campaign) -> None:
    Campaign.objects.update(closes_on=date(2025, 1, 1))
    assert outcome(letter()) == ("copy", "campaign closed")


def test_whoever_wants_no_mail_is_not_counted_either(campaign: Campaign) -> None:
    suppressions.add("ann@writers.example")
    assert outcome(letter()) == ("copy", "sender wants no mail")
    assert nothing_came_of_it()
    row = IncomingMessage.objects.get()
    assert (row.raw_ct, row.content_ct) == (None, None)


def test_an_address_suppressed_meanwhile_gets_no_thanks(campaign: Campaign) -> None:
    outcome(letter())
    suppressions.add("ann@writers.example")
    with pytest.raises(NotToBeSent, match="suppressed"):
        build(thanks()[0])


def test_a_copy_of_a_campaign_that_is_gone_counts_nothing(campaign: Campaign) -> None:
    report = findings.report_on(letter(), verify=False, nameservers=())
    assert copies.take(IncomingMessage(), report).reason == "no campaign"


def test_the_numbers_agree_with_their_journal(campaign: Campaign) -> None:
    for number in range(3):
        outcome(letter(From=f"a{number}@writers.example", Message_ID=f"<{number}@w.example>"))
    counts.sum_up()
    assert counts.totals(campaign)[counts.CountKind.COPIES] == 3
    assert counts.totals(campaign)[counts.CountKind.SUPPORTERS] == 0
    assert counts.recount() == []


def test_a_worker_examines_copies_in_the_sandbox(campaign: Campaign, in_the_sandbox: None) -> None:
    assert outcome(letter()) == ("copy", "counted")


def test_thanks_share_the_budget_of_confirmations(transactional_db: None) -> None:
    campaign = builders.campaign()
    outcome(letter())
    writers.submit(campaign, address=EmailAddr("ann+again@writers.example"))
    postoffice.make_due()
    with postoffice.Peer() as server:
        postoffice.send(server)
        assert len(server.messages) == 1
    waiting = Delivery.objects.filter(mail_class__in=[MailClass.THANKS, MailClass.CONFIRMATION])
    assert sorted(waiting.values_list("state", flat=True)) == ["accepted", "queued"]


def test_whoever_is_named_in_a_forged_copy_gets_no_mail(transactional_db: None) -> None:
    builders.campaign()
    outcome(unsigned_letter(From="victim@writers.example"))
    outcome(arrivals.out_of_office())
    with postoffice.Peer() as server:
        postoffice.send(server)
        assert server.messages == []
