"""What a target's server sends when somebody there answers a letter, or when it cannot deliver it.

Both are mails as any other program would write them: nothing in them knows of Picketline.
"""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import localtime, make_msgid

from picketline.demo.reading import Reading
from picketline.demo.received import Entry

LMTP_SECONDS = 20.0
SUBJECT_LENGTH = 300
HOSTNAME = "mailbox.example"


class NotTaken(Exception):
    """The answer reached nobody; the message is a sentence that says why."""


@dataclass(frozen=True)
class Mail:
    """A message with its envelope; ``sender`` is empty for a notice of failure."""

    sender: str
    recipient: str
    content: bytes


def reply(name: str, entry: Entry, reading: Reading, text: str) -> Mail:
    """A person's answer to a letter, from the target's address. Raises ``NotTaken``."""
    if not reading.reply_to:
        raise NotTaken("The letter does not say where an answer should go.")
    subject = " ".join(reading.subject.split())[:SUBJECT_LENGTH]
    message = _message(name, entry.mailbox, reading.reply_to)
    message["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    if reading.message_id:
        message["In-Reply-To"] = message["References"] = reading.message_id
    message.set_content(text.replace("\r\n", "\n"), cte="quoted-printable")
    return Mail(entry.mailbox, reading.reply_to, message.as_bytes())


def bounce(entry: Entry, original: bytes) -> Mail:
    """The notice of a server that knows no such mailbox (RFC 3464). Raises ``NotTaken``."""
    if not entry.sender:
        raise NotTaken("The letter’s envelope does not say where it should go back to.")
    domain = entry.mailbox.rpartition("@")[2]
    message = _message("Mail delivery", f"mailer-daemon@{domain}", entry.sender)
    message["Subject"] = "Undelivered mail returned to sender"
    message["Auto-Submitted"] = "auto-replied"
    message.set_content(f"Your message to {entry.mailbox} was not delivered: no such mailbox.\n")
    message.make_mixed()
    message.attach(_status(entry.mailbox, domain))
    message.attach(_header_of(original))
    message.set_type("multipart/report")
    message.set_param("report-type", "delivery-status")
    return Mail("", entry.sender, message.as_bytes())


def are_neighbours(sender: str, recipient: str) -> bool:
    """Whether both are addresses of one installation.

    They live on neighbouring domains: a letter comes from ``letters.D``, its alias is at
    ``reply.D``.
    """
    parent = sender.rpartition("@")[2].partition(".")[2].lower()
    return bool(parent) and recipient.lower().endswith(f".{parent}")


def hand_over(mail: Mail, port: int) -> None:
    """Give a mail to who listens for LMTP on this loopback port. Raises ``NotTaken``."""
    try:
        with smtplib.LMTP("127.0.0.1", port, HOSTNAME, timeout=LMTP_SECONDS) as client:
            client.sendmail(mail.sender, [mail.recipient], mail.content)
    except smtplib.SMTPRecipientsRefused as refusal:
        raise NotTaken(_refused(*refusal.recipients[mail.recipient])) from None
    except smtplib.SMTPResponseException as refusal:
        raise NotTaken(_refused(refusal.smtp_code, refusal.smtp_error)) from None
    except OSError:
        raise NotTaken(
            "Nobody takes in mail just now: “picketline receive” does not answer. Try again."
        ) from None


def _refused(code: int, said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"The campaign’s mail server refused it: {code} {' '.join(words.split())}"


def _message(name: str, sender: str, recipient: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    try:
        recipient.encode("ascii")
        message["From"] = Address(" ".join(name.split()), addr_spec=sender)
        message["To"] = Address(addr_spec=recipient)
    except (ValueError, IndexError, MessageError):  # the parser's, of an address that is none
        raise NotTaken("No answer can be sent to an address like the letter’s.") from None
    message["Date"] = localtime()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    return message


def _status(recipient: str, domain: str) -> EmailMessage:
    about, told = Message(), Message()
    about["Reporting-MTA"] = f"dns; mx.{domain}"
    told["Final-Recipient"] = f"rfc822; {recipient}"
    told["Action"] = "failed"
    told["Status"] = "5.1.1"
    told["Diagnostic-Code"] = "smtp; 550 5.1.1 No such mailbox"
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = "message/delivery-status"
    part.set_payload([about, told])
    return part


def _header_of(original: bytes) -> EmailMessage:
    """The header of the mail that comes back (RFC 6522 §4)."""
    header = re.split(rb"\r?\n\r?\n", original, maxsplit=1)[0]
    part = EmailMessage(policy=SMTP)
    part["Content-Type"] = "text/rfc822-headers"
    part.set_payload(header.decode("ascii", "backslashreplace") + "\r\n")
    return part
