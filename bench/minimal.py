"""The least that Django can do: settings, one address and a view of one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def view(_: HttpRequest) -> HttpResponse:
    """Nothing but an answer; it says its length, or it would have to go out in chunks."""
    return HttpResponse("ok", headers={"Content-Length": "2"})


urlpatterns = [path("", view)]


def build() -> WSGIApplication:
    """The application, without middleware, database or templates."""
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, MIDDLEWARE=[], USE_I18N=False
    )
    django.setup(set_prefix=False)
    return WSGIHandler()


application = build()
