"""Signing: the form's last step through the whole product, beside the same by hand.

All are WSGI applications called in this one thread, on one database. Django prepares no statements,
so the limit is also shown without them, for information.
"""

from __future__ import annotations

import http.cookies
import itertools
import re
import sys
import time
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import psycopg
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Length
from psycopg.conninfo import make_conninfo

from bench import rounds
from bench.installation import SLUG
from bench.raw_sign import RawSign
from picketline.domain.keyring import public_keys
from picketline.host.exchange import ask
from picketline.host.limits import limited
from picketline.models import Consent, Delivery, Letter, LetterPart, SealedSubmission, Supporter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    Requests = Iterator[WSGIEnvironment]

SIGNATURES = 200
WRITE = f"/en/campaigns/{SLUG}/write/"
OURS, LIMIT = "the product", "raw SQL by hand"
UNPREPARED = "the same without prepared statements"
_LETTER = {
    "own_words": "I have worked on oil rigs for twenty years, and I know what a winter without "
    "wages is.\nPlease answer the people whose work your company lives on.",
    "name": "Ana Núñez",
    "country": "ES",
    "letter_language": "",
    "signs_as": "person",
    "organisation": "",
    "role": "",
    "members": "",
    "replies": "alias",
    "consent_send": "on",
    "step": "send",
}


def measure(size: rounds.Size) -> rounds.Report:
    """Signatures per second; ends the process where they do not write the same rows."""
    number = size.of(SIGNATURES)
    product = limited(get_wsgi_application(), settings.BODY_LIMIT)
    token, cookie = _security_token(product)
    requests = _requests(_LETTER | {"csrfmiddlewaretoken": token}, cookie)
    with (
        psycopg.connect(_database(), autocommit=True) as preparing,
        psycopg.connect(_database(), autocommit=True, prepare_threshold=None) as plain,
    ):
        applications: dict[str, WSGIApplication] = {
            OURS: product,
            LIMIT: RawSign(preparing, public_keys(), settings.MAIL_DOMAIN, SLUG),
            UNPREPARED: RawSign(plain, public_keys(), settings.MAIL_DOMAIN, SLUG),
        }
        contenders: dict[str, rounds.Contender] = {
            name: partial(_signed, application, requests, number)
            for name, application in applications.items()
        }
        written = {name: _written(contender) for name, contender in contenders.items()}
        if any(rows != written[OURS] for rows in written.values()):
            sys.exit(f"They do not write the same: {written}")
        each = {name: rows // number for name, rows in written[OURS].items()}
        details = {"signatures": f"{number} a round", "written for each": each}
        return rounds.report("sign", "signatures", contenders, size, aim=0.5, details=details)


def _database() -> str:
    """The same login as Django's, with psycopg's defaults, which prepare repeated statements."""
    login = connection.settings_dict
    return make_conninfo(
        host=login["HOST"],
        port=login["PORT"],
        user=login["USER"],
        password=login["PASSWORD"],
        dbname=login["NAME"],
    )


def _security_token(application: WSGIApplication) -> tuple[str, str]:
    """What a browser has from the form's page: the hidden field and the cookie."""
    answer = ask(application, _environ("GET", b""))
    cookie = http.cookies.SimpleCookie(dict(answer.headers)["Set-Cookie"])["csrf"]
    found = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', answer.body)
    if found is None:
        sys.exit("The form has no security token.")
    return found[1].decode(), f"csrf={cookie.value}"


def _requests(typed: dict[str, str], cookie: str) -> Requests:
    """The same letter again and again, each from an address of its own."""
    for number in itertools.count():
        body = urlencode(typed | {"email": f"writer-{number:08}@mail.example"}).encode()
        yield _environ("POST", body) | {"HTTP_COOKIE": cookie}


def _environ(method: str, body: bytes) -> WSGIEnvironment:
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": WRITE,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_ORIGIN": "http://127.0.0.1:8000",
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _signed(application: WSGIApplication, requests: Requests, number: int) -> float:
    prepared = list(itertools.islice(requests, number))
    started = time.perf_counter()
    answers = [ask(application, environ) for environ in prepared]
    seconds = time.perf_counter() - started
    refused = [answer for answer in answers if not answer.status.startswith("302 ")]
    if refused:
        sys.exit(f"A signature was answered with {refused[0].status}.")
    return number / seconds


def _written(contender: rounds.Contender) -> dict[str, int]:
    """How many rows a round adds to each table, and how many bytes for the writers' links."""
    before = _contents()
    contender()
    after = _contents()
    return {name: after[name] - before[name] for name in after}


def _contents() -> dict[str, int]:
    tables = (Supporter, SealedSubmission, Letter, LetterPart, Consent, Delivery)
    counted = {model._meta.verbose_name_raw: model._default_manager.count() for model in tables}
    locked = Letter.objects.aggregate(octets=Sum(Length("link_ct")))["octets"]
    return {**counted, "bytes for the link": locked or 0}
