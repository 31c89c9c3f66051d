"""The public web process gets by with the rights of its own database role."""

from __future__ import annotations

from django.test import Client
from tests import builders, writers
from tests.conftest import ActingAs
from tests.public.conftest import CONSENT, LETTER, WRITE

from picketline.models import Supporter
from picketline.seal import tokens


def test_the_whole_way_needs_no_more_than_the_public_role_may(
    client: Client, acting_as: ActingAs
) -> None:
    builders.campaign()
    with acting_as("public"):
        for page in ("/en/", "/ru/campaigns/harbour/", WRITE, "/en/privacy/", "/healthz"):
            assert client.get(page).status_code == 200
        letter = {**LETTER, **CONSENT}
        assert client.post(WRITE, {**letter, "step": "preview"}).status_code == 200
        assert client.post(WRITE, {**letter, "step": "send"}).status_code == 302
    token = writers.link(Supporter.objects.latest("pk"))
    link = f"/en/letters/{tokens.derive(token, tokens.STATUS)}/"
    with acting_as("public"):
        assert client.get(f"/en/confirm/{token}/").status_code == 200
        assert client.post(f"/en/confirm/{token}/").headers["Location"] == link
        assert client.post(f"{link}consents/", {"consent": "updates"}).status_code == 302
        assert client.post(f"{link}withdraw/").status_code == 302
        assert client.post(f"{link}erase/").status_code == 302
        assert client.get(link).status_code == 200
