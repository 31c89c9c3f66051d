"""A campaign's rows made equal to what its folder says: a module for each noun."""

from __future__ import annotations

from django.db import connection, transaction

from picketline.domain.campaigns import require_complete
from picketline.domain.folders import FolderContent
from picketline.domain.loading.campaigns import load_campaign, load_copy_addresses, load_texts
from picketline.domain.loading.demands import load_demands
from picketline.domain.loading.facts import load_facts, load_sources
from picketline.domain.loading.letters import load_letters
from picketline.domain.loading.people import load_people
from picketline.domain.loading.reports import Ledger, LoadReport
from picketline.domain.loading.targets import load_targets
from picketline.domain.loading.task import Task
from picketline.models import Campaign

__all__ = ["LoadReport", "load"]


def load(content: FolderContent) -> LoadReport:
    """Make the campaign's rows say what ``content`` says, in one transaction.

    ``content`` must be consistent, as ``forms.folder.read_folder`` gives it. What did not change
    is not touched; a target or model letter that changed gets a new version and keeps the old
    ones. A new campaign is a draft with a key pair of its own. Two loads of the same campaign
    wait for one another. Raises ``CampaignIncomplete``, changing nothing, where a campaign that
    visitors can see would lose what it needs, and ``MoveRefused`` where letters would be addressed
    in another way than people have agreed to.
    """
    ledger = Ledger()
    with transaction.atomic():
        _lock(content.slug)
        campaign = load_campaign(content, ledger)
        task = Task(campaign, content, ledger)
        load_copy_addresses(task)
        load_texts(task)
        sources = load_sources(task)
        load_facts(task, sources)
        load_people(task, sources)
        load_demands(task, sources)
        load_targets(task)
        load_letters(task)
        if campaign.state in Campaign.PUBLIC_STATES:
            require_complete(campaign)
    return ledger.report(content.slug)


def _lock(slug: str) -> None:
    """Hold back other loads of this slug, whether or not it has a row yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"load-campaign|{slug}"]
        )
