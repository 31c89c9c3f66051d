"""Incoming messages: bounces, replies, copies and whatever else comes to addresses of ours."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from picketline.models.campaigns import Campaign
from picketline.models.supporters import Supporter
from picketline.models.targets import Target


class IncomingMessage(models.Model):
    """A message that was taken in, and what it turned out to be.

    ``raw_ct`` is the message as it came, sealed to the installation's key by a process that need
    not be able to open it. ``content_ct`` is what a person may read of it: JSON of inert text and
    names of attachments, sealed to the same key. ``door`` is which of our addresses it came to.
    ``fingerprint`` tells a second arrival of the same message.
    """

    class Door(models.TextChoices):
        ENVELOPE = "envelope", "the envelope sender of one delivery"
        REPLY = "reply", "the reply alias of one letter"
        COPY = "copy", "a campaign's copy address"
        UNSUBSCRIBE = "unsubscribe", "the unsubscribe alias of one delivery"
        SENDER = "sender", "a campaign's visible sender address"

    class State(models.TextChoices):
        RECEIVED = "received", "not looked at yet"
        SORTED = "sorted", "its kind is known"
        QUARANTINED = "quarantined", "it could not be examined safely"

    class Kind(models.TextChoices):
        BOUNCE = "bounce"
        COMPLAINT = "complaint"
        AUTO_REPLY = "auto-reply"
        REPLY = "reply"
        COPY = "copy"
        UNSUBSCRIBE = "unsubscribe"
        UNKNOWN = "unknown"

    class Publication(models.TextChoices):
        HELD = "held", "waits for an organiser"
        PUBLISHED = "published", "stands on the campaign's page"
        DECLINED = "declined", "an organiser decided against it"

    door = models.CharField(max_length=12, choices=Door.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    kind = models.CharField(max_length=12, choices=Kind.choices, blank=True)
    received_at = models.DateTimeField()
    sorted_at = models.DateTimeField(null=True)
    raw_ct = models.BinaryField(null=True)
    content_ct = models.BinaryField(null=True)
    fingerprint = models.BinaryField(max_length=32, null=True, unique=True)
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.SET_NULL, related_name="incoming"
    )
    supporter = models.ForeignKey(
        Supporter, null=True, blank=True, on_delete=models.SET_NULL, related_name="incoming"
    )
    target = models.ForeignKey(Target, null=True, blank=True, on_delete=models.SET_NULL)
    delivery = models.ForeignKey(
        "picketline.Delivery",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="incoming_messages",
    )
    permanent = models.BooleanField(null=True, help_text="Of a bounce: whether it is for good.")
    enhanced_code = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=40, blank=True, help_text="Why it is of this kind.")
    publication = models.CharField(max_length=10, choices=Publication.choices, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Times it was examined.")
    examine_at = models.DateTimeField(help_text="When it is to be examined, or examined again.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="incoming_kind_exactly_when_sorted",
                condition=Q(state="sorted") & ~Q(kind="") | ~Q(state="sorted") & Q(kind=""),
            ),
            models.CheckConstraint(
                name="incoming_only_replies_are_published",
                condition=Q(publication="") | Q(kind="reply"),
            ),
        ]
        indexes = [
            models.Index(
                fields=["examine_at"], condition=Q(state="received"), name="incoming_unsorted"
            ),
            models.Index(fields=["received_at"], name="incoming_by_age"),
        ]

    def __str__(self) -> str:
        return f"incoming message {self.pk} {self.kind or self.state}"


class PublishedReply(models.Model):
    """A target's reply as an organiser chose to show it on the campaign's page."""

    incoming = models.OneToOneField(
        IncomingMessage, null=True, on_delete=models.SET_NULL, related_name="published"
    )
    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="published_replies"
    )
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="published_replies")
    text = models.TextField()
    language = models.CharField(max_length=12, blank=True)
    replied_on = models.DateField()
    published_on = models.DateField()

    class Meta:
        verbose_name_plural = "published replies"
        ordering = ["replied_on", "pk"]

    def __str__(self) -> str:
        return f"published reply {self.pk}"
