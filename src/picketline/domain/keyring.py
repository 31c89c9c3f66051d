"""The keys of this process, read once from its key folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings

from picketline.domain.campaigns import private_key_context
from picketline.models import Campaign
from picketline.seal import boxes, keys


class NoPrivateKeysHere(Exception):
    """A public process asked for a key that only the worker and the desk hold."""


def public_keys() -> keys.PublicKeys:
    """What every process holds. Raises ``keys.KeyProblem`` with a sentence that says what to do."""
    return _public(settings.KEYS)


def worker_keys() -> keys.WorkerKeys:
    """The keys that open. Raises ``NoPrivateKeysHere`` or ``keys.KeyProblem``."""
    if settings.PROCESS == "public":
        raise NoPrivateKeysHere("The public process cannot open what supporters typed.")
    return _worker(settings.KEYS)


def campaign_private_key(campaign: Campaign) -> bytes:
    """The private half of the campaign's key, opened with the installation's."""
    return _campaign(
        worker_keys().installation_private,
        campaign.slug,
        bytes(campaign.sealed_private_key),
    )


@cache
def _public(folder: Path) -> keys.PublicKeys:
    return keys.load_public(folder)


@cache
def _worker(folder: Path) -> keys.WorkerKeys:
    return keys.load_worker(folder)


@cache
def _campaign(installation: bytes, slug: str, sealed: bytes) -> bytes:
    return boxes.open_box(installation, sealed, private_key_context(slug))
