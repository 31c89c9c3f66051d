"""Replies of targets: passed on as inert text to whoever wished it, and never as they came."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.domain.incoming import arrivals
from tests.domain.incoming.arrivals import arrives, message, reply_alias

from picketline.domain import campaigns, letter_status, suppressions
from picketline.domain.incoming import contents, doors
from picketline.domain.incoming.replies import MOST_FORWARDED
from picketline.domain.outgoing import NotToBeSent, build
from picketline.models import Campaign, Delivery, IncomingMessage, Supporter

MailClass = Delivery.MailClass
HOSTILE = (
    "--=_b\n"
    "Content-Type: text/html; charset=utf-8\n\n"
    '<p>We <a href="https://track.example/u/1">answer</a> you.</p>'
    '<img src="https://track.example/pixel.gif"><script>alert(1)</script>\n'
    "--=_b\n"
    'Content-Type: application/zip; name="answer.zip"\n'
    'Content-Disposition: attachment; filename="answer.zip"\n'
    "Content-Transfer-Encoding: base64\n\nUEsDBA==\n--=_b--"
)
HOSTILE_FIELDS = {
    "MIME_Version": "1.0",
    "Content_Type": 'multipart/mixed; boundary="=_b"',
    "Disposition_Notification_To": "office@owner.example",
}


@pytest.fixture
def campaign(db: None) -> Campaign:
    return builders.campaign()


@pytest.fixture
def letter(campaign: Campaign) -> Delivery:
    """A letter to the owner whose writer wants the replies."""
    return arrivals.sent(campaign)


def answered(letter: Delivery, body: str = "We regret.", **fields: str) -> IncomingMessage:
    """What a message to the letter's alias has become."""
    number = IncomingMessage.objects.count()
    fields.setdefault("Message_ID", f"<{number}@owner.example>")
    row = arrives(reply_alias(letter), message(body, **fields))
    assert row is not None
    return row


def forwarded() -> list[Delivery]:
    return list(Delivery.objects.filter(mail_class=MailClass.FORWARDED_REPLY))


def text_of(delivery: Delivery) -> str:
    content: str = postoffice.parsed(build(delivery).data).get_content()
    return content


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("office@owner.example", ""),
        ("press@mail.owner.example", ""),
        ("someone@agency.example", "other address"),
        ("someone@notowner.example", "other address"),
    ],
)
def test_a_reply_says_whether_it_came_from_the_targets_domain(
    letter: Delivery, address: str, reason: str
) -> None:
    row = answered(letter, From=address)
    assert (row.kind, row.reason, row.publication) == ("reply", reason, "held")
    assert (row.delivery, row.supporter, row.target) == (letter, letter.supporter, letter.target)
    told = "It came from another address" in text_of(forwarded()[0])
    assert told == bool(reason)


def test_the_parent_domain_of_a_target_is_the_targets_too(campaign: Campaign) -> None:
    letter = arrivals.sent(campaign)
    assert letter.target_version is not None
    letter.target_version.address = "office@port.owner.example"
    letter.target_version.save()
    assert answered(letter, From="board@owner.example").reason == ""


def close_ago(ago: timedelta) -> None:
    campaigns.close("harbour")
    Campaign.objects.update(closed_at=timezone.now() - ago)


def test_half_a_year_after_the_end_only_the_target_is_heard(letter: Delivery) -> None:
    close_ago(doors.REPLIES_FROM_ANYONE_FOR + timedelta(days=1))
    target = "office@owner.example"
    late = arrives(reply_alias(letter), message(From="x@y.example"), target)
    assert late is not None
    assert (late.kind, late.reason) == ("unknown", "late, from another address")
    assert forwarded() == []
    own = arrives(reply_alias(letter), message("At last.", Message_ID="<2@o.example>"), target)
    assert own is not None
    assert own.kind == "reply"


def test_two_years_after_the_end_the_door_is_closed(letter: Delivery) -> None:
    close_ago(doors.REPLIES_FOR + timedelta(days=1))
    assert doors.find(reply_alias(letter), "office@owner.example") is None


def test_the_writer_gets_the_text_and_nothing_else_of_a_reply(letter: Delivery) -> None:
    answered(letter, HOSTILE, Subject="Re: https://track.example/s", **HOSTILE_FIELDS)
    outgoing = build(forwarded()[0])
    mail = postoffice.parsed(outgoing.data)
    assert outgoing.recipient == "jo@writers.example"
    assert mail.get_content_type() == "text/plain"
    assert mail["Reply-To"] is None
    assert mail["Disposition-Notification-To"] is None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"].addresses[0].domain == "notices.picketline.example"
    text = mail.get_content()
    assert "> We answer" in text
    assert "track.example" not in text
    assert "answer[.]zip" in text
    assert "alert" not in text
    assert "UEsDB" not in text


def test_it_tells_who_answered_when_and_that_there_was_more(letter: Delivery) -> None:
    answered(letter, "No. " * 10_000)
    text = text_of(forwarded()[0])
    assert "You wrote to: The owner (en)." in text
    assert "office@owner[.]example" in text
    assert "The text was longer" in text


