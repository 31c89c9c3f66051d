"""Addresses for programs: health, crawlers, icons, and the way to a language."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

_ROBOTS = """User-agent: *
Disallow: /*/confirm/
Disallow: /*/letters/
Disallow: /*/copies/
Disallow: /*/write/
Disallow: /*/sent/
"""


@require_safe
def choose_language(_request: HttpRequest) -> HttpResponse:
    """To the home page in the language that the browser asks for; never cached."""
    return redirect("home")


@require_safe
def health(_request: HttpRequest) -> HttpResponse:
    """``ok`` when this process can reach its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=3600)
def robots(_request: HttpRequest) -> HttpResponse:
    """Secret links and forms are nothing for search engines."""
    return HttpResponse(_ROBOTS, content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=3600)
def favicon(_request: HttpRequest) -> HttpResponse:
    """The icon, for browsers that ask for the old name."""
    return HttpResponseRedirect(static("favicon.svg"))
