"""A relay whose TLS proves nothing: letters wait, not a word goes in clear, and it shows (D10)."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from tests.faults import stand
from tests.faults.stand import WAYS, State
from tests.mail.certificates import Authority
from tests.mail.scripted_server import PLAIN_OFFERS
from tests.postoffice import Peer

from picketline.domain.pacing.breakers import FAILURES
from picketline.mail.routes import Security
from picketline.models import Delivery, Gate

pytestmark = pytest.mark.django_db

OFFERS = ("STARTTLS", "AUTH PLAIN", *PLAIN_OFFERS)


def _old(authority: Authority, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A server that knows nothing newer."""
    context = authority.server()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # which is the point
        context.minimum_version = version
        context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


FLAWS: dict[str, Callable[[Authority], dict[str, Any]]] = {
    "expired": lambda authority: {"tls": authority.server(days=-1)},
    "another host's": lambda authority: {"tls": authority.server("127.0.0.2")},
    "self-signed": lambda authority: {"tls": authority.server(trusted=False)},
    "TLS 1.0": lambda authority: {"tls": _old(authority, ssl.TLSVersion.TLSv1)},
    "TLS 1.1": lambda authority: {"tls": _old(authority, ssl.TLSVersion.TLSv1_1)},
    "STARTTLS taken out": lambda _: {"offers": OFFERS[1:]},
    "STARTTLS refused": lambda _: {"answers": {"STARTTLS": b"454 4.7.0 not now\r\n"}},
}


@WAYS
@pytest.mark.parametrize("flaw", FLAWS.values(), ids=FLAWS.keys())
def test_letters_wait_and_nothing_goes_in_clear(
    flaw: Callable[[Authority], dict[str, Any]], intents: int, authority: Authority
) -> None:
    stand.letters(2)
    login = {"username": "picket", "password": "s3cret"}
    way = {"security": Security.STARTTLS, "ca_file": authority.ca_file, **login}
    with Peer(**{"offers": OFFERS, **flaw(authority)}) as server:
        stand.send(server, intents, rounds=FAILURES, **way)
    assert stand.ends() == [(State.QUEUED, "")] * 2
    assert set(Delivery.objects.values_list("attempt_count", flat=True)) == {0}
    for word in (b"AUTH", b"MAIL", b"DATA", b"s3cret"):
        assert word not in server.clear.replace(b"AUTH PLAIN\r\n", b"")
    assert server.messages == []
    assert Gate.objects.get(name="relay:here").breaker == Gate.Breaker.OPEN
