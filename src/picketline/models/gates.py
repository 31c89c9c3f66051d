"""Gates: what a mail must pass before it may go, so that no target can call us an attack."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Gate(models.Model):
    """One thing that mail goes through: a relay, a stream, a domain, a campaign or a target.

    ``name`` is *kind:what*: ``relay:mx1``, ``stream:letters``, ``domain:company.example``,
    ``campaign:3``, ``target:12``. A gate has a token bucket, a count for the day, a circuit breaker
    and a pause. A pause is lifted by people only; a breaker that is *open* becomes *half-open*
    after ``open_until`` and lets one mail through to see.
    """

    class Breaker(models.TextChoices):
        CLOSED = "closed", "mail passes"
        OPEN = "open", "nothing passes for a while"
        HALF_OPEN = "half-open", "one mail is on its way to see"

    class PausedBy(models.TextChoices):
        PERSON = "person", "somebody stopped it"
        POLICY = "policy", "they block us: a person has to look"

    name = models.CharField(max_length=300, primary_key=True)
    tokens = models.FloatField(null=True, help_text="Null: the bucket is full.")
    filled_at = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    day_count = models.PositiveIntegerField(default=0)
    breaker = models.CharField(max_length=9, choices=Breaker.choices, default=Breaker.CLOSED)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    openings = models.PositiveIntegerField(default=0, help_text="In a row: each lasts longer.")
    open_until = models.DateTimeField(null=True)
    paused_by = models.CharField(max_length=6, choices=PausedBy.choices, blank=True)
    paused_at = models.DateTimeField(null=True)
    last_served_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="gate_open_until_when",
                condition=Q(breaker="closed") | Q(open_until__isnull=False),
            ),
            models.CheckConstraint(
                name="gate_paused_since_when",
                condition=Q(paused_by="", paused_at__isnull=True)
                | (~Q(paused_by="") & Q(paused_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.name
