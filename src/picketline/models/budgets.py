"""What keeps mailboxes from being flooded: the confirmations' budget and the suppression list."""

from __future__ import annotations

from django.db import models


class ConfirmationSent(models.Model):
    """A confirmation mail that went to some address; kept for a day, then forgotten.

    ``address_hash`` is made with a key of its own, so it cannot be joined with any campaign's
    supporters.
    """

    address_hash = models.BinaryField(max_length=16)
    sent_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["address_hash", "sent_at"], name="confirmation_by_address")]

    def __str__(self) -> str:
        return f"confirmation at {self.sent_at:%Y-%m-%d}"


class Suppression(models.Model):
    """An address whose owner asked never to be written to again, as a keyed hash."""

    address_hash = models.BinaryField(max_length=16, primary_key=True)
    created_on = models.DateField()

    def __str__(self) -> str:
        return f"suppression of {self.created_on}"
