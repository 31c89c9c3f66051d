"""The headers of every answer, whichever view or file it comes from.

The referrer policy is ``same-origin``, not ``no-referrer``: with the latter browsers send
``Origin: null`` with our own forms, and the check against forged requests refuses them. Neither
tells other sites where a visitor came from.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_NOTHING_LOADS_BUT_OURS = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)
_ALWAYS = {
    "Content-Security-Policy": _NOTHING_LOADS_BUT_OURS,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    "X-Frame-Options": "DENY",
}
_A_YEAR_OF_HTTPS = "max-age=31536000; includeSubDomains"

Handler = Callable[[HttpRequest], HttpResponseBase]


def security_headers(get_response: Handler) -> Handler:
    """Middleware: protective headers always, and no storing unless a view says otherwise."""
    https = settings.SITE_URL.startswith("https://")

    def handle(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in _ALWAYS.items():
            response.headers[name] = value
        if https:
            response.headers["Strict-Transport-Security"] = _A_YEAR_OF_HTTPS
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return handle
