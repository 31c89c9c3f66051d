"""Sorting: each kind is known by its door and its shape; whatever comes, the worker lives."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models.functions import Now
from tests import builders, postoffice
from tests.domain.incoming import arrivals
from tests.domain.incoming.arrivals import MailClass, arrives, message

from picketline.domain.chores import Chores
from picketline.domain.incoming import contents, receiving, sorting
from picketline.domain.incoming.sorting import MAX_EXAMINATIONS
from picketline.mail.incoming import sandbox
from picketline.models import Campaign, Delivery, IncomingMessage

COPIES = "harbour@copies.picketline.example"
SENDER = "harbour@letters.picketline.example"


@pytest.fixture
def campaign(db: None) -> Campaign:
    return builders.campaign()


def kind_of(row: IncomingMessage | None) -> tuple[str, str]:
    assert row is not None
    return row.kind, row.reason


def test_what_comes_to_a_reply_alias_is_the_targets_reply_to_that_letter(
    campaign: Campaign,
) -> None:
    letter = arrivals.sent(campaign)
    row = arrives(arrivals.reply_alias(letter).upper(), message("We regret.", From="x@y.example"))
    assert row is not None
    assert (row.kind, row.publication) == ("reply", "held")
    assert (row.delivery, row.target, row.supporter) == (letter, letter.target, letter.supporter)
    content = contents.opened(row)
    assert content is not None
    assert (content.from_address, content.subject) == ("x@y.example", "About your letter")
    assert content.text.strip() == "We regret."
    assert b"regret" not in bytes(row.content_ct or b"")


def test_what_comes_to_the_copy_address_is_a_copy(campaign: Campaign) -> None:
    row = arrives(COPIES, message("Dear Owners", From="ann@writers.example", Cc=COPIES))
    assert row is not None
    assert (row.kind, row.campaign, row.publication) == ("copy", campaign, "")
    assert contents.opened(row) is not None


def test_an_answer_to_the_visible_address_finds_its_letter_by_the_message_id(
    campaign: Campaign,
) -> None:
    letter = arrivals.sent(campaign)
    for field in ("In_Reply_To", "References"):
        names = {field: f"<x@y.example> {letter.message_id}"} if field[0] == "R" else {}
        names = names or {field: letter.message_id}
        row = arrives(SENDER, message(f"By {field}", From="press@agency.example", **names))
        assert row is not None
        assert (row.kind, row.delivery, row.supporter) == ("reply", letter, letter.supporter)


def test_an_answer_to_the_visible_address_finds_its_target_by_the_domain(
    campaign: Campaign,
) -> None:
    row = arrives(SENDER, message(From="ceo@Owner.example"))
    assert row is not None
    assert (row.kind, row.delivery, row.supporter) == ("reply", None, None)
    assert row.target is not None
    assert row.target.key == "owner"


def test_a_message_id_of_another_campaigns_letter_leads_nowhere(campaign: Campaign) -> None:
    letter = arrivals.sent(builders.campaign(slug="airport"))
    row = arrives(SENDER, message(From="x@y.example", In_Reply_To=letter.message_id))
    assert kind_of(row) == ("unknown", "of nobody we wrote to")


def test_what_a_stranger_writes_is_kept_for_a_person_to_read(campaign: Campaign) -> None:
    row = arrives(SENDER, message("Whom can I ask?", From="somebody@elsewhere.example"))
    assert kind_of(row) == ("unknown", "of nobody we wrote to")
    assert row is not None
    content = contents.opened(row)
    assert content is not None
    assert "Whom can I ask?" in content.text


def test_what_a_person_answers_to_a_confirmation_is_no_reply_of_a_target(
    campaign: Campaign,
) -> None:
    mail = arrivals.sent(campaign, MailClass.CONFIRMATION)
    row = arrives(arrivals.envelope(mail), message(From="jo@writers.example"))
    assert kind_of(row) == ("unknown", "of nobody we wrote to")


def test_a_person_who_answers_to_the_envelope_sender_has_answered_the_letter(
    campaign: Campaign,
) -> None:
    letter = arrivals.sent(campaign)
    row = arrives(arrivals.envelope(letter), message())
    assert row is not None
    assert (row.kind, row.delivery) == ("reply", letter)


@pytest.mark.parametrize("address", ["alias", "envelope", SENDER, COPIES])
def test_a_machines_answer_is_counted_and_nothing_else(campaign: Campaign, address: str) -> None:
    letter = arrivals.sent(campaign)
    aliases = {"alias": arrivals.reply_alias(letter), "envelope": arrivals.envelope(letter)}
    before = Delivery.objects.count()
    row = arrives(aliases.get(address, address), arrivals.out_of_office())
    assert row is not None
    assert (row.kind, row.content_ct, row.publication) == ("auto-reply", None, "")
    assert row.reason
    assert Delivery.objects.count() == before


def test_mail_from_ourselves_ends_here(campaign: Campaign) -> None:
    for number, address in enumerate((COPIES, SENDER)):
        own = message(From="airport@letters.picketline.example", Message_ID=f"<{number}@x.example>")
        assert kind_of(arrives(address, own)) == ("unknown", "from ourselves")


@pytest.mark.parametrize(
    "bomb",
    [
        b"",
        b"Subject: x\r\n" * 2000 + b"\r\n",
        b"To: " + b"(" * 100_000 + b"\r\n\r\nx",
        b"".join(
            b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (each, each)
            for each in range(2000)
        ),
        b"Content-Type: message/rfc822\r\n\r\n" * 5000,
        b"\xff\xfe\x00" * 10_000,
    ],
    ids=["nothing", "fields", "comments", "nested", "messages", "noise"],
)
@pytest.mark.django_db
@pytest.mark.usefixtures("in_the_sandbox")
def test_after_a_bomb_the_worker_sorts_what_comes_next(bomb: bytes) -> None:
    builders.campaign()
    receiving.receive(COPIES, "", bomb)
    receiving.receive(COPIES, "", message())
    assert sorting.sort_due() == 2
    first, second = IncomingMessage.objects.order_by("pk")
    assert first.state in ("quarantined", "sorted")
    assert receiving.opened(first).raw == bomb
    assert (second.state, second.kind) == ("sorted", "copy")


def test_what_could_not_be_examined_is_kept_and_can_be_examined_again(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = sandbox.examine

    def fails(*_: object, **__: object) -> None:
        raise sandbox.NotExamined("the examination was ended by SIGXCPU, as it does")

    monkeypatch.setattr(sandbox, "examine", fails)
    row = arrives(COPIES, message())
    assert row is not None
    assert (row.state, row.kind) == ("quarantined", "")
    assert row.reason == "the examination was ended by SIGXCPU, as it does"[:40]

    monkeypatch.setattr(sandbox, "examine", examine)
    assert sorting.sort_due() == 0
    assert sorting.requeue(row.pk)
    assert not sorting.requeue(row.pk)
    assert sorting.sort_due() == 1
    row.refresh_from_db()
    assert (row.state, row.kind, row.reason) == ("sorted", "copy", "not authenticated")


def test_a_message_that_kills_its_examiner_is_put_away_after_the_third_time(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined = []

    def killed(*_: object, **__: object) -> None:
        examined.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(sandbox, "examine", killed)
    receiving.receive(COPIES, "", message())
    for _ in range(MAX_EXAMINATIONS):
        with pytest.raises(KeyboardInterrupt):
            sorting.sort_due()
        assert sorting.sort_due() == 0  # out of everybody's hands for a while
        IncomingMessage.objects.update(examine_at=Now())
    assert sorting.sort_due() == 1
    row = IncomingMessage.objects.get()
    assert (row.state, row.reason) == ("quarantined", "examined too often")
    assert len(examined) == MAX_EXAMINATIONS


def test_a_message_that_another_worker_sorted_meanwhile_is_left_as_it_is(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = sandbox.examine

    def overtaken(*arguments: object, **options: object) -> object:
        IncomingMessage.objects.update(state="sorted", kind="unknown", reason="by another")
        return examine(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(sandbox, "examine", overtaken)
    assert kind_of(arrives(COPIES, message())) == ("unknown", "by another")


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_examine_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.campaign()
    receiving.receive(COPIES, "", message())
    with postoffice.witness() as other:
        other.autocommit = False
        other.execute("SELECT * FROM picketline_incomingmessage FOR UPDATE")
        assert sorting.sort_due() == 0
        other.rollback()
    assert sorting.sort_due() == 1


def test_a_round_ends_after_so_many_messages(campaign: Campaign) -> None:
    for number in range(3):
        receiving.receive(COPIES, "", message(Message_ID=f"<{number}@x.example>"))
    assert sorting.sort_due(limit=2) == 2
    assert sorting.sort_due(limit=2) == 1


def test_a_fault_of_ours_leaves_the_message_for_later(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("picketline.domain.incoming.messages.take", broken)
    receiving.receive(COPIES, "", message())
    Chores(counter_seconds=30).run_due()
    row = IncomingMessage.objects.get()
    assert (row.state, row.attempts, row.fingerprint) == ("received", 1, None)
    assert "the chore sort failed: ZeroDivisionError" in caplog.text


def _loop(answer: Callable[[Delivery], None], campaign: Campaign) -> int:
    """Let everything that is due go out and be answered, until nothing is left; how many mails."""
    went = 0
    while went < 20:
        due = Delivery.objects.filter(state="queued").exclude(mail_class__startswith="organiser")
        mails = list(due.order_by("pk"))
        if not mails:
            return went
        for mail in mails:
            answer(arrivals.handed_over(mail))
            went += 1
    return went


def test_a_vacation_program_that_answers_everything_gets_one_letter(campaign: Campaign) -> None:
    arrivals.sent(campaign)
    Delivery.objects.exclude(mail_class="letter").delete()
    Delivery.objects.exclude(target__key="owner").delete()
    Delivery.objects.update(state="queued")

    def on_holiday(mail: Delivery) -> None:
        for number, address in enumerate(
            (arrivals.envelope(mail), arrivals.reply_alias(mail), SENDER)
        ):
            arrives(address, arrivals.out_of_office(number))
            arrives(address, message("I am away!", Precedence="bulk", Message_ID=f"<{number}@b>"))

    assert _loop(on_holiday, campaign) == 1
    assert set(IncomingMessage.objects.values_list("kind", flat=True)) == {"auto-reply"}


def test_two_campaigns_that_write_to_each_other_stop_after_three_mails(campaign: Campaign) -> None:
    other = builders.campaign(slug="airport")
    arrivals.sent(campaign)
    Delivery.objects.exclude(mail_class="letter", target__key="owner").delete()
    Delivery.objects.update(state="queued")

    def wired(mail: Delivery) -> None:
        slug = other.slug if mail.campaign == campaign else campaign.slug
        raw = arrivals.build(mail).data
        for label in ("copies", "letters", "notices"):
            arrives(f"{slug}@{label}.picketline.example", raw, arrivals.envelope(mail))

    assert _loop(wired, campaign) <= 3
