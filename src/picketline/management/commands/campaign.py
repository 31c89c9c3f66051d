"""``picketline campaign``: campaigns read from folders, written to folders, opened and closed."""

from __future__ import annotations

import argparse
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from picketline.domain import campaigns
from picketline.domain.dumping import content_of
from picketline.domain.loading import LoadReport, load
from picketline.forms.folder import FolderRefused, read_folder, write_folder
from picketline.models import Campaign

_REFUSALS = (
    FolderRefused,
    OSError,
    campaigns.CampaignUnknown,
    campaigns.CampaignIncomplete,
    campaigns.MoveRefused,
)


class Command(BaseCommand):
    """One sub-command for each thing that can be done with a campaign."""

    help = "Load, dump, open, suspend, close and list campaigns."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verb = verbs.add_parser("load", help="Make a campaign what a folder says.")
        verb.add_argument("folder", type=Path)
        verb.add_argument("--open", action="store_true", help="Then open it if it never was.")
        verb = verbs.add_parser("dump", help="Write a campaign as a folder.")
        verb.add_argument("slug")
        verb.add_argument("folder", type=Path)
        verb = verbs.add_parser("close", help="End a campaign.")
        verb.add_argument("slug")
        verb.add_argument("--outcome", default="", choices=Campaign.Outcome.values)
        for name, text in (
            ("open", "Take letters, for the first time or again."),
            ("suspend", "Stop taking and sending letters for a while."),
        ):
            verbs.add_parser(name, help=text).add_argument("slug")
        verbs.add_parser("list", help="Show all campaigns.")

    def handle(self, *_args: object, **options: object) -> None:
        """Do it, and say what was done; what cannot be done is said in a sentence."""
        try:
            for line in _run(argparse.Namespace(**options)):
                self.stdout.write(line)
        except _REFUSALS as refusal:
            raise CommandError(str(refusal)) from None


def _run(options: argparse.Namespace) -> list[str]:
    match options.verb:
        case "load":
            report = load(read_folder(options.folder))
            return [*_report(report), *(_opened(report.slug) if options.open else [])]
        case "dump":
            write_folder(content_of(options.slug), options.folder)
            return [f"{options.slug} is written to {options.folder}."]
        case "open":
            return [_state(campaigns.open_campaign(options.slug))]
        case "suspend":
            return [_state(campaigns.suspend(options.slug))]
        case "close":
            return [_state(campaigns.close(options.slug, options.outcome))]
    return [_state(campaign) for campaign in Campaign.objects.order_by("slug")]


def _opened(slug: str) -> list[str]:
    """Open a campaign that never was open; a suspended or closed one stays as somebody left it."""
    campaign = campaigns.find(slug)
    if campaign.state in (Campaign.State.DRAFT, Campaign.State.CHECKED):
        campaign = campaigns.open_campaign(slug)
    return [_state(campaign)]


def _state(campaign: Campaign) -> str:
    outcome = f" ({campaign.outcome})" if campaign.outcome else ""
    return f"{campaign.slug} is {campaign.state}{outcome}."


def _report(report: LoadReport) -> list[str]:
    lines = [
        f"{verdict}: {', '.join(names)}"
        for verdict, names in (
            ("new", report.new),
            ("changed", report.changed),
            ("removed", report.removed),
        )
        if names
    ]
    return [f"{report.slug} is loaded; {report.same} things are as they were.", *lines]
