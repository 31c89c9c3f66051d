"""``picketline replies``: an organiser reads, publishes and declines what targets answered."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from tests import builders
from tests.domain.incoming import arrivals
from tests.domain.incoming.arrivals import arrives, message, reply_alias

from picketline.mail.incoming import findings, sandbox
from picketline.models import IncomingMessage, PublishedReply

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "examine", findings.report_on)


@pytest.fixture
def number() -> int:
    """A reply of the owner's press office."""
    letter = arrivals.sent(builders.campaign())
    body = "We regret, Jo Docker.\x1b[31m\n> You wrote"
    row = arrives(reply_alias(letter), message(body, From="Press <press@agency.example>"))
    assert row is not None
    return row.pk


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("replies", *arguments, stdout=out)
    return out.getvalue()


def test_the_list_names_target_and_state_but_nobody_who_wrote(number: int) -> None:
    (line,) = said("list", "--campaign", "harbour").splitlines()
    assert line.split() == [str(number), *line.split()[1:]]
    assert line.endswith("harbour/owner  held, other address")
    assert "Press" not in line
    with pytest.raises(CommandError, match="no campaign airport"):
        said("list", "--campaign", "airport")


def test_a_reply_is_shown_as_text_that_can_do_a_terminal_nothing(number: int) -> None:
    told = said("show", str(number))
    assert "From: Press <press@agency[.]example>" in told
    assert "anybody may have sent it" in told
    assert "We regret, Jo Docker." in told
    assert "\x1b" not in told


def test_a_reply_to_the_visible_address_may_be_forged_and_one_to_an_alias_is_not_doubted() -> None:
    letter = arrivals.sent(builders.campaign())
    for recipient in ("harbour@letters.picketline.example", reply_alias(letter)):
        assert arrives(recipient, message()) is not None
    visible, alias = IncomingMessage.objects.order_by("pk").values_list("pk", flat=True)
    assert "anybody may have written that sender" in said("show", str(visible))
    assert "anybody" not in said("show", str(alias))


def test_its_attachments_and_its_length_are_told() -> None:
    letter = arrivals.sent(builders.campaign())
    body = (
        "--b\nContent-Type: text/plain\n\n" + "No. " * 10_000 + "\n--b\n"
        'Content-Disposition: attachment; filename="a.zip"\n\nPK\n--b--'
    )
    fields = {"MIME_Version": "1.0", "Content_Type": "multipart/mixed; boundary=b"}
    row = arrives(reply_alias(letter), message(body, **fields))
    assert row is not None
    told = said("show", str(row.pk))
    assert "[there was more]" in told
    assert "[attachment, not kept: a[.]zip" in told


def test_what_names_the_writer_takes_a_text_of_ones_own_or_a_yes(
    number: int, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="Jo Docker"):
        said("publish", str(number))
    file = tmp_path / "text"
    file.write_text("Nous regrettons.", encoding="utf-8")
    assert "stands on" in said("publish", str(number), "--text-file", str(file), "--language", "fr")
    assert (PublishedReply.objects.get().text, PublishedReply.objects.get().language) == (
        "Nous regrettons.",
        "fr",
    )
    said("publish", str(number), "--yes")
    assert PublishedReply.objects.get().text == "We regret, Jo Docker."
    assert "not shown" in said("decline", str(number))
    assert not PublishedReply.objects.exists()


def test_who_cannot_be_asked_is_for_the_organiser_to_check(number: int) -> None:
    IncomingMessage.objects.update(supporter=None)
    with pytest.raises(CommandError, match="Nobody can check"):
        said("publish", str(number))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "0"), "no reply"),
        (("decline", "0"), "no reply"),
        (("publish", "0"), "no reply"),
        (("publish", "NUMBER", "--text-file", "/nowhere/text"), "nowhere"),
        (("publish", "NUMBER", "--language", "klingon!"), "not a language"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    number: int, arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        said(*(str(number) if each == "NUMBER" else each for each in arguments))


def test_a_damaged_reply_is_told_as_that(number: int) -> None:
    IncomingMessage.objects.update(content_ct=b"x" * 100)
    with pytest.raises(CommandError, match="cannot be opened"):
        said("show", str(number))
