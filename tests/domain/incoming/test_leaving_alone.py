"""Who unsubscribes or complains is left alone; nobody can have that done to somebody else."""

from __future__ import annotations

import pytest
from tests import builders, postoffice, writers
from tests.domain.incoming import arrivals
from tests.domain.incoming.arrivals import MailClass, arrives, complaint, message

from picketline.domain.letter_status import erase
from picketline.domain.outgoing import NotToBeSent, build
from picketline.domain.suppressions import leave_alone
from picketline.models import Campaign, Consent, Delivery, IncomingMessage, Supporter, Suppression

pytestmark = pytest.mark.django_db
UPDATES = frozenset({Consent.Kind.SEND, Consent.Kind.UPDATES})


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def kind_of(row: IncomingMessage | None) -> tuple[str, str]:
    assert row is not None
    return row.kind, row.reason


def consents() -> set[str]:
    return set(Consent.objects.values_list("kind", flat=True))


def notices() -> list[tuple[str, str]]:
    rows = Delivery.objects.filter(mail_class=MailClass.ORGANISER_NOTICE)
    return [(row.notice, row.target.key if row.target else "") for row in rows]


def test_a_mail_to_writers_says_where_to_unsubscribe(campaign: Campaign) -> None:
    copy = arrivals.sent(campaign, MailClass.WRITER_COPY)
    mail = postoffice.parsed(build(copy).data)
    assert mail["List-Unsubscribe"].strip() == f"<mailto:{arrivals.unsubscribe(copy)}>"
    assert mail["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "mail_class", [MailClass.LETTER, MailClass.CONFIRMATION, MailClass.ORGANISER_COPY]
)
def test_other_mails_look_like_no_lists(campaign: Campaign, mail_class: MailClass) -> None:
    mail = postoffice.parsed(build(arrivals.sent(campaign, mail_class)).data)
    assert mail["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    "raw",
    [
        message("", Subject="unsubscribe", From="jo@writers.example"),
        message("", Auto_Submitted="auto-generated", From="jo@writers.example"),
        arrivals.out_of_office(),
    ],
    ids=["by hand", "by one click", "by a program"],
)
def test_whoever_unsubscribes_gets_no_more_of_our_mail(campaign: Campaign, raw: bytes) -> None:
    copy = arrivals.sent(campaign, MailClass.WRITER_COPY, consents=UPDATES)
    assert kind_of(arrives(arrivals.unsubscribe(copy), raw)) == ("unsubscribe", "")
    with pytest.raises(NotToBeSent, match="suppressed"):
        build(copy)
    assert consents() == {Consent.Kind.SEND}
    letter = Delivery.objects.filter(mail_class=MailClass.LETTER).earliest("pk")
    assert build(letter)  # the signed letter still goes: it is withdrawn on the status page


def test_unsubscribing_twice_is_as_good_as_once(campaign: Campaign) -> None:
    copy = arrivals.sent(campaign, MailClass.WRITER_COPY)
    address = arrivals.unsubscribe(copy)
    for number in range(2):
        arrives(address, message(Message_ID=f"<{number}@x.example>"))
    assert Suppression.objects.count() == 1


def test_to_unsubscribe_somebody_one_needs_their_mail(campaign: Campaign) -> None:
    arrivals.sent(campaign, MailClass.WRITER_COPY, address="ann@writers.example")
    copy = arrivals.sent(campaign, MailClass.WRITER_COPY, address="jo@writers.example")
    raw = message("Unsubscribe ann@writers.example", From="ann@writers.example")
    arrives(arrivals.unsubscribe(copy), raw)
    assert Suppression.objects.count() == 1
    with pytest.raises(NotToBeSent, match="suppressed"):
        build(copy)


def test_a_writer_who_is_erased_by_now_needs_no_suppression(campaign: Campaign) -> None:
    supporter, status_token = writers.confirmed(campaign)
    rows = Delivery.objects.filter(mail_class=MailClass.WRITER_COPY)
    copy = arrivals.handed_over(rows.get())
    address = arrivals.unsubscribe(copy)
    erase(status_token)
    assert not leave_alone(Supporter.objects.get(pk=supporter.pk))
    assert kind_of(arrives(address, message())) == ("unsubscribe", "")
    Delivery.objects.update(supporter=None)
    again = message(Message_ID="<2@x.example>")
    assert kind_of(arrives(address, again)) == ("unsubscribe", "erased")
    assert not Suppression.objects.exists()


def test_an_unsubscription_whose_mail_is_gone_hurts_nobody(campaign: Campaign) -> None:
    copy = arrivals.sent(campaign, MailClass.WRITER_COPY)
    address = arrivals.unsubscribe(copy)
    row = arrives(address, message())
    assert row is not None
    IncomingMessage.objects.update(
        state="received", kind="", fingerprint=None, delivery=None, examine_at=row.received_at
    )
    arrives(address, message(Message_ID="<2@x.example>"))
    row.refresh_from_db()
    assert kind_of(row) == ("unsubscribe", "not a writer's mail")


@pytest.mark.parametrize("mail_class", [MailClass.WRITER_COPY, MailClass.CONFIRMATION])
def test_a_writer_who_reports_our_mail_as_spam_gets_no_more(
    campaign: Campaign, mail_class: MailClass
) -> None:
    mail = arrivals.sent(campaign, mail_class, consents=UPDATES)
    row = arrives(arrivals.envelope(mail), complaint())
    assert kind_of(row) == ("complaint", "a writer's mail")
    with pytest.raises(NotToBeSent, match="suppressed"):
        build(mail)
    assert consents() == {Consent.Kind.SEND}
    assert notices() == []


def test_a_target_who_reports_a_letter_as_spam_silences_nobody(campaign: Campaign) -> None:
    letter = arrivals.sent(campaign)
    row = arrives(arrivals.envelope(letter), complaint())
    assert kind_of(row) == ("complaint", "a letter")
    assert not Suppression.objects.exists()
    letter.refresh_from_db()
    assert letter.state == "accepted"
    assert notices() == [("complaint", "owner")]


def test_a_complaint_to_the_visible_address_is_told_and_nothing_else(campaign: Campaign) -> None:
    for number in range(3):
        row = arrives("harbour@notices.picketline.example", complaint(number))
        assert kind_of(row) == ("complaint", "of no mail that we know")
    assert notices() == [("complaint", "")]
    assert not Suppression.objects.exists()


def test_an_organiser_who_complains_does_not_silence_the_writer(campaign: Campaign) -> None:
    mail = arrivals.sent(campaign, MailClass.ORGANISER_COPY)
    row = arrives(arrivals.envelope(mail), complaint())
    assert kind_of(row) == ("complaint", "an organiser's mail")
    assert not Suppression.objects.exists()
    assert notices() == []


def test_a_complaint_about_a_mail_whose_writer_is_gone_is_only_counted(
    campaign: Campaign,
) -> None:
    mail = arrivals.sent(campaign, MailClass.WRITER_COPY)
    address = arrivals.envelope(mail)
    Delivery.objects.filter(pk=mail.pk).update(supporter=None)
    assert kind_of(arrives(address, complaint())) == ("complaint", "erased")
