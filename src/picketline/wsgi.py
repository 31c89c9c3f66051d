"""The application that the web server runs.

Outermost the page cache, which answers most visitors; then the limits on what may come in; then
lanes, so that slow senders occupy neither Django nor a database connection.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from picketline.host.lanes import in_lanes
from picketline.host.limits import limited
from picketline.host.pagecache import cached
from picketline.seal.keys import KeyProblem

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def build() -> WSGIApplication:
    """The whole application. Ends the process with a sentence where its keys cannot be used."""
    django = get_wsgi_application()
    from picketline.domain.keyring import public_keys  # models can be imported only now

    try:
        public_keys()
    except KeyProblem as problem:
        sys.exit(f"Picketline cannot start:\n{problem}")
    return cached(limited(in_lanes(django), settings.BODY_LIMIT))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "picketline.settings")
application = build()
