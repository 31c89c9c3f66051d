"""The mailbox's way back: a visitor answers a letter as its target, or sends it back."""

import http.client
import smtplib
from email.mime.text import MIMEText

import pytest
from tests.demo.mailboxes import Mailbox, Page, running
from tests.demo.office import Counter

from picketline.demo.labels import Labels
from picketline.host.processes import free_port

TARGET = "board@fund.example"
ALIAS = "r.aaaabbbbccccddddeeeeffff22@reply.picketline.example"
ENVELOPE = "b.aaaabbbbccccddddeeeeffff22@letters.picketline.example"
ANSWER = "We have read it.\n\nБіз оқыдық."


def arrive(
    mailbox: Mailbox,
    subject: str,
    reply_to: str | None = ALIAS,
    to: str = TARGET,
    sender: str = ENVELOPE,
) -> str:
    """A letter arrives; returns the path of its page."""
    message = MIMEText("Dear sirs,\n\nenough.\n", "plain", "utf-8")
    message["From"] = "zhanaozen@letters.picketline.example"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{subject.split()[0].lower()}@letters.picketline.example>"
    if reply_to:
        message["Reply-To"] = reply_to
    mailbox.send(message.as_bytes(), to, sender=sender)
    (found,) = [entry for entry in mailbox.messages() if entry["subject"] == subject]
    return f"/messages/{found['id']}"


def answer(mailbox: Mailbox, page: str, text: str = ANSWER, how: str = "reply") -> Page:
    return mailbox.post(f"{page}/answer", {"text": text, "how": how})


def test_an_answer_is_a_plain_mail_of_the_target_to_where_the_letter_wants_it(answering, counter):
    alias = f"one.{ALIAS}"
    page = arrive(answering, "Four demands", alias)
    sent = answer(answering, page)
    assert (sent.status, sent.headers["location"]) == (303, f"{page}?sent=reply#answer")
    envelope_sender, mail = counter.only(alias)
    assert envelope_sender == TARGET
    assert mail["From"].addresses[0].addr_spec == TARGET
    assert mail["From"].addresses[0].display_name == "The fund above"
    assert mail["To"] == alias
    assert mail["Subject"] == "Re: Four demands"
    assert mail["In-Reply-To"] == mail["References"] == "<four@letters.picketline.example>"
    assert mail["Message-ID"].endswith("@fund.example>")
    assert mail["Date"].datetime is not None
    assert mail.get_content().splitlines() == ANSWER.splitlines()
    assert 'role="status"' in answering.get(f"{page}?sent=reply").text


def test_an_undeliverable_letter_goes_back_to_its_envelope_sender(answering, counter):
    envelope = f"one.{ENVELOPE}"
    page = arrive(answering, "Back please", sender=envelope)
    assert answer(answering, page, text="", how="bounce").status == 303
    envelope_sender, mail = counter.only(envelope)
    assert envelope_sender == ""
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "delivery-status"
    assert mail["Auto-Submitted"] == "auto-replied"
    words, status, header = mail.iter_parts()
    assert TARGET in words.get_content()
    recipient = status.get_payload(1)
    assert recipient["Final-Recipient"] == f"rfc822; {TARGET}"
    assert (recipient["Action"], recipient["Status"]) == ("failed", "5.1.1")
    assert "Message-ID: <back@letters.picketline.example>" in header.get_payload()


def test_a_writer_who_wanted_to_be_answered_directly_has_the_answer_in_their_mailbox(answering):
    page = arrive(answering, "Directly", "zofia@shipyard.example")
    assert answer(answering, page).headers["location"] == f"{page}?sent=direct#answer"
    (found,) = [m for m in answering.messages() if m["mailbox"] == "zofia@shipyard.example"]
    assert found["from"] == TARGET
    assert found["text"].replace("\r\n", "\n").strip() == ANSWER


def test_a_refusal_is_shown_with_what_was_written(answering):
    page = arrive(answering, "Nobody", "nobody@reply.picketline.example")
    shown = answer(answering, page, "<b>Our answer</b>")
    assert shown.status == 502
    assert "550 5.1.1 No such address here" in shown.text
    assert "&lt;b&gt;Our answer&lt;/b&gt;</textarea>" in shown.text


def test_when_nobody_takes_in_mail_the_page_says_so(tmp_path):
    with running(tmp_path, Labels(targets={TARGET: "The fund"}), free_port(0)) as alone:
        shown = answer(alone, arrive(alone, "Away"))
        assert shown.status == 502
        assert "does not answer" in shown.text


