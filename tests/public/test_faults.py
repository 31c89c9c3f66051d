"""When something is wrong, visitors get a page that tells no more than they need."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings

from picketline.public import faults, machines
from picketline.public.urls import urlpatterns


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A site whose health check fails with a secret in the error."""

    def fail(_request: HttpRequest) -> None:
        raise RuntimeError("a secret")

    for pattern in urlpatterns:
        if getattr(pattern, "callback", None) is machines.health:
            monkeypatch.setattr(pattern, "callback", fail)
    return Client(raise_request_exception=False)


def test_a_fault_of_ours_tells_nothing_and_needs_no_database(broken: Client) -> None:
    answer = broken.get("/healthz")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert "Something broke on our side." in page
    assert "picketline.css" in page
    assert "secret" not in page
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_for_our_faults_does_without_its_style_sheet(
    broken: Client, settings: Settings
) -> None:
    settings.STORAGES = {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    page = broken.get("/healthz").content.decode()
    assert "Something broke on our side." in page
    assert "stylesheet" not in page


def test_what_nobody_may_see_is_said_so(rf: RequestFactory) -> None:
    answer = faults.forbidden(rf.get("/en/"), PermissionDenied("a secret"))
    assert answer.status_code == 403
    assert b"secret" not in answer.content


@pytest.mark.parametrize("language", ["en", "ru", "ar"])
def test_a_page_that_is_not_there_speaks_the_readers_language(
    client: Client, db: None, language: str
) -> None:
    answer = client.get(f"/{language}/nowhere/")
    assert answer.status_code == 404
    assert f'<html lang="{language}"' in answer.content.decode()
