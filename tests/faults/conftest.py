"""A relay whose log is read, and the clock of whoever reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.domain.relay.fake_postfix import Clock, FakePostfix
from tests.mail.certificates import Authority

from picketline.domain.relay import resolving


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of every resolver."""
    clock = Clock()
    monkeypatch.setattr(resolving, "boot_seconds", clock)
    return clock


@pytest.fixture
def relay(tmp_path: Path, db: None) -> FakePostfix:
    """A relay whose log a worker has begun to read."""
    relay = FakePostfix(tmp_path)
    relay.resolver().run()
    return relay


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs certificates of mail servers."""
    return Authority(tmp_path_factory.mktemp("certificates"))
