"""Answers when something is wrong: neutral pages that tell no more than the visitor needs."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import REASON_BAD_ORIGIN
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static

from picketline.public.letters import write_again

_FROM_ELSEWHERE = REASON_BAD_ORIGIN.partition("%s")[0]


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid token: mostly one that stood open too long, so nothing is lost.

    What another site posted is shown to nobody: it would be a letter and consents ready to send.
    """
    match = request.resolver_match
    elsewhere = reason.startswith(_FROM_ELSEWHERE)
    if not elsewhere and match is not None and match.url_name == "write":
        try:
            return write_again(request, **match.kwargs)
        except Http404:
            return render(request, "public/faults/404.html", status=404)
    return render(request, "public/faults/stale.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that cannot be understood, or is too large."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "public/faults/413.html", status=413)
    return render(request, "public/faults/400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Something nobody may do here."""
    return render(request, "public/faults/403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such page."""
    return render(request, "public/faults/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Our own fault: a page that needs neither the database nor anything about the request."""
    try:
        stylesheet = static("picketline.css")
    except ValueError:  # the collected files may be what is broken
        stylesheet = ""
    page = render_to_string("public/faults/500.html", {"stylesheet": stylesheet})
    return HttpResponse(page, status=500)
