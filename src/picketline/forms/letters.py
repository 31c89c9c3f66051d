"""What may come in with a letter: the letter itself, and what its writer agrees to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from picketline.domain.letters import Signature
from picketline.domain.submissions import Submission
from picketline.forms.fields import AddressField, CountryField, LineField, MembersField, WordsField
from picketline.models import Consent, Supporter

MOST_OWN_WORDS = 1000
MOST_MEMBERS = 10_000_000
_ORGANISATION_FIELDS = ("organisation", "role", "members")


class LetterForm(forms.Form):
    """The first step. ``letter_languages`` are those that the campaign has model letters in.

    Where somebody signs for themselves, what stands in the organisation's fields is ignored.
    """

    own_words = WordsField(max_graphemes=MOST_OWN_WORDS)
    name = LineField(
        max_graphemes=70, person=True, empty=_("Please give your name: it signs the letter.")
    )
    email = AddressField()
    country = CountryField()
    letter_language = forms.ChoiceField(
        required=False,
        error_messages={"invalid_choice": _("Please choose one of the languages offered.")},
    )
    signs_as = forms.ChoiceField(
        choices=Supporter.SignsAs.choices,
        error_messages={
            "required": _("Please say whether you sign for yourself or for an organisation."),
            "invalid_choice": _("Please say whether you sign for yourself or for an organisation."),
        },
    )
    organisation = LineField(
        max_graphemes=120, required=False, empty=_("Please give the name of your organisation.")
    )
    role = LineField(
        max_graphemes=80, required=False, empty=_("Please say what you are in your organisation.")
    )
    members = MembersField(most=MOST_MEMBERS)
    replies = forms.ChoiceField(
        choices=Supporter.Replies.choices,
        error_messages={
            "required": _("Please say where replies should go."),
            "invalid_choice": _("Please say where replies should go."),
        },
    )

    def __init__(
        self, data: Any = None, *, letter_languages: Sequence[str], **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.letter_languages = letter_languages
        offered = [("", ""), *((code, code) for code in letter_languages)]
        cast(forms.ChoiceField, self.fields["letter_language"]).choices = offered
        cast(AddressField, self.fields["email"]).own_domains = (settings.MAIL_DOMAIN,)

    def clean(self) -> dict[str, Any]:
        """An organisation's fields belong together: all of them, or none."""
        if self.cleaned_data.get("signs_as") == Supporter.SignsAs.ORGANISATION:
            for name in _ORGANISATION_FIELDS:
                if name not in self.errors and not self.cleaned_data.get(name):
                    self.add_error(name, self.fields[name].error_messages["required"])
        else:
            for name in _ORGANISATION_FIELDS:
                self.errors.pop(name, None)
            self.cleaned_data.update(organisation="", role="", members=None)
        return self.cleaned_data

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What was typed, for the hidden fields of the second step."""
        return [(name, self.data.get(name, "")) for name in self.fields]

    def signature(self) -> Signature:
        """Who signs, from a valid form."""
        names = ("name", "country", *_ORGANISATION_FIELDS)
        return Signature(**{name: self.cleaned_data[name] for name in names})

    def submission(self, page_language: str, consents: frozenset[Consent.Kind]) -> Submission:
        """The whole of a valid form."""
        return Submission(
            own_words=self.cleaned_data["own_words"],
            signature=self.signature(),
            address=self.cleaned_data["email"],
            page_language=page_language,
            replies=Supporter.Replies(self.cleaned_data["replies"]),
            consents=consents,
        )


class ConsentForm(forms.Form):
    """The second step: three consents, each given or not. The first is what the others rest on."""

    consent_send = forms.BooleanField(
        error_messages={
            "required": _("Please tick this box: without your consent we may not send anything.")
        }
    )
    consent_show_name = forms.BooleanField(required=False)
    consent_updates = forms.BooleanField(required=False)

    def consents(self) -> frozenset[Consent.Kind]:
        """What was agreed to, from a valid form."""
        fields = {
            Consent.Kind.SEND: "consent_send",
            Consent.Kind.SHOW_NAME: "consent_show_name",
            Consent.Kind.UPDATES: "consent_updates",
        }
        return frozenset(kind for kind, name in fields.items() if self.cleaned_data[name])
