"""Mail for our own domains: taken from the world only where somebody is there to read it."""

from __future__ import annotations

import pytest
from chaos.postfix import Postfix
from tests.postfix.dialogue import Dialogue, hand_over, text

OUTSIDER = "press@target.example"
ALIAS = "r.abcdefghijklmnopqrstuvwxyz@reply.picketline.example"
STREAMS = ["letters", "confirmations", "notices", "updates", "reply", "copies"]


def _asked(postfix: Postfix, recipient: str) -> str:
    """What the world is told about a recipient, once Postfix has found out."""
    answers: list[str] = []

    def known() -> bool:
        with Dialogue(postfix.mx_port) as dialogue:
            dialogue.say(f"MAIL FROM:<{OUTSIDER}>")
            answers.append(dialogue.say(f"RCPT TO:<{recipient}>"))
        return not answers[-1].startswith("450")

    postfix.wait_until(known)
    return answers[-1]


@pytest.mark.parametrize("stream", STREAMS)
def test_mail_for_each_of_our_domains_reaches_the_listener(postfix: Postfix, stream: str) -> None:
    recipient = f"somebody@{stream}.picketline.example"
    hand_over(postfix.port, recipient, text("in@target.example"), sender=OUTSIDER)
    postfix.receiver.wait_until(lambda: bool(postfix.receiver.messages))
    (arrived,) = postfix.receiver.messages
    assert (arrived.sender, arrived.recipients) == (OUTSIDER, (recipient,))
    assert arrived.content.endswith(text("in@target.example"))
    assert postfix.sink.messages == []


def test_the_world_may_write_to_an_address_that_is_there(postfix: Postfix) -> None:
    assert _asked(postfix, ALIAS).startswith("250")
    hand_over(postfix.mx_port, ALIAS, text("in@target.example"), sender=OUTSIDER)
    postfix.receiver.wait_until(lambda: bool(postfix.receiver.messages))
    (arrived,) = postfix.receiver.messages
    assert (arrived.sender, arrived.recipients) == (OUTSIDER, (ALIAS,))
    assert b"Received: from letters.test" in arrived.content


def test_an_address_that_is_not_there_is_refused_before_its_mail_is_taken(
    postfix: Postfix,
) -> None:
    unknown = ALIAS.replace("r.a", "r.b")
    postfix.receiver.refused.add(unknown)
    assert _asked(postfix, unknown).startswith("550 5.1.1")


@pytest.mark.parametrize("recipient", ["victim@other.example", "x@probe.picketline.example"])
def test_the_world_cannot_send_through_us(postfix: Postfix, recipient: str) -> None:
    assert _asked(postfix, recipient).startswith("554 5.7.1")


def test_the_world_is_told_of_no_extension_that_could_harm_us(postfix: Postfix) -> None:
    with Dialogue(postfix.mx_port) as dialogue:
        dialogue.send(b"EHLO outside.example\r\n")
        offered = []
        while (answer := dialogue.heard())[3:4] == "-":
            offered.append(answer[4:])
    assert not {"CHUNKING", "DSN", "ETRN", "VRFY", "SMTPUTF8"} & set(offered)
    with Dialogue(postfix.mx_port) as dialogue:
        assert dialogue.say("VRFY postmaster").startswith("502")
