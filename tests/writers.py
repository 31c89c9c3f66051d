"""Writers: people who fill in the form, read their mail and follow its link."""

from __future__ import annotations

import dataclasses
from typing import Any

from picketline.domain import submissions, supporters
from picketline.domain.letters import Signature, render
from picketline.domain.sealing import opened
from picketline.domain.submissions import Submission
from picketline.mail.addresses import EmailAddr
from picketline.models import Campaign, Consent, Supporter

DOCKER = Signature(name="Jo Docker", country="FR")
UNION = Signature(
    name="Ann Chair", country="KZ", organisation="Crane Drivers", role="chair", members=1200
)
_FORM = Submission(
    own_words="My father worked cranes.",
    signature=DOCKER,
    address=EmailAddr("jo@writers.example"),
    page_language="en",
    replies=Supporter.Replies.ALIAS,
    consents=frozenset({Consent.Kind.SEND}),
)


def form(**changes: Any) -> Submission:
    """A filled-in form; ``changes`` are fields of ``Submission``."""
    return dataclasses.replace(_FORM, **changes)


def submit(campaign: Campaign, **changes: Any) -> Supporter:
    """Send the form in with the letters it would have been shown; returns the row it made."""
    filled = form(**changes)
    shown = render(campaign, filled.own_words, filled.signature)
    submissions.submit(campaign, filled, shown)
    return Supporter.objects.latest("pk")


def link(supporter: Supporter) -> str:
    """The confirmation link's token, as it stands in the mail that the worker builds."""
    return opened(Supporter.objects.select_related("campaign").get(pk=supporter.pk)).token()


def confirmed(campaign: Campaign, **changes: Any) -> tuple[Supporter, str]:
    """A writer who also confirmed; returns the row as it is now, and the status link's token."""
    supporter = submit(campaign, **changes)
    status_token = supporters.confirm(link(supporter))
    supporter.refresh_from_db()
    return supporter, status_token
