"""``picketline replies``: what targets answered, and what of it stands on the campaigns' pages."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from picketline.domain import campaigns
from picketline.domain.incoming import publishing
from picketline.domain.incoming.publishing import Held, NamesWriter
from picketline.models import IncomingMessage
from picketline.seal.boxes import CannotOpen
from picketline.text import languages

_REFUSALS = (
    campaigns.CampaignUnknown,
    publishing.NotPublishable,
    languages.UnknownLanguage,
    OSError,
    UnicodeDecodeError,
)
_NAMED = (
    "The text seems to name the letter's writer ({found}). Give a text without that by "
    "--text-file, or say --yes if it shall stand there."
)
_UNKNOWN = (
    "Nobody can check any more whether the text names the letter's writer. Read it, and say "
    "--yes if it does not."
)


class Command(BaseCommand):
    """One sub-command for each thing that can be done with a reply."""

    help = "List what targets answered, read it, publish it or decide against that."

    def add_arguments(self, parser: CommandParser) -> None:
        """The sub-commands. Replies are named by their number in the list."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verb = verbs.add_parser("list", help="All replies, without their text.")
        verb.add_argument("--campaign", metavar="SLUG", default="")
        verb = verbs.add_parser("show", help="What can be read of one: inert text.")
        verb.add_argument("number", type=int)
        verb = verbs.add_parser("publish", help="Show one on its campaign's page.")
        verb.add_argument("number", type=int)
        verb.add_argument("--text-file", type=Path, help="The text to show instead of its own.")
        verb.add_argument("--language", default="", help="The language it is in, such as ru.")
        verb.add_argument("--yes", action="store_true", help="Although it may name the writer.")
        verb = verbs.add_parser("decline", help="Do not show one, or no longer.")
        verb.add_argument("number", type=int)

    def handle(self, *_args: object, **options: object) -> None:
        """Do it, and say what was done; what cannot be done is said in a sentence."""
        try:
            for line in _run(argparse.Namespace(**options)):
                self.stdout.write(line)
        except NamesWriter as names:
            found = ", ".join(names.found)
            raise CommandError(_NAMED.format(found=found) if found else _UNKNOWN) from None
        except CannotOpen as fault:
            raise CommandError(f"It cannot be opened: {fault}.") from None
        except _REFUSALS as refusal:
            raise CommandError(str(refusal)) from None


def _run(options: argparse.Namespace) -> Iterator[str]:
    match options.verb:
        case "list":
            yield from _listed(options.campaign)
        case "show":
            yield from _shown(publishing.find(options.number))
        case "publish":
            if options.language:
                languages.direction(options.language)
            file = options.text_file
            text = file.read_text(encoding="utf-8") if file else None
            publishing.publish(options.number, text, options.language, naming=options.yes)
            yield f"Reply {options.number} stands on the campaign's page."
        case _:
            publishing.decline(options.number)
            yield f"Reply {options.number} is not shown."


def _listed(slug: str) -> Iterator[str]:
    rows = IncomingMessage.objects.filter(kind=IncomingMessage.Kind.REPLY)
    if slug:
        rows = rows.filter(campaign=campaigns.find(slug))
    if not rows.exists():
        yield "No target has answered so far."
    fields = ("pk", "received_at", "campaign__slug", "target__key", "publication", "reason")
    for number, at, campaign, target, publication, reason in rows.order_by("pk").values_list(
        *fields
    ):
        notes = ", ".join(note for note in (publication or "not kept", reason) if note)
        yield f"{number}  {at:%Y-%m-%d}  {campaign}/{target}  {notes}"


def _shown(held: Held) -> Iterator[str]:
    """Text that can do a terminal nothing: see ``mail.incoming.inert_text``."""
    reply = held.reply
    yield f"From: {reply.from_name} <{reply.from_address}>"
    if not reply.from_target:
        yield "This is not an address at the target's domain: anybody may have sent it."
    elif held.message.door == IncomingMessage.Door.SENDER:
        yield "It came to the campaign's visible address: anybody may have written that sender."
    yield f"Subject: {reply.subject}\n\n{reply.text}"
    if reply.truncated:
        yield "[there was more]"
    for each in reply.attachments:
        yield f"[attachment, not kept: {each.name}, {each.size} bytes]"