def test_what_a_reply_lacks_is_said_or_left_out(letter: Delivery) -> None:
    answered(letter, "", From="office@owner.example", Subject="")
    lines = text_of(forwarded()[0]).splitlines()
    assert "From: office@owner[.]example" in lines
    assert "It has no text." in lines
    assert not [line for line in lines if line.startswith("Subject")]
    answered(letter, "We regret.", From="office@owner.example, press@owner.example")
    assert "From:" not in text_of(forwarded()[1])


def test_secret_links_and_aliases_of_ours_are_not_passed_on(letter: Delivery) -> None:
    alias = reply_alias(letter)
    link = "http://127.0.0.1:8000/en/letters/" + "a" * 32 + "/"
    answered(letter, f"You wrote from {alias} and {link} to us.")
    text = text_of(forwarded()[0]).partition("-- \n")[0]
    assert "You wrote from [removed] and [removed] to us." in text
    assert alias[:10] not in text


def test_neither_are_those_in_its_names(letter: Delivery) -> None:
    alias = reply_alias(letter)
    fields = HOSTILE_FIELDS | {"From": f'"{alias}" <office@owner.example>'}
    answered(letter, HOSTILE.replace("answer.zip", f"{alias}.zip"), **fields)
    text = text_of(forwarded()[0])
    assert "From: [removed] <office@owner[.]example>" in text
    assert "- [removed]" in text


@pytest.mark.parametrize("replies", ["keep", "writer"])
def test_without_the_writers_wish_nothing_is_forwarded(campaign: Campaign, replies: str) -> None:
    letter = arrivals.sent(campaign, replies=Supporter.Replies(replies))
    if replies == "keep":
        row = answered(letter)
    else:
        named = {"In_Reply_To": letter.message_id}
        found = arrives("harbour@letters.picketline.example", message(**named))
        assert found is not None
        row = found
    assert (row.kind, row.supporter, row.publication) == ("reply", letter.supporter, "held")
    assert forwarded() == []


def test_a_reply_to_no_letter_that_we_know_of_reaches_no_writer(campaign: Campaign) -> None:
    row = arrives("harbour@letters.picketline.example", message())
    assert row is not None
    assert (row.kind, row.delivery, row.publication) == ("reply", None, "held")
    assert forwarded() == []


def test_an_automatic_answer_is_not_forwarded(letter: Delivery) -> None:
    row = arrives(reply_alias(letter), arrivals.out_of_office())
    assert row is not None
    assert row.kind == "auto-reply"
    assert forwarded() == []


def test_who_knows_an_alias_cannot_flood_the_writer(letter: Delivery) -> None:
    for number in range(MOST_FORWARDED + 2):
        assert answered(letter, f"Answer {number}").publication == "held"
    assert len(forwarded()) == MOST_FORWARDED


def test_the_same_reply_again_is_forwarded_once(letter: Delivery) -> None:
    answered(letter, Message_ID="<1@owner.example>")
    assert arrives(reply_alias(letter), message("We regret.", Message_ID="<1@owner.example>")) is (
        None
    )
    assert len(forwarded()) == 1


def test_an_answer_to_an_erased_letter_is_told_but_not_kept(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign)
    letter = arrivals.handed_over(supporter.deliveries.filter(mail_class="letter").earliest("pk"))
    alias = reply_alias(letter)
    letter_status.erase(token)
    row = arrives(alias, message("Dear Jo Docker, we regret."))
    assert row is not None
    assert (row.kind, row.reason, row.publication) == ("reply", "writer erased", "")
    assert contents.opened(row) is None
    assert forwarded() == []


@pytest.mark.parametrize("end", ["erased", "suppressed", "text gone"])
def test_what_was_queued_is_not_sent_after_all(campaign: Campaign, end: str) -> None:
    supporter, token = writers.confirmed(campaign)
    letter = arrivals.handed_over(supporter.deliveries.filter(mail_class="letter").earliest("pk"))
    answered(letter)
    if end == "erased":
        letter_status.erase(token)
    elif end == "suppressed":
        suppressions.add("jo@writers.example")
    else:
        IncomingMessage.objects.update(content_ct=None)
    with pytest.raises(NotToBeSent, match="suppressed" if end == "suppressed" else "erased"):
        build(forwarded()[0])


def test_the_writers_page_tells_that_they_answered(campaign: Campaign) -> None:
    supporter, token = writers.confirmed(campaign)
    letter = arrivals.handed_over(supporter.deliveries.filter(mail_class="letter").earliest("pk"))
    assert [row.answered_on for row in letter_status.status(token).deliveries] == [None, None]
    answered(letter)
    today = timezone.now().date()
    assert [row.answered_on for row in letter_status.status(token).deliveries] == [today, None]


def test_a_reply_goes_the_whole_way_to_the_writer(transactional_db: None) -> None:
    answered(arrivals.sent(builders.campaign()), HOSTILE, **HOSTILE_FIELDS)
    Delivery.objects.exclude(mail_class=MailClass.FORWARDED_REPLY).delete()
    with postoffice.Peer() as server:
        postoffice.send(server)
        (mail,) = server.mails()
    assert "> We answer" in mail.get_content()
    assert forwarded()[0].state == "accepted"
