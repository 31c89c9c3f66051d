"""Deliveries: the one outbox that every outgoing mail goes through."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from picketline.models.campaigns import Campaign, CopyAddress
from picketline.models.incoming import IncomingMessage
from picketline.models.letters import ModelLetter
from picketline.models.supporters import Supporter
from picketline.models.targets import Target, TargetVersion


class Delivery(models.Model):
    """One mail to one recipient, from the decision to send it until its fate is known.

    ``state`` is moved only by compare-and-set, in ``picketline.domain.deliveries``, which also
    holds the table of allowed moves. ``lease_token`` fences: whoever writes without the current
    token changes nothing. ``recalled`` says that the writer withdrew the mail, perhaps while a
    worker held it: it is not offered again. ``message_id`` and ``dated`` never change, and
    ``mime_sha256`` is committed with the first intent: every attempt sends the same bytes.
    """

    class MailClass(models.TextChoices):
        LETTER = "letter", "a letter to a target"
        CONFIRMATION = "confirmation", "asks a writer to confirm"
        WRITER_COPY = "writer copy", "a writer's own copy of their letter"
        ORGANISER_COPY = "organiser copy", "an organiser's copy of one letter"
        ORGANISER_DIGEST = "organiser digest", "a day's letters to an organiser"
        ORGANISER_NOTICE = "organiser notice", "tells an organiser what needs a person"
        FORWARDED_REPLY = "forwarded reply", "a target's reply, as text, to the letter's writer"
        THANKS = "thanks", "thanks whoever wrote from their own mailbox, and asks for consents"
        CAMPAIGN_UPDATE = "campaign update", "news of a campaign to somebody who asked for it"

    class Notice(models.TextChoices):
        SUSPECT = "suspect", "a target's address no longer works"
        BLOCKED = "blocked", "a target or its domain refuses our letters"
        COMPLAINT = "complaint", "somebody reported a mail of ours as abuse"
        UNCLEAR = "unclear", "letters whose fate a person has to find out"

    class State(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        ACCEPTED = "accepted"
        DEFERRED = "deferred"
        FAILED = "failed"
        UNCERTAIN = "uncertain"
        BOUNCED = "bounced"
        CANCELLED = "cancelled"

    class RelayStatus(models.TextChoices):
        SENT = "sent"
        DEFERRED = "deferred"
        BOUNCED = "bounced"
        EXPIRED = "expired"

    UNSENT_STATES = (State.QUEUED, State.DEFERRED)

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="deliveries")
    mail_class = models.CharField(max_length=16, choices=MailClass.choices)
    supporter = models.ForeignKey(
        Supporter, null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries"
    )
    target = models.ForeignKey(Target, null=True, blank=True, on_delete=models.PROTECT)
    # Every move of a mail writes into every index: those that nobody asks are left out.
    target_version = models.ForeignKey(
        TargetVersion, null=True, blank=True, on_delete=models.PROTECT, db_index=False
    )
    model_letter = models.ForeignKey(
        ModelLetter, null=True, blank=True, on_delete=models.PROTECT, db_index=False
    )
    copy_address = models.ForeignKey(
        CopyAddress, null=True, blank=True, on_delete=models.PROTECT, db_index=False
    )
    digest_day = models.DateField(null=True, blank=True)
    incoming = models.ForeignKey(
        IncomingMessage,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="mails",
        db_index=False,
    )
    notice = models.CharField(max_length=10, choices=Notice.choices, blank=True, db_default="")
    budget_hash = models.BinaryField(max_length=16, null=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    message_id = models.CharField(max_length=120)
    dated = models.DateTimeField()
    mime_sha256 = models.BinaryField(max_length=32, null=True)
    due_at = models.DateTimeField()
    recalled = models.BooleanField(db_default=False)
    lease_token = models.BigIntegerField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    uncertain_since = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=24, blank=True, help_text="Class of the last outcome.")
    smtp_code = models.PositiveSmallIntegerField(null=True)
    enhanced_code = models.CharField(max_length=12, blank=True)
    direct = models.BooleanField(default=False, help_text="Handed to the target's own server.")
    relay_status = models.CharField(max_length=8, choices=RelayStatus.choices, blank=True)
    relay_status_at = models.DateTimeField(null=True)
    envelope_hash = models.BinaryField(max_length=32, null=True)
    reply_hash = models.BinaryField(max_length=32, null=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["message_id"], name="delivery_message_id_once"),
            models.UniqueConstraint(
                fields=["supporter", "target"],
                condition=Q(mail_class="letter"),
                name="delivery_one_letter_per_target",
            ),
            models.UniqueConstraint(
                fields=["supporter", "mail_class"],
                condition=Q(mail_class__in=["confirmation", "writer copy"]),
                name="delivery_one_notice_of_a_class",
            ),
            models.UniqueConstraint(
                fields=["supporter", "copy_address"],
                condition=Q(mail_class="organiser copy"),
                name="delivery_one_copy_per_organiser",
            ),
            models.UniqueConstraint(
                fields=["copy_address", "digest_day"],
                condition=Q(mail_class="organiser digest"),
                name="delivery_one_digest_a_day",
            ),
            models.UniqueConstraint(
                fields=["copy_address", "notice", "target", "digest_day"],
                condition=Q(mail_class="organiser notice"),
                nulls_distinct=False,
                name="delivery_one_notice_a_day",
            ),
            models.UniqueConstraint(
                fields=["incoming", "mail_class"],
                condition=Q(mail_class__in=["forwarded reply", "thanks"]),
                name="delivery_one_answer_per_incoming",
            ),
            models.CheckConstraint(
                name="delivery_letter_names_its_target",
                condition=~Q(mail_class="letter")
                | Q(target__isnull=False, target_version__isnull=False, model_letter__isnull=False),
            ),
            models.CheckConstraint(
                name="delivery_leased_exactly_while_sending",
                condition=Q(state="sending", lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(state="sending") & Q(lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="delivery_uncertain_since_when",
                condition=~Q(state="uncertain") | Q(uncertain_since__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                fields=["supporter"], condition=Q(recalled=True), name="delivery_recalled"
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state="sending"), name="delivery_leased"
            ),
            models.Index(
                fields=["budget_hash"],
                condition=Q(budget_hash__isnull=False),
                name="delivery_budget",
            ),
            models.Index(fields=["envelope_hash"], name="delivery_envelope"),
            models.Index(
                fields=["reply_hash"],
                condition=Q(reply_hash__isnull=False),
                name="delivery_reply",
            ),
            models.Index(
                fields=["incoming"], condition=Q(incoming__isnull=False), name="delivery_incoming"
            ),
            models.Index(
                fields=["copy_address"],
                condition=Q(copy_address__isnull=False),
                name="delivery_copy_address",
            ),
            models.Index(
                fields=["target_version", "due_at"],
                condition=Q(state__in=["queued", "deferred"], mail_class="letter"),
                name="delivery_letters_due",
            ),
            models.Index(
                fields=["mail_class", "due_at"],
                condition=Q(state__in=["queued", "deferred"]) & ~Q(mail_class="letter"),
                name="delivery_notices_due",
            ),
            models.Index(
                fields=["uncertain_since"], condition=Q(state="uncertain"), name="delivery_unclear"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mail_class} {self.pk} {self.state}"