@pytest.mark.parametrize(
    ("letter", "sent", "reason"),
    [
        ({"subject": "Empty words"}, {"text": " \n"}, "needs some words"),
        ({"subject": "Null sender", "sender": ""}, {"how": "bounce"}, "envelope does not say"),
        ({"subject": "Odd address", "reply_to": "a b@@x.example"}, {}, "No answer can be sent"),
    ],
    ids=["no words", "no envelope sender", "no address"],
)
def test_what_cannot_be_sent_is_said_in_a_sentence(answering, letter, sent, reason):
    shown = answer(answering, arrive(answering, **letter), **sent)
    assert shown.status == 502
    assert reason in shown.text


def test_a_letter_without_an_address_for_replies_is_answered_to_its_sender(answering, counter):
    assert answer(answering, arrive(answering, "Plain", None)).status == 303
    assert counter.only("zhanaozen@letters.picketline.example")[0] == TARGET


def test_only_a_targets_letter_has_the_form_and_only_its_page_may_post(answering):
    page = arrive(answering, "With a form")
    copy = arrive(answering, "Copy for organisers", to="copies@committee.example")
    shown, others = answering.get(page), [answering.get(copy), answering.get("/")]
    assert "Answer as <bdi>The fund above</bdi>" in shown.text
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert all("<form" not in other.text for other in others)
    for other in others:
        assert "form-action 'none'" in other.headers["content-security-policy"]
    assert answer(answering, copy).status == 404
    assert answering.get(f"{page}/answer").status == 404
    assert answering.post(page, {}).status == 405


def test_without_anybody_who_takes_in_mail_there_is_no_form(mailbox):
    page = arrive(mailbox, "No way back")
    assert "<form" not in mailbox.get(page).text
    assert answer(mailbox, page).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Origin": None},
        {"Sec_Fetch_Site": None, "Origin": None},
    ],
)
def test_a_form_of_another_page_is_refused(answering: Mailbox, counter: Counter, headers):
    before = len(counter.taken)
    page = f"{arrive(answering, f'Forged {headers}')}/answer"
    assert answering.post(page, {"text": "forged"}, **headers).status == 403
    assert len(counter.taken) == before


@pytest.mark.parametrize("kept", ["Origin", "Sec_Fetch_Site"])
def test_a_browser_that_sends_one_of_the_two_headers_is_enough(answering, kept):
    left_out = {"Origin": "Sec_Fetch_Site", "Sec_Fetch_Site": "Origin"}[kept]
    page = arrive(answering, f"Older browser {kept}", f"{kept}@reply.picketline.example".lower())
    sent = answering.post(f"{page}/answer", {"text": "x"}, **{left_out: None})
    assert sent.status == 303


def test_what_no_form_of_ours_sends_is_refused(answering):
    page = f"{arrive(answering, 'Odd posts')}/answer"
    many = {f"field{number}": "x" for number in range(20)}
    assert answering.post(page, {"text": "x"}, Content_Type="text/plain").status == 415
    assert answering.post(page, many).status == 400
    assert answering.post("/messages/none/answer", {"text": "x"}).status == 404


@pytest.mark.parametrize(
    ("length", "status"), [(str(16 * 1024 + 1), 413), ("9" * 5000, 413), ("-1", 411)]
)
def test_a_body_is_not_read_beyond_sixteen_kilobytes(answering, length, status):
    connection = http.client.HTTPConnection("127.0.0.1", answering.http, timeout=20)
    try:
        connection.putrequest("POST", "/messages/x/answer")
        connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == status
    finally:
        connection.close()


def test_the_longest_answer_of_the_form_fits(answering, counter):
    alias = f"long.{ALIAS}"
    text = "Қ" * 2500
    assert answer(answering, arrive(answering, "Long answer", alias), text).status == 303
    assert counter.only(alias)[1].get_content().strip() == text


def test_a_note_is_one_of_ours(answering):
    page = arrive(answering, "Notes")
    assert 'role="status"' in answering.get(f"{page}?sent=bounce").text
    assert 'role="status"' not in answering.get(f"{page}?sent=<script>").text


def test_a_hostile_letter_can_be_answered(answering):
    hostile = '<script>alert(1)</script>"&'
    with smtplib.SMTP("127.0.0.1", answering.smtp, timeout=20) as client:
        raw = f"Subject: {hostile}\r\nReply-To: {ALIAS}\r\nMessage-ID: <\xff>\r\n\r\nx".encode()
        client.sendmail(ENVELOPE, [TARGET], raw + b"\xff\xfe")
    page = f"/messages/{answering.messages()[-1]['id']}"
    assert answer(answering, page, hostile).status == 303
    assert answer(answering, page, how="bounce").status == 303
    assert "<script" not in answering.get(page).text
