"""Public numbers: a journal of changes, and the totals that one job makes of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from picketline.models.campaigns import Campaign


class CountKind(models.TextChoices):
    """What is counted."""

    SUPPORTERS = "supporters", "people and organisations who confirmed a letter"
    MEMBERS = "members", "members that signing organisations speak for"
    LETTERS = "letters", "letters taken over by a mail server"
    COPIES = "copies", "people who wrote from their own mailbox, counted by their copy"


class CountEntry(models.Model):
    """A change of one public number. Totals are sums of these rows and of nothing else."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE)
    kind = models.CharField(max_length=12, choices=CountKind.choices)
    delta = models.IntegerField()
    created_on = models.DateField()
    summed = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "count entries"
        indexes = [
            models.Index(fields=["id"], condition=Q(summed=False), name="count_entry_unsummed")
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.kind} {self.delta:+d}"


class CampaignCount(models.Model):
    """A public number as last summed up: pages read this and never count rows."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="counts")
    kind = models.CharField(max_length=12, choices=CountKind.choices)
    total = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "kind"], name="campaign_count_once_per_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.kind} {self.total}"
