"""Form fields for what people type, with one sentence for each reason to refuse it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from picketline.mail.addresses import AddressReason, AddressRefused, EmailAddr, parse_address
from picketline.text import languages
from picketline.text.contacts import has_email, has_phone
from picketline.text.plain import Reason, Refused, clean_line, clean_text

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

REFUSALS: Mapping[Reason, _StrPromise] = {
    Reason.EMPTY: _("This is empty: please fill it in."),
    Reason.TOO_LONG: _("This is too long: please shorten it."),
    Reason.LINE_BREAK: _("Please write this on one line, without line breaks."),
    Reason.CONTROL: _("This contains control characters: please type it instead of pasting it."),
    Reason.BROKEN: _("Some characters arrived damaged: please type them again."),
    Reason.DIRECTION: _(
        "This contains invisible characters that reverse the direction of reading: "
        "please type it instead of pasting it."
    ),
    Reason.INVISIBLE: _(
        "This contains invisible characters: please type it instead of pasting it."
    ),
    Reason.MARKS: _("There are too many accents or marks on one letter."),
    Reason.HANDLE: _("Please give a name here, not the name of an account."),
    Reason.LINK: _("Please leave out web addresses: letters with links are filtered as spam."),
    Reason.EMAIL: _("Please leave out e-mail addresses: replies reach you without one."),
    Reason.PHONE: _("Please leave out telephone numbers, for your own safety."),
    Reason.BANK_ACCOUNT: _("Please leave out bank account numbers."),
    Reason.ENCODED: _("Please leave out encoded data: write in words only."),
}
ADDRESS_REFUSALS: Mapping[AddressReason, _StrPromise] = {
    AddressReason.EMPTY: _("Please give your e-mail address: we send you a link to confirm."),
    AddressReason.TOO_LONG: _("This address is too long to exist: please check it."),
    AddressReason.NOT_AN_ADDRESS: _(
        "This is not an e-mail address: one looks like name@example.org."
    ),
    AddressReason.SEVERAL: _("Please give one e-mail address only, without a name beside it."),
    AddressReason.LOCAL_NOT_ASCII: _(
        "We cannot write to addresses with letters other than a–z before the @: many mail servers "
        "do not carry them. Please give another address."
    ),
    AddressReason.LOCAL_PART: _(
        "There are characters before the @ that we do not accept: please check the address."
    ),
    AddressReason.DOMAIN: _("Mail cannot be sent to what stands after the @: please check it."),
    AddressReason.ROLE: _(
        "This looks like the address of a machine: please give the one you read yourself."
    ),
    AddressReason.OWN_DOMAIN: _("This is an address of this site: please give your own."),
}

_DAMAGED = "\N{REPLACEMENT CHARACTER}"
_GROUPED = re.compile(r"\d{1,3}(?:[\s.,’'٬]\d{3})+")


class LineField(forms.Field):
    """One line without ways to be contacted, since it stands in letters and on public pages.

    An organisation may be called like its site; a ``person``'s name is held to stricter rules
    (``text.plain.clean_line``).
    """

    def __init__(
        self, *, max_graphemes: int, person: bool = False, required: bool = True, empty: _StrPromise
    ) -> None:
        super().__init__(required=required, error_messages={"required": empty})
        self.max_graphemes = max_graphemes
        self.person = person

    def to_python(self, value: object) -> str:
        """The clean line; empty where nothing was typed."""
        typed = _typed(value)
        if not typed.strip():
            return ""
        try:
            _refuse_damaged(typed)
            line = clean_line(typed, max_graphemes=self.max_graphemes, name=self.person)
            _refuse_contact(line)
        except Refused as refused:
            raise ValidationError(REFUSALS[refused.reason], refused.reason.name) from None
        return line


def _refuse_contact(line: str) -> None:
    lowered = line.lower()
    if "://" in lowered or "www." in lowered:
        raise Refused(Reason.LINK)
    if has_email(line):
        raise Refused(Reason.EMAIL)
    if has_phone(line):
        raise Refused(Reason.PHONE)


class WordsField(forms.Field):
    """A supporter's own paragraph, without ways to contact or advertise; may be left empty."""

    def __init__(self, *, max_graphemes: int) -> None:
        super().__init__(required=False)
        self.max_graphemes = max_graphemes

    def to_python(self, value: object) -> str:
        """The clean text."""
        typed = _typed(value)
        try:
            _refuse_damaged(typed)
            return clean_text(typed, max_graphemes=self.max_graphemes, no_contact=True)
        except Refused as refused:
            raise ValidationError(REFUSALS[refused.reason], refused.reason.name) from None


class AddressField(forms.Field):
    """An e-mail address of a person, elsewhere than at one of ``own_domains``."""

    own_domains: Sequence[str] = ()

    def to_python(self, value: object) -> EmailAddr:
        """The address as ``mail.addresses.parse_address`` returns it."""
        try:
            return parse_address(_typed(value), own_domains=self.own_domains)
        except AddressRefused as refused:
            raise ValidationError(ADDRESS_REFUSALS[refused.reason], refused.reason.name) from None


class CountryField(forms.Field):
    """A country by its code of two capitals.

    Not Django's field with choices, which goes through all countries three times for every form.
    """

    def __init__(self) -> None:
        super().__init__(error_messages={"required": _("Please choose your country.")})

    @property
    def choices(self) -> list[tuple[str, str]]:
        """All countries as (code, name), in the language of the page."""
        return languages.country_names(get_language())

    def to_python(self, value: object) -> str:
        """The code."""
        code = _typed(value).strip()
        if code and not languages.is_country(code):
            raise ValidationError(_("Please choose your country from the list."), "unknown")
        return code


class MembersField(forms.Field):
    """A number of people, with or without a separator of thousands, in digits of any script."""

    def __init__(self, *, most: int) -> None:
        super().__init__(
            required=False,
            error_messages={"required": _("Please say how many members you speak for.")},
        )
        self.most = most

    def to_python(self, value: object) -> int | None:
        """A whole number from 1; None where nothing was typed."""
        typed = _typed(value).strip()
        if not typed:
            return None
        if _GROUPED.fullmatch(typed):
            typed = re.sub(r"\D", "", typed)
        if not typed.isdecimal() or len(typed) > len(str(self.most)):
            raise ValidationError(_("Please give the number of members in digits."), "digits")
        members = int(typed)
        if not 1 <= members <= self.most:
            raise ValidationError(
                _("Please give a number of members between 1 and ten million."), "range"
            )
        return members


def _typed(value: object) -> str:
    return value if isinstance(value, str) else ""


def _refuse_damaged(typed: str) -> None:
    """What was not UTF-8 arrives with replacement characters in it."""
    if _DAMAGED in typed:
        raise Refused(Reason.BROKEN)
