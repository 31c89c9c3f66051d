"""The secret links in our mails: confirming, following a letter, withdrawing, being forgotten.

Reading a page changes nothing: programs follow links in mails before people do. Whatever is wrong
with a link, the answer is one and the same page.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from picketline.domain import letter_status, supporters
from picketline.domain.campaigns import CampaignClosed
from picketline.domain.links import LinkUnknown
from picketline.domain.supporters import AlreadyWritten, PendingLetter
from picketline.models import Campaign, Consent, Supporter
from picketline.public.clock import today
from picketline.public.letters import shown_letters
from picketline.public.showing import campaign_text
from picketline.public.targets import target_names

LinkView = Callable[..., HttpResponse]


def one_page_for_bad_links(view: LinkView) -> LinkView:
    """Wrong, truncated, expired and cancelled links get the same answer, which tells nothing."""

    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        try:
            return view(request, token)
        except LinkUnknown:
            return render(request, "public/link_unknown.html", status=410)

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
@one_page_for_bad_links
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The letters once more, and one button that sends them."""
    pending = supporters.open_link(token)
    if pending.confirmed:
        return redirect("status", pending.status_token)
    if request.method != "POST":
        return _confirm_page(request, pending, token)
    try:
        status_token = supporters.confirm(token)
    except CampaignClosed:
        return render(request, "public/closed.html", _about(pending.campaign), status=409)
    except AlreadyWritten:
        return render(request, "public/already_written.html", _about(pending.campaign), status=409)
    return redirect("status", status_token)


@require_POST
@one_page_for_bad_links
def never(request: HttpRequest, token: str) -> HttpResponse:
    """The bearer asks never to be written to again."""
    supporters.never_write_again(token)
    return render(request, "public/never.html")


@require_safe
@one_page_for_bad_links
def status(request: HttpRequest, token: str) -> HttpResponse:
    """What became of a confirmed letter, target by target."""
    found = letter_status.status(token)
    names = target_names(found.campaign, get_language())
    letters = shown_letters(found.campaign, found.content.letters) if found.content else []
    context = {
        **_about(found.campaign),
        "status": found,
        "withdrawn": found.supporter.state == Supporter.State.WITHDRAWN,
        "rows": [(names[row.target_id], row) for row in found.deliveries],
        "letters": letters,
        "token": token,
    }
    return render(request, "public/status.html", context)


@require_POST
@one_page_for_bad_links
def withdraw(_request: HttpRequest, token: str) -> HttpResponse:
    """Cancel what has not been sent."""
    letter_status.withdraw(token)
    return redirect("status", token)


@require_POST
@one_page_for_bad_links
def take_back(request: HttpRequest, token: str) -> HttpResponse:
    """Withdraw one optional consent."""
    kind = request.POST.get("consent")
    if kind not in Consent.Kind.values:
        raise BadRequest("no such consent")
    letter_status.take_back(token, Consent.Kind(kind))
    return redirect("status", token)


@require_http_methods(["GET", "HEAD", "POST"])
@one_page_for_bad_links
def erase(request: HttpRequest, token: str) -> HttpResponse:
    """Ask once more, then delete everything that says who wrote."""
    if request.method == "POST":
        letter_status.erase(token)
        return redirect("status", token)
    found = letter_status.status(token)
    if found.supporter.erased_on:
        return redirect("status", token)
    return render(request, "public/erase.html", {**_about(found.campaign), "token": token})


def _confirm_page(request: HttpRequest, pending: PendingLetter, token: str) -> HttpResponse:
    if pending.content is None:
        raise LinkUnknown
    context = {
        **_about(pending.campaign),
        "accepts_letters": pending.campaign.accepts_letters(today()),
        "content": pending.content,
        "letters": shown_letters(pending.campaign, pending.content.letters),
        "token": token,
    }
    return render(request, "public/confirm.html", context)


def _about(campaign: Campaign) -> dict[str, object]:
    return {"campaign": campaign, "text": campaign_text(campaign, get_language())}
