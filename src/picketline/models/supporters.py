"""Supporters: one person's participation in one campaign, and what they agreed to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from picketline.models.campaigns import Campaign


class SupporterQuerySet(models.QuerySet["Supporter"]):
    """Named sets of supporters."""

    def unconfirmed(self) -> SupporterQuerySet:
        """Submissions whose writer has not confirmed yet."""
        return self.filter(state=Supporter.State.UNCONFIRMED)


class Supporter(models.Model):
    """A submission and, once confirmed, the participation it became.

    Holds nothing that says who it is: name, address and words are in ``SealedSubmission`` and in
    ``Letter.link_ct``. ``address_index`` is a keyed hash of the canonical address that differs
    for each campaign. Of the two link tokens only purpose-bound hashes are kept.
    """

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed"
        HELD = "held"
        CONFIRMED = "confirmed"
        CANCELLED = "cancelled"
        WITHDRAWN = "withdrawn"

    class SignsAs(models.TextChoices):
        PERSON = "person"
        ORGANISATION = "organisation"

    class Way(models.TextChoices):
        SITE = "site", "wrote on the campaign's page"
        OWN_MAILBOX = "own mailbox", "wrote from their own mailbox, with our copy address in CC"

    class Replies(models.TextChoices):
        ALIAS = "alias", "to an address of ours, which passes their text on to the writer"
        KEEP = "keep", "to an address of ours, for the organisers only"
        WRITER = "writer", "to the writer's own address"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="supporters")
    state = models.CharField(max_length=12, choices=State.choices, default=State.UNCONFIRMED)
    address_index = models.BinaryField(max_length=16, null=True)
    confirm_hash = models.BinaryField(max_length=32, unique=True)
    status_hash = models.BinaryField(max_length=32, unique=True)
    page_language = models.CharField(max_length=12)
    country = models.CharField(max_length=2, blank=True, help_text="Empty: not told.")
    signs_as = models.CharField(max_length=12, choices=SignsAs.choices, default=SignsAs.PERSON)
    members = models.PositiveIntegerField(null=True, blank=True)
    replies = models.CharField(max_length=8, choices=Replies.choices, default=Replies.ALIAS)
    way = models.CharField(max_length=12, choices=Way.choices, default=Way.SITE, db_default="site")
    created_at = models.DateTimeField()
    confirmed_on = models.DateField(null=True, blank=True)
    erased_on = models.DateField(null=True, blank=True)

    objects = SupporterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "address_index"],
                condition=Q(state="confirmed"),
                name="supporter_confirmed_once_per_address",
            ),
            models.CheckConstraint(
                name="supporter_members_only_for_organisations",
                condition=Q(signs_as="organisation", members__gte=1)
                | Q(signs_as="person", members__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(state__in=["unconfirmed", "cancelled"]),
                name="supporter_unconfirmed_by_age",
            ),
            models.Index(
                fields=["campaign", "address_index"],
                condition=Q(state="unconfirmed"),
                name="supporter_unconfirmed_address",
            ),
        ]

    def __str__(self) -> str:
        return f"supporter {self.pk}"


class SealedSubmission(models.Model):
    """What a supporter typed, sealed to the campaign's key by a process that cannot open it.

    In parts, because each is erased at its own time: ``address_ct`` (the address as typed),
    ``token_ct`` (the confirmation link's token, for the mails that carry it), ``signature_ct``
    (JSON: name, organisation, role) and ``texts_ct`` (JSON: for each target's key its language,
    subject and body).
    """

    supporter = models.OneToOneField(
        Supporter, on_delete=models.CASCADE, primary_key=True, related_name="sealed"
    )
    address_ct = models.BinaryField(null=True)
    token_ct = models.BinaryField(null=True)
    signature_ct = models.BinaryField(null=True)
    texts_ct = models.BinaryField(null=True)

    def __str__(self) -> str:
        return f"sealed submission {self.pk}"


class Consent(models.Model):
    """One consent: to what, in which wording, on which day."""

    class Kind(models.TextChoices):
        SEND = "send", "send my letter to these targets"
        SHOW_NAME = "show name", "show my name on the campaign page"
        UPDATES = "updates", "send me campaign updates"

    supporter = models.ForeignKey(Supporter, on_delete=models.CASCADE, related_name="consents")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    wording = models.CharField(max_length=20, help_text="Version of the text that was agreed to.")
    given_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["supporter", "kind"], name="consent_given_once")
        ]

    def __str__(self) -> str:
        return f"{self.supporter_id} {self.kind}"


class PublicName(models.Model):
    """A name shown on the campaign page because its bearer asked for it.

    Written by the worker in shuffled daily batches, so that neither order nor time of appearance
    tells when somebody signed.
    """

    supporter = models.OneToOneField(Supporter, on_delete=models.CASCADE, primary_key=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="public_names")
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2, blank=True)
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["-position"]

    def __str__(self) -> str:
        return f"public name {self.pk}"
