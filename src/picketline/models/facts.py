"""Facts: dated, sourced, and due for review; and the sources that carry them."""

from __future__ import annotations

from django.db import models

from picketline.models.campaigns import Campaign


class Precision(models.TextChoices):
    """How exactly a source dates an event."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Source(models.Model):
    """A published report that a fact, a person's status or a demand's status rests on."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="sources")
    key = models.SlugField(max_length=80)
    title = models.CharField(max_length=300)
    publisher = models.CharField(max_length=200)
    url = models.URLField(max_length=500)
    published_on = models.DateField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "key"], name="source_key_once_per_campaign")
        ]

    def __str__(self) -> str:
        return self.key


class Fact(models.Model):
    """One thing that happened. ``on`` is the first day of the period that ``precision`` names."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="facts")
    key = models.SlugField(max_length=80)
    on = models.DateField()
    precision = models.CharField(max_length=5, choices=Precision.choices, default=Precision.DAY)
    review_by = models.DateField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    sources = models.ManyToManyField(Source, related_name="facts")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "key"], name="fact_key_once_per_campaign")
        ]

    def __str__(self) -> str:
        return self.key


class FactText(models.Model):
    """A fact told in one language."""

    fact = models.ForeignKey(Fact, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=12)
    text = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fact", "language"], name="fact_text_once_per_language")
        ]

    def __str__(self) -> str:
        return f"{self.fact_id} {self.language}"
