"""What was tried, what was answered, and what the relay's log shows."""

from __future__ import annotations

from django.db import models

from picketline.models.deliveries import Delivery


class Attempt(models.Model):
    """One try at a delivery under one lease.

    ``phase`` *committing* is the intent: it is committed before the final dot, so that a crash
    can never hide a letter that went out.
    """

    class Phase(models.TextChoices):
        CLAIMED = "claimed"
        COMMITTING = "committing"
        ENDED = "ended"

    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="attempts", db_index=False
    )
    lease_token = models.BigIntegerField()
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.CLAIMED)
    started_at = models.DateTimeField()
    committed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=24, blank=True)
    relay = models.CharField(
        max_length=120, db_default="", help_text="Which relay's log and queue tell of it."
    )
    looked_for = models.BooleanField(
        db_default=False, help_text="The relay was asked for it once, and did not have it then."
    )
    smtp_code = models.PositiveSmallIntegerField(null=True)
    enhanced_code = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "lease_token"], name="attempt_once_per_lease"
            )
        ]

    def __str__(self) -> str:
        return f"attempt at {self.delivery_id} {self.phase}"


class SealedReply(models.Model):
    """The text of a server's reply, sealed by the worker: it may quote an address."""

    attempt = models.OneToOneField(
        Attempt, on_delete=models.CASCADE, primary_key=True, related_name="sealed_reply"
    )
    text_ct = models.BinaryField()

    def __str__(self) -> str:
        return f"reply to attempt {self.pk}"


class Evidence(models.Model):
    """A line of the relay's log about one of our mails."""

    class Kind(models.TextChoices):
        QUEUED = "queued", "the relay has it in its queue"
        SENT = "sent", "the next server accepted it"
        DEFERRED = "deferred", "the relay will try again"
        BOUNCED = "bounced", "the relay gave up"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="evidence")
    queue_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "queue_id", "kind"], name="evidence_noted_once"
            )
        ]
        indexes = [models.Index(fields=["queue_id"], name="evidence_by_queue_id")]

    def __str__(self) -> str:
        return f"{self.kind} {self.queue_id}"


class RelayHealth(models.Model):
    """A stretch of time over which the relay's log is known to be whole."""

    relay = models.CharField(max_length=120)
    whole_from = models.DateTimeField()
    whole_until = models.DateTimeField()

    class Meta:
        verbose_name_plural = "relay health"
        constraints = [
            models.UniqueConstraint(
                fields=["relay", "whole_from"], name="relay_health_once_per_start"
            )
        ]

    def __str__(self) -> str:
        return f"{self.relay} since {self.whole_from}"


class RelayLog(models.Model):
    """How far a relay's log has been read: its file, the octet in it, and what stood before that.

    The row is locked by whoever reads on, so that every line is taken once.
    """

    relay = models.CharField(max_length=120, primary_key=True)
    inode = models.BigIntegerField()
    offset = models.BigIntegerField()
    mark = models.BinaryField(max_length=32)
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"log of {self.relay} at {self.offset}"


class RelayProbe(models.Model):
    """A mail to nobody, handed to a relay to see whether its log still tells of what it takes."""

    relay = models.CharField(max_length=120)
    envelope_hash = models.BinaryField(max_length=32, unique=True)
    handed_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["relay", "handed_at"], name="relay_probe_by_time")]

    def __str__(self) -> str:
        return f"probe of {self.relay} at {self.handed_at}"
