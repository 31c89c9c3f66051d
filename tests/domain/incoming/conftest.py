"""Most tests here examine messages in their own process: a new one for each would take seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings
from tests import postoffice
from tests.dns_server import DnsServer
from tests.domain.incoming.own_mail import publish_keys

from picketline.domain.incoming import sorting
from picketline.mail.incoming import findings, sandbox


@pytest.fixture(autouse=True)
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same examination without the sandbox, but for tests that use ``in_the_sandbox``."""
    if "in_the_sandbox" not in request.fixturenames:
        monkeypatch.setattr(sandbox, "examine", findings.report_on)


@pytest.fixture(autouse=True)
def _with_the_rights_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """What sorts messages may do in the database what the worker's role may, and no more."""
    sort_due = sorting.sort_due

    def limited(limit: int = 10) -> int:
        with postoffice.rights_of_a_worker():
            return sort_due(limit)

    monkeypatch.setattr(sorting, "sort_due", limited)


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    """A name server that knows the keys of the writers' providers."""
    with DnsServer() as server:
        publish_keys(server)
        yield server


@pytest.fixture
def keys_in_dns(dns: DnsServer, settings: Settings) -> None:
    """Signatures are checked with the keys of ``dns``."""
    settings.NAMESERVERS = (f"127.0.0.1:{dns.port}",)


@pytest.fixture
def in_the_sandbox() -> None:
    """For tests that examine messages as a worker does."""
