"""The whole product but for the page cache: what a page costs when Django has to make it."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from picketline.host.lanes import in_lanes
from picketline.host.limits import limited

application = limited(in_lanes(get_wsgi_application()), settings.BODY_LIMIT)
