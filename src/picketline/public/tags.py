"""Template tags: days, numbers and names as the page's language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from babel import Locale
from babel.dates import format_skeleton
from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from picketline.domain.letter_status import TargetStatus
from picketline.public import wording
from picketline.text import languages
from picketline.text.markdown import to_html

register = template.Library()


def _month(on: date, language: str) -> str:
    return format_skeleton("yMMMM", on, locale=Locale.parse(language, sep="-"))


def _year(on: date, _language: str) -> str:
    return str(on.year)


_FORMATS = {"day": languages.format_day, "month": _month, "year": _year}
_ISO_BY_PRECISION = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


@register.simple_tag
def day(on: date, precision: str = "day") -> SafeString:
    """A ``<time>`` that says no more than is known: a day, a month or a year."""
    told = _FORMATS[precision](on, _written())
    return format_html(
        '<time datetime="{}">{}</time>', on.strftime(_ISO_BY_PRECISION[precision]), told
    )


@register.simple_tag
def delivery_text(row: TargetStatus) -> SafeString:
    """What became of the letter to one target, in a sentence."""
    sentence = wording.delivery_sentence(row, _moment(row.at), _moment(row.relay_status_at))
    return mark_safe(sentence)  # noqa: S308 - our wording around our own <time> elements


@register.filter
def delivery_kind(row: TargetStatus) -> str:
    """The class of a delivery's badge."""
    return wording.delivery_kind(row)


@register.filter
def delivery_label(row: TargetStatus) -> str:
    """A delivery's badge in words."""
    return wording.delivery_label(row)


@register.filter
def breakable(address: str) -> SafeString:
    """An e-mail address that a narrow screen breaks before its @ rather than in a word."""
    local, at, domain = address.rpartition("@")
    return format_html("{}<wbr>{}{}", local, at, domain)


@register.simple_tag
def in_language(code: str) -> SafeString:
    """The ``lang`` and ``dir`` attributes of a text that is not in the page's language."""
    if code == _language():
        return SafeString("")
    return format_html(' lang="{}" dir="{}"', code, languages.direction(code))


@register.simple_tag
def page_language() -> SafeString:
    """The ``lang`` and ``dir`` attributes of the page, for wording of ours inside other texts."""
    code = _language()
    return format_html('lang="{}" dir="{}"', code, languages.direction(code))


@register.simple_tag(takes_context=True)
def language_links(context: template.Context) -> list[dict[str, str]]:
    """The same page in each language of the interface; empty where it has no language."""
    request = getattr(context, "request", None)
    path = request.path if request else ""
    front = f"/{_language()}/"
    if not path.startswith(front):
        return []
    rest = path[len(front) :]
    return [
        {"code": code, "name": name, "url": f"/{code}/{rest}"} for code, name in settings.LANGUAGES
    ]


@register.filter
def number(value: int) -> str:
    """A whole number, grouped as the page's language does."""
    return languages.number(value, _language())


@register.filter
def language_in_words(code: str) -> str:
    """A language's name in the page's language."""
    return Locale.parse(code, sep="-").get_display_name(_language()) or code


@register.filter
def country(code: str) -> str:
    """A country's name in the page's language."""
    return languages.country_name(code, _language())


@register.filter
def markdown(source: str) -> SafeString:
    """An organiser's Markdown as HTML that cannot do harm."""
    return mark_safe(to_html(source))  # noqa: S308 - sanitised by text/markdown


@register.filter
def role_name(role: str) -> str:
    """What a target is to the conflict."""
    return str(wording.ROLES[role])


@register.filter
def demand_status(status: str) -> str:
    """A demand's status in words."""
    return str(wording.DEMAND_STATUSES[status])


@register.filter
def outcome_name(outcome: str) -> str:
    """How a campaign ended, in a sentence."""
    return str(wording.OUTCOMES[outcome])


def _moment(at: datetime | None) -> str:
    if at is None:
        return ""
    utc = at.astimezone(UTC)
    # Translators: a day and a time of that day, like "7 March 2012 at 14:02 UTC".
    told = gettext("%(day)s at %(time)s UTC") % {
        "day": languages.format_day(utc.date(), _written()),
        "time": f"{utc:%H:%M}",
    }
    return format_html('<time datetime="{}">{}</time>', f"{utc:%Y-%m-%dT%H:%MZ}", told)


def _language() -> str:
    return get_language() or settings.LANGUAGE_CODE


def _written() -> str:
    """The language for days and numbers: our English is that of Britain, and so are its days."""
    language = _language()
    return "en-GB" if language == "en" else language
