"""Batches: the rows of many mails read in a few queries: reading is what sending costs most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects

from picketline.domain.leases import Lease
from picketline.domain.outgoing import Outgoing, build
from picketline.domain.sealing import OpenedSubmission, opened
from picketline.models import Campaign, Delivery, IncomingMessage, Supporter

_RELATED = (
    Prefetch("campaign", Campaign.objects.select_related("organisation")),
    Prefetch("supporter", Supporter.objects.select_related("sealed")),
)
_NEEDED = (
    "campaign_id",
    "mail_class",
    "supporter_id",
    "target_id",
    "target_version_id",
    "copy_address_id",
    "incoming_id",
    "notice",
    "digest_day",
    "budget_hash",
    "message_id",
    "dated",
    "created_at",
)
_RARELY: dict[str, Any] = {
    "target_version": "target_version",
    "copy_address": "copy_address",
    "incoming": Prefetch("incoming", IncomingMessage.objects.defer("raw_ct")),
}


@dataclass(frozen=True)
class Batch:
    """The mails under some leases, by number. What is opened for one serves its writer's others."""

    mails: dict[int, Delivery]
    _opened: dict[int, OpenedSubmission] = field(default_factory=dict, repr=False)

    def build(self, number: int) -> Outgoing:
        """The message of one of these mails. Raises as ``outgoing.build`` does."""
        return build(self.mails[number], self._read)

    def _read(self, supporter: Supporter) -> OpenedSubmission:
        found = self._opened.get(supporter.pk)
        if found is None:
            found = self._opened[supporter.pk] = opened(supporter)
        return found


def load(leases: Sequence[Lease]) -> Batch:
    """The mails under these leases, each with all that its message is built from.

    Mails of one writer share the writer's row, and those of one campaign the campaign's.
    """
    numbers = [lease.delivery_id for lease in leases]
    mails = {mail.pk: mail for mail in Delivery.objects.filter(pk__in=numbers).only(*_NEEDED)}
    rarely = [
        lookup
        for name, lookup in _RARELY.items()
        if any(getattr(mail, f"{name}_id") for mail in mails.values())
    ]
    prefetch_related_objects(list(mails.values()), *_RELATED, *rarely)
    for mail in mails.values():
        if mail.supporter is not None:
            mail.supporter.campaign = mail.campaign
    return Batch(mails)
