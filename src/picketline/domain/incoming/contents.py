"""Contents: what a person may read of an incoming message, sealed until somebody may."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from picketline.domain.keyring import public_keys, worker_keys
from picketline.mail.incoming.report import Attachment, Report
from picketline.models import IncomingMessage
from picketline.seal import boxes


@dataclass(frozen=True)
class Content:
    """Inert text and the names of attachments. ``truncated``: there was more of the text."""

    from_name: str
    from_address: str
    subject: str
    text: str
    truncated: bool
    attachments: tuple[Attachment, ...]


def sealed(report: Report, door: str) -> bytes:
    """The readable part of a report, for a message's ``content_ct``."""
    content = Content(
        from_name=report.from_name,
        from_address=report.from_address,
        subject=report.subject,
        text=report.text,
        truncated=report.truncated,
        attachments=report.attachments,
    )
    plain = json.dumps(asdict(content), ensure_ascii=False).encode()
    return boxes.seal(public_keys().installation_public, plain, _context(door))


def opened(message: IncomingMessage) -> Content | None:
    """What can be read of a message; None where nothing was kept or it has been erased.

    Raises ``boxes.CannotOpen``.
    """
    if message.content_ct is None:
        return None
    private = worker_keys().installation_private
    plain = boxes.open_box(private, bytes(message.content_ct), _context(message.door))
    values = json.loads(plain)
    attachments = tuple(Attachment(**each) for each in values.pop("attachments"))
    return Content(**values, attachments=attachments)


def _context(door: str) -> bytes:
    return b"incoming|content|" + str(door).encode()
