"""What arrives: mail of ours that went out, and what others' machines and people send back."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from tests import writers

from picketline.domain.incoming import receiving, sorting
from picketline.domain.outgoing import build
from picketline.models import Campaign, Delivery, IncomingMessage

MailClass = Delivery.MailClass
TARGET = "office@owner.example"


def sent(campaign: Campaign, mail_class: MailClass = MailClass.LETTER, **form: Any) -> Delivery:
    """A mail of this class that a mail server took; the first letter is the owner's."""
    if mail_class == MailClass.CONFIRMATION:
        supporter = writers.submit(campaign, **form)
    else:
        supporter, _ = writers.confirmed(campaign, **form)
    rows = Delivery.objects.filter(supporter=supporter, mail_class=mail_class)
    return handed_over(rows.earliest("pk"))


def handed_over(delivery: Delivery) -> Delivery:
    """The mail as it is after a mail server said yes."""
    outgoing = build(delivery)
    Delivery.objects.filter(pk=delivery.pk).update(
        state="accepted",
        settled_at=timezone.now(),
        outcome="accepted",
        envelope_hash=outgoing.envelope_hash,
        reply_hash=outgoing.reply_hash,
    )
    delivery.refresh_from_db()
    return delivery


def envelope(delivery: Delivery) -> str:
    """The mail's envelope sender, which the server of its recipient knows."""
    return build(delivery).sender


def unsubscribe(delivery: Delivery) -> str:
    """The address in the mail's List-Unsubscribe."""
    return "u" + envelope(delivery)[1:]


def reply_alias(delivery: Delivery) -> str:
    """The letter's Reply-To."""
    fields = build(delivery).data.decode().partition("\r\n\r\n")[0]
    (line,) = [line for line in fields.split("\r\n") if line.startswith("Reply-To: ")]
    return line.removeprefix("Reply-To: ")


def message(body: str = "Hello.", **fields: str) -> bytes:
    """A message of a person; ``fields`` with underscores for hyphens replace its header's."""
    header = {
        "From": f"The Office <{TARGET}>",
        "To": "harbour@letters.picketline.example",
        "Subject": "About your letter",
        "Message-ID": "<1@owner.example>",
        "Date": "Mon, 02 Jun 2025 10:00:00 +0000",
    }
    header |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{name}: {value}" for name, value in header.items()]
    return "\r\n".join([*lines, "", *body.split("\n"), ""]).encode()


def dsn(
    delivery: Delivery | None = None,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    number: int = 1,
    original: str | None = None,
) -> bytes:
    """A notice after RFC 3464 about this mail; without one it returns no header of ours."""
    if original is None:
        original = delivery.message_id if delivery else ""
    returned = f"Message-ID: {original}\n" if original else "X-Nothing: returned\n"
    body = (
        "--=_b\nContent-Type: text/plain\n\nSorry.\n"
        "--=_b\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; mx.owner.example\n\n"
        f"Final-Recipient: rfc822; {TARGET}\nAction: {action}\nStatus: {status}\n"
        "Diagnostic-Code: smtp; 550 no such user\n\n"
        f"--=_b\nContent-Type: text/rfc822-headers\n\n{returned}\n--=_b--"
    )
    return message(
        body,
        From="MAILER-DAEMON@mx.owner.example",
        Subject="Undelivered Mail Returned to Sender",
        Message_ID=f"<dsn{number}@mx.owner.example>",
        MIME_Version="1.0",
        Content_Type='multipart/report; report-type=delivery-status; boundary="=_b"',
    )


def complaint(number: int = 1) -> bytes:
    """An abuse report after RFC 5965."""
    body = (
        "--=_b\nContent-Type: text/plain\n\nThis is an abuse report.\n"
        "--=_b\nContent-Type: message/feedback-report\n\n"
        "Feedback-Type: abuse\nUser-Agent: Loop/1.0\nVersion: 1\n\n"
        "--=_b\nContent-Type: text/rfc822-headers\n\nSubject: x\n\n--=_b--"
    )
    return message(
        body,
        From="feedback@provider.example",
        Message_ID=f"<arf{number}@provider.example>",
        MIME_Version="1.0",
        Content_Type='multipart/report; report-type=feedback-report; boundary="=_b"',
    )


def out_of_office(number: int = 1) -> bytes:
    """A vacation program's answer (RFC 3834)."""
    return message(
        "I am away.",
        Auto_Submitted="auto-replied",
        Subject="Out of office",
        Message_ID=f"<ooo{number}@owner.example>",
    )


def arrives(recipient: str, raw: bytes, sender: str = "") -> IncomingMessage | None:
    """Take a message in and sort it; None where it was dropped as one that came before."""
    receiving.receive(recipient, sender, raw)
    number = IncomingMessage.objects.latest("pk").pk
    while sorting.sort_due():
        pass
    return IncomingMessage.objects.filter(pk=number).first()
