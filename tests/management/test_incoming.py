"""What came in can be counted by everybody, and read by who asks for a message by its number."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from tests import builders
from tests.domain.incoming import arrivals

from picketline.domain.incoming.receiving import receive
from picketline.mail.incoming import findings, sandbox
from picketline.models import IncomingMessage

pytestmark = pytest.mark.django_db
COPIES = "harbour@copies.picketline.example"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.campaign()
    monkeypatch.setattr(sandbox, "examine", findings.report_on)


def said(**options: int) -> str:
    out = StringIO()
    call_command("incoming", stdout=out, **options)
    return out.getvalue()


def quarantined(raw: bytes = b"Subject: \x1b[2Jx\r\n\r\nzq\xff\r\n") -> int:
    receive(COPIES, "x@y.example", raw)
    row = IncomingMessage.objects.latest("pk")
    IncomingMessage.objects.filter(pk=row.pk).update(state="quarantined", reason="too deep")
    return row.pk


def test_a_new_installation_says_that_nothing_came() -> None:
    assert said() == "Nothing has come in so far.\n"


def test_numbers_name_nobody() -> None:
    for number in range(2):
        raw = arrivals.message("Secret words", From="zq@w.example", Message_ID=f"<{number}@x>")
        arrivals.arrives(COPIES, raw)
    number = quarantined()
    told = said()
    assert "copy: 2" in told
    assert "quarantined: 1 (too deep)\n" in told
    assert f"quarantine: number {number}, " in told
    assert "zq" not in told
    assert "Secret" not in told


def test_a_message_is_shown_as_inert_text() -> None:
    body = "--=_b\nContent-Type: text/plain\n\nSecret words\n--=_b\nContent-Type: application/zip\n"
    body += 'Content-Disposition: attachment; filename="a.zip"\n\nPK\n--=_b--'
    raw = arrivals.message(body, MIME_Version="1.0", Content_Type='multipart/mixed; boundary="=_b"')
    row = arrivals.arrives(COPIES, raw)
    assert row is not None
    told = said(show=row.pk)
    assert "From: The Office <office@owner.example>" in told
    assert "Secret words" in told
    assert "[attachment, not kept: a.zip, " in told
    assert "there was more" not in told


def test_a_text_that_was_cut_says_so() -> None:
    row = arrivals.arrives(COPIES, arrivals.message("word " * 200_000))
    assert row is not None
    assert "[there was more]" in said(show=row.pk)


def test_what_is_in_quarantine_is_shown_without_telling_the_terminal_anything() -> None:
    told = said(show=quarantined())
    assert "Subject: \\x1b[2Jx" in told
    assert "zq\\xff" in told
    assert "\x1b" not in told


def test_what_is_in_quarantine_can_be_examined_again() -> None:
    number = quarantined()
    said(requeue=number)
    assert IncomingMessage.objects.get().state == "received"
    with pytest.raises(CommandError, match=f"No message {number} is in quarantine"):
        said(requeue=number)


def test_what_is_not_there_cannot_be_shown() -> None:
    with pytest.raises(CommandError, match="There is no incoming message 7"):
        said(show=7)
    number = quarantined()
    IncomingMessage.objects.update(door="sender")
    with pytest.raises(CommandError, match="cannot be opened"):
        said(show=number)
    IncomingMessage.objects.update(raw_ct=None)
    with pytest.raises(CommandError, match="Nothing is kept"):
        said(show=number)
