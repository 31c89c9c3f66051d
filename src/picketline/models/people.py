"""People at risk, with a dated and sourced status."""

from __future__ import annotations

from django.db import models

from picketline.models.campaigns import Campaign
from picketline.models.facts import Precision, Source


class PersonAtRisk(models.Model):
    """Somebody the campaign is about; nothing without a source is kept."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="people")
    key = models.SlugField(max_length=80)
    status_on = models.DateField()
    precision = models.CharField(max_length=5, choices=Precision.choices, default=Precision.DAY)
    position = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, related_name="people")

    class Meta:
        ordering = ["position"]
        verbose_name_plural = "people at risk"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "key"], name="person_key_once_per_campaign")
        ]

    def __str__(self) -> str:
        return self.key


class PersonText(models.Model):
    """Who the person is, and how they are, in one language."""

    person = models.ForeignKey(PersonAtRisk, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=12)
    name = models.CharField(max_length=200)
    who = models.TextField()
    status = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "language"], name="person_text_once_per_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.language}"
