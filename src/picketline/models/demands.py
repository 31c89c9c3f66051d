"""Numbered demands, each with a public history until it is met."""

from __future__ import annotations

from django.db import models

from picketline.models.campaigns import Campaign
from picketline.models.facts import Precision, Source


class Demand(models.Model):
    """What the campaign asks for. Its number on the page is its ``position``, from 1."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="demands")
    key = models.SlugField(max_length=80)
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "key"], name="demand_key_once_per_campaign")
        ]

    def __str__(self) -> str:
        return self.key


class DemandText(models.Model):
    """A demand's wording in one language."""

    demand = models.ForeignKey(Demand, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=12)
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["demand", "language"], name="demand_text_once_per_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.demand_id} {self.language}"


class DemandStatus(models.Model):
    """One step in a demand's history, with its date and evidence; the latest one holds."""

    class Status(models.TextChoices):
        OPEN = "open"
        PARTLY_MET = "partly met"
        MET = "met"
        WITHDRAWN = "withdrawn"

    demand = models.ForeignKey(Demand, on_delete=models.CASCADE, related_name="history")
    on = models.DateField()
    precision = models.CharField(max_length=5, choices=Precision.choices, default=Precision.DAY)
    status = models.CharField(max_length=10, choices=Status.choices)
    sources = models.ManyToManyField(Source, related_name="demand_statuses")

    class Meta:
        ordering = ["on"]
        verbose_name_plural = "demand statuses"
        constraints = [
            models.UniqueConstraint(fields=["demand", "on"], name="demand_status_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.demand_id} {self.on} {self.status}"


class DemandStatusText(models.Model):
    """What happened to the demand on that day, in one language."""

    status = models.ForeignKey(DemandStatus, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=12)
    note = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["status", "language"], name="demand_note_once_per_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.status_id} {self.language}"
