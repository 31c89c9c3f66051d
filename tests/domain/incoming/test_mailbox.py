"""A mailbox is emptied without losing anything, whenever the line or the process breaks."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import override_settings
from tests import builders
from tests.domain.incoming import arrivals
from tests.imap_server import Mailbox
from tests.mail.certificates import Authority

from picketline.domain.incoming import receiving, sorting
from picketline.domain.incoming.mailbox import Fetched, MailboxTrouble, fetch
from picketline.mail.incoming.limits import MAX_MESSAGE
from picketline.models import Campaign, IncomingMessage

pytestmark = pytest.mark.django_db
COPIES = b"harbour@copies.picketline.example"


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def mailbox(authority: Authority, campaign: Campaign) -> Iterator[Mailbox]:
    with Mailbox(authority.server()) as server:
        yield server


def url(server: Mailbox, authority: Authority, folder: str = "INBOX") -> str:
    return f"imaps://post:s3cret%20word@127.0.0.1:{server.port}/{folder}?ca={authority.ca_file}"


def letter(number: int = 1, to: bytes = COPIES, field: bytes = b"X-Original-To") -> bytes:
    head = b"Return-Path: <ann@writers.example>\r\n%b: %b\r\n" % (field, to)
    return head + arrivals.message(Message_ID=f"<{number}@writers.example>")


def test_what_is_ours_is_taken_in_and_put_aside(mailbox: Mailbox, authority: Authority) -> None:
    for number in range(3):
        mailbox.put(letter(number))
    assert fetch(url(mailbox, authority)) == Fetched(kept=3, unknown=0)
    assert mailbox.contents("INBOX") == mailbox.contents("Unknown") == []
    assert len(mailbox.contents("Processed")) == 3
    received = receiving.opened(IncomingMessage.objects.earliest("pk"))
    assert received.raw == letter(0)
    assert (received.recipient.encode(), received.envelope_sender) == (
        COPIES,
        "ann@writers.example",
    )
    assert fetch(url(mailbox, authority)) == Fetched(0, 0)


@pytest.mark.parametrize(
    "raw",
    [
        letter(to=b"nobody@copies.picketline.example"),
        letter(to=b"no address at all"),
        letter(field=b"To"),
        arrivals.message("X-Original-To: " + COPIES.decode()),
        b"x" * (MAX_MESSAGE + 1),
        letter() + b"x" * MAX_MESSAGE,
        b"",
    ],
    ids=["unknown", "no address", "only To", "in the body", "no header", "too large", "nothing"],
)
def test_what_is_for_none_of_our_addresses_waits_for_a_person(
    mailbox: Mailbox, authority: Authority, raw: bytes
) -> None:
    mailbox.put(raw)
    assert fetch(url(mailbox, authority)) == Fetched(kept=0, unknown=1)
    assert mailbox.contents("Unknown") == [raw]
    assert not IncomingMessage.objects.exists()


def test_of_several_recipients_the_topmost_that_is_ours_counts(
    mailbox: Mailbox, authority: Authority
) -> None:
    head = b"Delivered-To: catch-all@hoster.example\r\nx-original-TO:\r\n <HARBOUR@copies."
    mailbox.put(
        head + b"picketline.example>\r\n" + letter(to=b"harbour@letters.picketline.example")
    )
    fetch(url(mailbox, authority))
    assert IncomingMessage.objects.get().door == "copy"


def test_the_field_that_names_the_recipient_can_be_chosen(
    mailbox: Mailbox, authority: Authority
) -> None:
    mailbox.put(letter(field=b"X-RCPT"))
    out = StringIO()
    with override_settings(IMAP_URL=url(mailbox, authority)):
        call_command("receive", imap=True, once=True, recipient_field=["X-Rcpt"], stdout=out)
    assert out.getvalue() == "1 kept, 0 unknown\n"


def test_without_the_move_command_messages_are_copied_first(
    authority: Authority, campaign: Campaign
) -> None:
    with Mailbox(authority.server(), can_move=False) as server:
        server.put(letter())
        assert fetch(url(server, authority)) == Fetched(1, 0)
        assert server.contents("Processed") == [letter()]
        assert server.contents("INBOX") == []


def _breaks_at(word: str) -> Callable[[str], None]:
    def before(command: str) -> None:
        if word in command:
            raise OSError(word)

    return before


@pytest.mark.parametrize("word", ["FETCH", "MOVE", "SEARCH", "CREATE"])
def test_a_line_that_breaks_anywhere_loses_and_doubles_nothing(
    mailbox: Mailbox, authority: Authority, word: str
) -> None:
    for number in range(2):
        mailbox.put(letter(number))
    mailbox.before = _breaks_at(word)
    with pytest.raises(MailboxTrouble):
        fetch(url(mailbox, authority))
    mailbox.before = bool
    fetch(url(mailbox, authority))
    assert mailbox.contents("INBOX") == []
    while sorting.sort_due():
        pass
    assert IncomingMessage.objects.count() == 2


def test_what_cannot_be_committed_stays_in_the_mailbox(
    mailbox: Mailbox, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    mailbox.put(letter())
    monkeypatch.setattr(receiving, "receive", away)
    with pytest.raises(OperationalError):
        fetch(url(mailbox, authority))
    assert mailbox.contents("INBOX") == [letter()]


def test_a_message_that_the_server_does_not_give_holds_up_nobody(
    mailbox: Mailbox, authority: Authority
) -> None:
    def vanish(command: str) -> None:
        if "FETCH" in command:
            mailbox.folders["INBOX"].pop(1, None)

    mailbox.put(letter(1))
    mailbox.put(letter(2))
    mailbox.before = vanish
    assert fetch(url(mailbox, authority)) == Fetched(kept=1, unknown=0)
    assert mailbox.contents("Processed") == [letter(2)]


def test_a_strangers_field_that_is_no_address_holds_up_nobody(
    mailbox: Mailbox, authority: Authority
) -> None:
    mailbox.put(letter(to=b"har\0bour@copies.picketline.example"))
    mailbox.put(letter(2))
    assert fetch(url(mailbox, authority)) == Fetched(kept=1, unknown=1)


def test_a_server_that_cannot_prove_its_name_gets_no_password(
    authority: Authority, campaign: Campaign
) -> None:
    commands: list[str] = []
    with Mailbox(authority.server(trusted=False)) as server:
        server.before = commands.append
        with pytest.raises(MailboxTrouble, match="SSLCertVerificationError"):
            fetch(url(server, authority))
    assert commands == []


@pytest.mark.parametrize("change", ["s3cret:wrong", "INBOX:Nowhere", "away"])
def test_what_is_wrong_with_a_mailbox_is_said_without_its_password(
    mailbox: Mailbox, authority: Authority, change: str
) -> None:
    before, _, after = change.partition(":")
    wrong = url(mailbox, authority).replace(before, after)
    if change == "away":
        wrong = "imap://post:s3cret@127.0.0.1:1/INBOX"
    with override_settings(IMAP_URL=wrong), pytest.raises(CommandError) as refusal:
        call_command("receive", imap=True, once=True)
    assert "The mailbox is out of reach" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def test_without_a_mailbox_the_command_says_which_setting_is_missing() -> None:
    with override_settings(IMAP_URL=None), pytest.raises(CommandError, match="PICKETLINE_IMAP_URL"):
        call_command("receive", imap=True)


@pytest.mark.django_db(transaction=True)
def test_the_mailbox_is_looked_into_again_and_again_until_it_is_told_to_stop(
    mailbox: Mailbox, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picketline.management.commands.receive.MAILBOX_REST_SECONDS", 0)
    handlers: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    rounds: list[str] = []

    def count(command: str) -> None:
        if "SEARCH" not in command:
            return
        rounds.append(command)
        if len(rounds) == 1:
            raise OSError("the line breaks")
        if len(rounds) == 3:
            mailbox.put(letter())
        if len(rounds) == 5:
            handlers[signal.SIGTERM]()

    mailbox.before = count
    with override_settings(IMAP_URL=url(mailbox, authority)):
        call_command("receive", imap=True)
    assert len(rounds) == 5
    assert IncomingMessage.objects.count() == 1
