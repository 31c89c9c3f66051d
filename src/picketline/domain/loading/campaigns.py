"""Loading what belongs to the campaign itself: its row, its copy addresses, its page texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from picketline.domain import keyring
from picketline.domain.campaigns import MoveRefused, private_key_context
from picketline.domain.folders import FolderContent
from picketline.domain.loading.reports import Ledger
from picketline.domain.loading.rows import reconcile
from picketline.domain.loading.task import Task
from picketline.models import Campaign, CampaignText, CopyAddress, Delivery, Organisation
from picketline.seal import boxes


def load_campaign(content: FolderContent, ledger: Ledger) -> Campaign:
    """The campaign's row, locked; with its organisation, and with keys where it is new."""
    values = {
        "organisation_id": _organisation(content, ledger).pk,
        "default_language": content.default_language,
        "opens_on": content.opens_on,
        "closes_on": content.closes_on,
        "copies": content.copies,
        "addressing": content.addressing,
    }
    campaign = Campaign.objects.select_for_update(no_key=True).filter(slug=content.slug).first()
    if campaign is None:
        ledger.note("campaign", "new")
        return _new_campaign(content.slug, values)
    if campaign.addressing != content.addressing:
        _refuse_once_written(campaign)
    ledger.note("campaign", "changed" if _assign(campaign, values) else "same")
    return campaign


def load_copy_addresses(task: Task) -> None:
    """The organisers' mailboxes; one that a delivery went to is kept, inactive, when it leaves."""
    found = CopyAddress.objects.filter(campaign=task.campaign)
    wanted = task.content.copy_addresses
    used = Delivery.objects.filter(copy_address__campaign=task.campaign).values("copy_address")
    kept = found.exclude(address__in=wanted).filter(pk__in=used)
    for row in kept.filter(active=True):
        task.ledger.note(f"copy address {row.address}", "removed")
    kept.filter(active=True).update(active=False)
    outcome = reconcile(
        found.exclude(pk__in=list(kept.values_list("pk", flat=True))),
        lambda row: row.address,
        {
            address: CopyAddress(campaign=task.campaign, address=address, position=position)
            for position, address in enumerate(wanted, 1)
        },
        ["position", "active"],
    )
    task.ledger.take("copy address", outcome)


def load_texts(task: Task) -> None:
    """The page's own words in each language."""
    outcome = reconcile(
        CampaignText.objects.filter(campaign=task.campaign),
        lambda row: row.language,
        {
            words.language: CampaignText(
                campaign=task.campaign,
                language=words.language,
                title=words.title,
                summary=words.summary,
                writing_prompt=words.writing_prompt,
                guidance=list(words.guidance),
                do_not_mention=list(words.do_not_mention),
                story=words.story,
            )
            for words in task.content.words
        },
        ["title", "summary", "writing_prompt", "guidance", "do_not_mention", "story"],
    )
    task.ledger.take("text", outcome)


def _refuse_once_written(campaign: Campaign) -> None:
    """Letters on their way were shown, and agreed to, as they are addressed now."""
    if campaign.supporters.exists():
        raise MoveRefused(
            f"People have written in {campaign.slug}: its addressing must stay "
            f"“{campaign.addressing}”."
        )


def _organisation(content: FolderContent, ledger: Ledger) -> Organisation:
    entry = content.organisation
    values = {"name": entry.name, "website": entry.website}
    organisation, new = Organisation.objects.get_or_create(slug=entry.slug, defaults=values)
    changed = _assign(organisation, values)
    name = f"organisation {entry.slug}"
    ledger.note(name, "new" if new else "changed" if changed else "same")
    return organisation


def _new_campaign(slug: str, values: Mapping[str, Any]) -> Campaign:
    pair = boxes.generate()
    sealed = boxes.seal(
        keyring.public_keys().installation_public, pair.private, private_key_context(slug)
    )
    return Campaign.objects.create(
        slug=slug, public_key=pair.public, sealed_private_key=sealed, **values
    )


def _assign(row: Campaign | Organisation, values: Mapping[str, object]) -> bool:
    """Write the values that differ; whether there were any."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=changed)
    return bool(changed)
