"""A good zone, and an asker that knows nobody but the local server."""

from collections.abc import Callable, Iterator

import pytest
from tests.dns_server import DnsServer
from tests.mail.domain_check.zones import good_zone

from picketline.mail.domain_check import asking
from picketline.mail.domain_check.asking import Asker

Asking = Callable[[], Asker]


@pytest.fixture
def dns() -> Iterator[DnsServer]:
    with DnsServer(*good_zone()) as server:
        yield server


@pytest.fixture
def ask(dns: DnsServer) -> Asking:
    """A fresh asker each time it is called: askers remember answers."""
    return lambda: asking.asker([f"127.0.0.1:{dns.port}"], patience=10)
