"""Model letters, and the letters that supporters made of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from picketline.models.campaigns import Campaign
from picketline.models.supporters import Supporter
from picketline.models.targets import Role, Target


class ModelLetter(models.Model):
    """A version of the organisers' draft for one language and, where ``role`` is set, one role.

    A version that a supporter has used is never rewritten: a change makes the next version and
    moves ``current`` to it. ``body`` is plain text with the placeholders of
    ``picketline.text.placeholders``.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="model_letters")
    language = models.CharField(max_length=12)
    role = models.CharField(max_length=20, choices=Role.choices, blank=True)
    version = models.PositiveIntegerField()
    current = models.BooleanField(default=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "language", "role", "version"],
                name="model_letter_version_numbered_once",
            ),
            models.UniqueConstraint(
                fields=["campaign", "language", "role"],
                condition=Q(current=True),
                name="model_letter_has_one_current_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.language} {self.role} v{self.version}"


class Letter(models.Model):
    """One supporter's words to the targets.

    ``link_ct`` is the whole submission, locked with a key that only the bearer of the writer's
    link can derive: it lets the confirmation and status pages show the letter although the web
    process cannot read what was sealed for the worker. ``frozen_at`` is the moment of
    confirmation, rounded to the hour: it is the ``Date`` of the letters.
    """

    supporter = models.OneToOneField(Supporter, on_delete=models.CASCADE, primary_key=True)
    link_ct = models.BinaryField(null=True)
    frozen_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"letter {self.pk}"


class LetterPart(models.Model):
    """Which model letter the text to one target was made from."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="parts")
    target = models.ForeignKey(Target, on_delete=models.PROTECT)
    model_letter = models.ForeignKey(ModelLetter, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["letter", "target"], name="letter_part_once_per_target")
        ]

    def __str__(self) -> str:
        return f"{self.letter_id} to {self.target_id}"
