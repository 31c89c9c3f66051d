"""Letters by the hundred, without the writers they would need, for what looks at letters only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests import builders

from picketline.models import Campaign, Delivery, Target

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A moment in virtual time: what tests queue is due since then."""
MINUTE = timedelta(minutes=1)


def campaign(slug: str = "harbour") -> Campaign:
    """An open campaign with the two targets of ``builders``; as many as wanted, by their slugs."""
    return builders.campaign(slug=slug)


def target(of: Campaign, key: str = "owner") -> Target:
    """One of its targets."""
    return of.targets.get(key=key)


def move_to(where: Target, domain: str) -> None:
    """Let the target have its mailbox at this domain."""
    where.versions.update(address=f"office@{domain}")


def queue(where: Target, number: int = 1, *, since: datetime = MONDAY) -> list[Delivery]:
    """That many letters to a target, due since then, the first of them longest."""
    version = where.versions.get(current=True)
    known = Delivery.objects.count()
    return Delivery.objects.bulk_create(
        Delivery(
            campaign_id=where.campaign_id,
            mail_class=Delivery.MailClass.LETTER,
            target=where,
            target_version=version,
            model_letter=where.campaign.model_letters.first(),
            message_id=f"<{known + each}@letters.picketline.example>",
            dated=since,
            due_at=since + each * timedelta(microseconds=1),
            created_at=since,
        )
        for each in range(number)
    )


def queue_other(of: Campaign, mail_class: Delivery.MailClass, number: int = 1) -> list[Delivery]:
    """That many mails of another class."""
    known = Delivery.objects.count()
    return Delivery.objects.bulk_create(
        Delivery(
            campaign=of,
            mail_class=mail_class,
            message_id=f"<{known + each}@notices.picketline.example>",
            dated=MONDAY,
            due_at=MONDAY,
            created_at=MONDAY,
        )
        for each in range(number)
    )
