"""Targets: who letters are addressed to, and who owns whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from picketline.models.campaigns import Campaign


class Role(models.TextChoices):
    """What a target is to the conflict; model letters may have a variant for each."""

    COMPANY = "company"
    PARENT = "parent"
    SUBSIDIARY = "subsidiary"
    OWNER = "owner"
    LOCAL_GOVERNMENT = "local government"
    MINISTRY = "ministry"
    EMBASSY = "embassy"


class Target(models.Model):
    """A recipient with a stable key. What may change about it lives in its versions.

    The pace is how fast letters may come in: ``per_minute`` and ``per_day`` where they differ from
    the installation's, ``office_from`` to ``office_until`` in ``time_zone`` (an IANA name) where
    letters shall arrive in office hours, Monday to Friday, only.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="targets")
    key = models.SlugField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    time_zone = models.CharField(max_length=40, blank=True, db_default="")
    office_from = models.TimeField(null=True, blank=True)
    office_until = models.TimeField(null=True, blank=True)
    per_minute = models.FloatField(null=True, blank=True)
    per_day = models.PositiveIntegerField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "key"], name="target_key_once_per_campaign"
            ),
            models.CheckConstraint(
                name="target_office_hours_are_whole",
                condition=Q(office_from__isnull=True, office_until__isnull=True)
                | Q(office_from__lt=models.F("office_until"), time_zone__gt=""),
            ),
            models.CheckConstraint(
                name="target_pace_lets_something_through",
                condition=(Q(per_minute__isnull=True) | Q(per_minute__gt=0))
                & (Q(per_day__isnull=True) | Q(per_day__gt=0)),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class TargetVersion(models.Model):
    """A target as it stood from one load of the campaign to the next; never rewritten.

    A delivery points at the version that was current when its writer confirmed.
    ``language`` is the one letters are sent in unless the writer chooses otherwise.
    """

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    current = models.BooleanField(default=True)
    role = models.CharField(max_length=20, choices=Role.choices)
    owned_by = models.ForeignKey(
        Target, null=True, blank=True, on_delete=models.PROTECT, related_name="owns"
    )
    language = models.CharField(max_length=12)
    address = models.CharField(max_length=254)
    suspect_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when what comes back says that nobody reads there."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "number"], name="target_version_numbered_once"
            ),
            models.UniqueConstraint(
                fields=["target"], condition=Q(current=True), name="target_has_one_current_version"
            ),
            models.CheckConstraint(
                name="target_does_not_own_itself",
                condition=Q(owned_by__isnull=True) | ~Q(owned_by=models.F("target")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_id} v{self.number}"


class TargetText(models.Model):
    """A target's name on pages, and how a letter in that language greets it."""

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=12)
    name = models.CharField(max_length=200)
    about = models.TextField(blank=True)
    salutation = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "language"], name="target_text_once_per_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.target_id} {self.language}"
