"""What every test may count on: keys of its own, and a database whose roles have their rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from picketline.domain import roles
from picketline.host.passwords import read_password
from picketline.seal import keys

# How long an example takes says more about the machine's other work than about ours.
hypothesis.settings.register_profile("picketline", deadline=None)
hypothesis.settings.load_profile("picketline")

ActingAs = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(scope="session", autouse=True)
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation's keys, in force for the whole run."""
    folder = tmp_path_factory.mktemp("keys")
    keys.create(folder)
    # Never undone: an empty secret, as the settings had before there were keys, cannot be restored.
    settings.KEYS = folder
    settings.SECRET_KEY = keys.django_secret(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_pace() -> None:
    """Nothing waits for its turn but in the tests of pacing, which set a pace of their own."""
    settings.TARGET_PER_MINUTE = settings.DOMAIN_PER_MINUTE = 0
    settings.TARGET_PER_DAY = 0


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database, with the rights of the public, desk and worker roles."""
    with django_db_blocker.unblock():
        roles.prepare()


@pytest.fixture
def acting_as(transactional_db: None) -> ActingAs:
    """Connect anew as "public", "desk" or "worker" within a ``with``, with that role's rights.

    The embedded server gets the process's own login; another one is asked to take its role.
    """

    @contextmanager
    def connected(process: str) -> Iterator[None]:
        owner = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update(_login(process, owner))
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.clear()
            connection.settings_dict.update(owner)

    return connected


def _login(process: str, owner: dict[str, object]) -> dict[str, object]:
    if settings.ENVIRONMENT.database_url:
        return {"OPTIONS": {**owner["OPTIONS"], "options": f"-c role=picketline_{process}"}}
    password = read_password(settings.DATA, process)
    return {"USER": f"picketline_{process}", "PASSWORD": password}
