"""The one Django app."""

from __future__ import annotations

from django.apps import AppConfig


class PicketlineConfig(AppConfig):
    """Everything is in this app; its layers are folders."""

    name = "picketline"
    default_auto_field = "django.db.models.BigAutoField"
