"""The page behind the link in our thanks to whoever wrote from their own mailbox.

Reading it changes nothing. Without the two boxes nothing is sent to its bearer ever again.
"""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST

from picketline.domain import copy_status
from picketline.domain.copy_status import CopyStatus
from picketline.forms.copies import CopyConsentForm
from picketline.models import Consent
from picketline.public.links import one_page_for_bad_links
from picketline.public.showing import campaign_text


@require_http_methods(["GET", "HEAD", "POST"])
@one_page_for_bad_links
def copy(request: HttpRequest, token: str) -> HttpResponse:
    """That the letter is counted, and what its writer may agree to."""
    status = copy_status.status(token)
    if request.method != "POST":
        return _page(request, status, token, CopyConsentForm())
    form = CopyConsentForm(request.POST)
    if not form.is_valid():
        return _page(request, status, token, form, code=400)
    copy_status.agree(token, form.consents(), form.cleaned_data["name"])
    return redirect("copy", token)


@require_POST
@one_page_for_bad_links
def take_back_copy(request: HttpRequest, token: str) -> HttpResponse:
    """Withdraw one consent."""
    kind = request.POST.get("consent")
    if kind not in copy_status.OPTIONAL:
        raise BadRequest("no such consent")
    copy_status.take_back(token, Consent.Kind(kind))
    return redirect("copy", token)


@require_POST
@one_page_for_bad_links
def not_mine(request: HttpRequest, token: str) -> HttpResponse:
    """The bearer did not write: it no longer counts, and we never write to them again."""
    copy_status.disown(token)
    return render(request, "public/copy_disowned.html")


def _page(
    request: HttpRequest, status: CopyStatus, token: str, form: CopyConsentForm, *, code: int = 200
) -> HttpResponse:
    context = {
        "campaign": status.campaign,
        "text": campaign_text(status.campaign, get_language()),
        "status": status,
        "form": form,
        "token": token,
    }
    return render(request, "public/copy.html", context, status=code)
