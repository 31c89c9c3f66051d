"""What may come in from whoever wrote from their own mailbox: consents, and a name to show."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from picketline.forms.fields import LineField
from picketline.models import Consent


class CopyConsentForm(forms.Form):
    """Both consents are optional; a name is asked for only where it is to be shown."""

    consent_updates = forms.BooleanField(required=False)
    consent_show_name = forms.BooleanField(required=False)
    name = LineField(
        max_graphemes=70,
        person=True,
        required=False,
        empty=_("Please give the name that is to be shown."),
    )

    def clean(self) -> dict[str, Any]:
        """A name that is not to be shown is not even read."""
        if not self.cleaned_data.get("consent_show_name"):
            self.errors.pop("name", None)
            self.cleaned_data["name"] = ""
        elif "name" not in self.errors and not self.cleaned_data.get("name"):
            self.add_error("name", self.fields["name"].error_messages["required"])
        return self.cleaned_data

    def consents(self) -> frozenset[Consent.Kind]:
        """What is agreed to, from a valid form."""
        fields = {
            Consent.Kind.UPDATES: "consent_updates",
            Consent.Kind.SHOW_NAME: "consent_show_name",
        }
        return frozenset(kind for kind, name in fields.items() if self.cleaned_data[name])
