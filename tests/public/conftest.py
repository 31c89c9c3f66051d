"""What the pages' tests share: a campaign for each module, static files as they lie, a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings
from tests import builders, writers

from picketline.models import Campaign, Supporter

WRITE = "/en/campaigns/harbour/write/"
SENT = "/en/campaigns/harbour/sent/"
LETTER = {
    "own_words": "I drive a crane myself.\nPlease answer her.",
    "name": "Ana Núñez",
    "email": "ana@mail.example",
    "country": "ES",
    "letter_language": "",
    "signs_as": "person",
    "organisation": "",
    "role": "",
    "members": "",
    "replies": "alias",
}
BRANCH = {
    "signs_as": "organisation",
    "organisation": "Crane Drivers’ Union, branch 3",
    "role": "Secretary",
    "members": "1,200",
}
CONSENT = {"consent_send": "on"}
SEND = {**LETTER, **CONSENT, "step": "send"}


@pytest.fixture(autouse=True)
def _static_files_as_they_lie(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(scope="module")
def harbour(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Campaign]:
    """The open campaign of ``builders.content()``, loaded once; tests see it as ``campaign``."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield builders.campaign()
        transaction.set_rollback(True)


@pytest.fixture
def campaign(harbour: Campaign, db: None) -> Campaign:
    """The campaign as a row of the test's own: what the test changes is undone after it."""
    return Campaign.objects.get(pk=harbour.pk)


@pytest.fixture
def browser(campaign: Campaign) -> Client:
    """A client that is held to the protection of forms, as browsers are."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def submit(client: Client, campaign: Campaign) -> Callable[..., str]:
    """``submit(email=…)`` sends a letter in through the form and returns the link's token."""

    def send(**changes: Any) -> str:
        answer = client.post(WRITE, {**SEND, **changes})
        assert answer.status_code == 302, answer.content.decode()
        return writers.link(Supporter.objects.latest("pk"))

    return send
