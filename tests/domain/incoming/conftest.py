"""Most tests here examine messages in their own process: a new one for each would take seconds."""

from __future__ import annotations

import pytest

from picketline.mail.incoming import findings, sandbox
from picketline.mail.incoming.report import Report


@pytest.fixture(autouse=True)
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same examination without the sandbox, but for tests marked with ``in_the_sandbox``."""

    def examine(raw: bytes, *, verify: bool, nameservers: tuple[str, ...]) -> Report:
        return findings.report_on(raw, verify=verify, nameservers=nameservers)

    if "in_the_sandbox" not in request.fixturenames:
        monkeypatch.setattr(sandbox, "examine", examine)


@pytest.fixture
def in_the_sandbox() -> None:
    """For tests that examine messages as a worker does."""
