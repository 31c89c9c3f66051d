"""Most tests here examine messages in their own process: a new one for each would take seconds."""

from __future__ import annotations

import pytest

from picketline.mail.incoming import findings, sandbox


@pytest.fixture(autouse=True)
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same examination without the sandbox, but for tests that use ``in_the_sandbox``."""
    if "in_the_sandbox" not in request.fixturenames:
        monkeypatch.setattr(sandbox, "examine", findings.report_on)


@pytest.fixture
def in_the_sandbox() -> None:
    """For tests that examine messages as a worker does."""
