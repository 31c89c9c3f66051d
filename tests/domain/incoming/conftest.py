"""Most tests here examine messages in their own process: a new one for each would take seconds."""

from __future__ import annotations

import pytest
from django.db import connection

from picketline.domain import roles
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
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {roles.WORKER}")
            try:
                return sort_due(limit)
            finally:
                cursor.execute("RESET ROLE")

    monkeypatch.setattr(sorting, "sort_due", limited)


@pytest.fixture
def in_the_sandbox() -> None:
    """For tests that examine messages as a worker does."""
