"""The addresses of this process: each process answers only for what it is there for."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []

if settings.PROCESS in ("public", "owner"):
    from picketline.public.urls import urlpatterns as public_urls

    urlpatterns += public_urls

handler400 = "picketline.public.faults.bad_request"
handler403 = "picketline.public.faults.forbidden"
handler404 = "picketline.public.faults.not_found"
handler500 = "picketline.public.faults.server_error"
