"""A campaign, its texts in each language, and the organisers' copy addresses."""

from __future__ import annotations

import datetime

from django.db import models
from django.db.models import Q

from picketline.models.organisations import Organisation


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """Named sets of campaigns."""

    def public(self) -> CampaignQuerySet:
        """Campaigns that visitors may see."""
        return self.filter(state__in=Campaign.PUBLIC_STATES)

    def open(self) -> CampaignQuerySet:
        """Campaigns listed as open on the home page."""
        return self.filter(state=Campaign.State.OPEN)


class Campaign(models.Model):
    """What an organisation asks people to write about, to whom, and until when.

    ``public_key`` is the campaign's X25519 public key: whatever a supporter types is sealed to it.
    Its private half is kept only sealed to the installation's key (``sealed_private_key``), which
    public web processes do not hold.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        CHECKED = "checked"
        OPEN = "open"
        SUSPENDED = "suspended"
        CLOSED = "closed"
        ARCHIVED = "archived"

    class Outcome(models.TextChoices):
        WON = "won"
        PARTLY_WON = "partly won"
        LOST = "lost"
        NO_FURTHER_ACTION = "no further action"

    class Copies(models.TextChoices):
        EACH = "each", "one mail for each letter"
        DAILY = "daily", "one digest a day"
        NONE = "none", "no copies"

    class Addressing(models.TextChoices):
        EACH = "each", "one mail for each target"
        ALL = "all", "one mail that shows all targets as its recipients"

    PUBLIC_STATES = (State.OPEN, State.SUSPENDED, State.CLOSED)

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    slug = models.SlugField(max_length=80, unique=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, blank=True)
    default_language = models.CharField(max_length=12)
    opens_on = models.DateField(null=True, blank=True)
    closes_on = models.DateField(null=True, blank=True, help_text="The last day, in UTC.")
    copies = models.CharField(max_length=8, choices=Copies.choices, default=Copies.EACH)
    addressing = models.CharField(
        max_length=4, choices=Addressing.choices, default=Addressing.EACH, db_default="each"
    )
    public_key = models.BinaryField(max_length=32)
    sealed_private_key = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="campaign_outcome_only_after_closing",
                condition=Q(outcome="") | Q(state__in=["closed", "archived"]),
            ),
            models.CheckConstraint(
                name="campaign_closes_after_it_opens",
                condition=Q(opens_on__isnull=True)
                | Q(closes_on__isnull=True)
                | Q(closes_on__gte=models.F("opens_on")),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def accepts_letters(self, today: datetime.date) -> bool:
        """Whether somebody may write on this UTC day; the closing day counts as open."""
        return self.state == self.State.OPEN and (self.closes_on is None or today <= self.closes_on)


class CampaignText(models.Model):
    """The campaign's own words in one language; ``story`` is Markdown."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=12)
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=300)
    writing_prompt = models.TextField()
    guidance = models.JSONField(default=list, help_text="Short sentences, in order.")
    do_not_mention = models.JSONField(default=list, help_text="Red lines, in order.")
    story = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "language"], name="campaign_text_once_per_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.language}"


class CopyAddress(models.Model):
    """An organiser's mailbox that gets copies. A removed one stays, inactive, for its history."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="copy_addresses")
    address = models.CharField(max_length=254)
    position = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "address"], name="copy_address_once_per_campaign"
            )
        ]

    def __str__(self) -> str:
        return f"copy address {self.pk}"
