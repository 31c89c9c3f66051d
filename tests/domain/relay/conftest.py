"""A relay whose log is read, and the clock of whoever reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import postoffice
from tests.domain.relay.fake_postfix import Clock, FakePostfix

from picketline.domain.relay import resolving
from picketline.domain.relay.resolving import Resolver


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of every resolver."""
    clock = Clock()
    monkeypatch.setattr(resolving, "boot_seconds", clock)
    return clock


@pytest.fixture
def postfix(tmp_path: Path, db: None) -> FakePostfix:
    """A relay whose log a worker has begun to read."""
    relay = FakePostfix(tmp_path)
    relay.resolver().run()
    return relay


@pytest.fixture(autouse=True)
def _with_the_rights_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch may do in the database what the worker's role may, and no more."""
    run = Resolver.run

    def limited(watch: Resolver) -> None:
        with postoffice.rights_of_a_worker():
            run(watch)

    monkeypatch.setattr(Resolver, "run", limited)
