"""What every template may use; the same for every visitor."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

SITE_NAME = "Picketline"


def site(_request: HttpRequest | None = None) -> dict[str, str | None]:
    """The site's name, its public address without a slash at the end, and where its source is."""
    return {
        "site_name": SITE_NAME,
        "site_url": settings.SITE_URL,
        "source_url": settings.SOURCE_URL,
    }
