"""The union or human-rights group that runs campaigns."""

from __future__ import annotations

from django.db import models


class Organisation(models.Model):
    """Who publishes campaigns and answers for them."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    website = models.URLField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name
