"""Sets an installation up for a run: tables, a campaign with many targets, letters that are due.

    python -m chaos.letters NUMBER

Its environment says where; it must be the owner's. All letters are by writers who confirmed, and no
other mail waits.
"""

from __future__ import annotations

import sys

import django

TARGETS = 20
SLUG = "chaos"
_WORDS = "I read what happened at the harbour, and I ask you to take her back."
_BODY = "{salutation}\n\nI write about the harbour.\n\n{own_words}\n\n{signature}"


def main() -> None:
    """Do it all; whatever goes wrong ends the process."""
    django.setup()
    from django.core.management import call_command

    call_command("prepare", verbosity=0)
    _open_campaign()
    _write(int(sys.argv[1]))


def _open_campaign() -> None:
    from picketline.domain import campaigns, folders
    from picketline.domain.loading import load

    numbers = [f"t{number:02}" for number in range(TARGETS)]
    names = {
        each: folders.TargetWords(name=f"Target {each}", salutation=f"Dear Director {each},")
        for each in numbers
    }
    words = folders.CampaignWords(
        language="en",
        title="Bring her back",
        summary="A crane driver was dismissed.",
        writing_prompt="Why do you write?",
        story="She asked for shorter shifts.",
        targets=names,
        guidance=("Be polite.",),
    )
    targets = [
        folders.TargetEntry(
            key=each, role="company", language="en", address=f"office@{each}.targets.example"
        )
        for each in numbers
    ]
    load(
        folders.FolderContent(
            slug=SLUG,
            organisation=folders.OrganisationEntry(slug="dockers", name="Dockers (sample)"),
            default_language="en",
            copies="each",
            targets=tuple(targets),
            words=(words,),
            letters=(folders.LetterDraft(language="en", subject="The harbour", body=_BODY),),
        )
    )
    campaigns.open_campaign(SLUG)


def _write(number: int) -> None:
    """So many letters, by as many writers as it takes."""
    from picketline.domain import campaigns, letters, submissions, supporters
    from picketline.domain.sealing import opened
    from picketline.mail.addresses import EmailAddr
    from picketline.models import Consent, Delivery, Supporter

    campaign = campaigns.find(SLUG)
    signature = letters.Signature(name="Jo Docker", country="FR")
    shown = letters.render(campaign, _WORDS, signature)
    for each in range(-(-number // TARGETS)):
        submission = submissions.Submission(
            own_words=_WORDS,
            signature=signature,
            address=EmailAddr(f"writer-{each:06}@writers.example"),
            page_language="en",
            replies=Supporter.Replies.ALIAS,
            consents=frozenset({Consent.Kind.SEND}),
        )
        submissions.submit(campaign, submission, shown)
    for writer in list(Supporter.objects.select_related("campaign", "sealed")):
        supporters.confirm(opened(writer).token())
    Delivery.objects.exclude(mail_class=Delivery.MailClass.LETTER).delete()
    surplus = Delivery.objects.order_by("-pk")[: Delivery.objects.count() - number]
    Delivery.objects.filter(pk__in=[mail.pk for mail in surplus]).delete()


if __name__ == "__main__":
    main()
