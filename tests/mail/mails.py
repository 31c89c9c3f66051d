"""A mail to compose, and ways to read what came of it."""

import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.utils import parseaddr
from typing import cast

from picketline.mail.compose import OutgoingMail

MAIL = OutgoingMail(
    message_id="<0123abcd@letters.example>",
    date=datetime(2011, 12, 17, 10, tzinfo=UTC),
    from_name="Maria",
    from_address="campaign@letters.example",
    to_name="The Director",
    to_address="director@company.example",
    reply_to=None,
    subject="Free the prisoners",
    body="Dear Director,\n\nplease.\n",
    language="en",
    automatic=False,
)

RUSSIAN = "Требуем прекратить уголовное преследование бастующих нефтяников и их адвоката"
KAZAKH = "Жаңаөзен мұнайшыларының ереуілі: сот үкімін қайта қарауды талап етеміз, құрметпен"
ARABIC = "نطالب بالإفراج عن جميع العمال المضربين المعتقلين وإعادة المفصولين إلى أعمالهم فوراً"
ENGLISH = "We demand the release of all the striking oil workers and of their lawyer, now"


def parsed(octets: bytes) -> EmailMessage:
    message = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def names_in(octets: bytes) -> list[str]:
    head = octets.partition(b"\r\n\r\n")[0].decode("ascii")
    return [line.partition(":")[0] for line in head.split("\r\n") if line[0] not in " \t"]


def mailbox_of(message: EmailMessage, name: str) -> tuple[str, str]:
    """Name and address; two readers must agree on the address.

    The name by RFC 2047 alone: the newer of Python's readers puts spaces between its words.
    """
    (address,) = cast(AddressHeader, message[name]).addresses
    (raw,) = [value for key, value in message.raw_items() if key == name]
    display_name, addr_spec = parseaddr(raw.replace("\r\n", ""))
    assert addr_spec == address.addr_spec
    return str(make_header(decode_header(display_name))), addr_spec


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return cast(bytes, part.get_payload(decode=True)).decode().replace("\r\n", "\n")
