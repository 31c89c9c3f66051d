"""Languages and countries: names, direction, dates and numbers, from CLDR.

Codes of languages are BCP 47 (`kk`, `zh-Hans`), those of countries ISO 3166-1 alpha-2.
"""

import unicodedata
from datetime import date
from functools import lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

# In CLDR's list, but exceptional reservations, groupings or private codes in ISO 3166-1.
_NOT_ASSIGNED = frozenset(
    {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
)
# Alphabets whose order is not that of Unicode: letters with an accent of their own.
_ALPHABETS = {
    "kk": "аәбвгғдеёжзийкқлмнңоөпрстуұүфхһцчшщъыіьэюя",
    "ru": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
}


class UnknownLanguage(ValueError):
    """CLDR does not know a language by this code."""


class UnknownCountry(ValueError):
    """No country has this code."""


def direction(code: str) -> Literal["ltr", "rtl"]:
    """The direction a language is written in, as HTML's `dir` wants it. Raises UnknownLanguage."""
    return "rtl" if _locale(code).text_direction == "rtl" else "ltr"


def own_name(code: str) -> str:
    """What a language calls itself, with a capital: `Қазақ тілі`. Raises UnknownLanguage."""
    locale = _locale(code)
    name = locale.get_display_name() or locale.english_name or code
    return name[:1].title() + name[1:]


def is_country(code: str) -> bool:
    """Whether this is an assigned alpha-2 code, in capitals."""
    return code in _countries()


def country_name(code: str, language: str) -> str:
    """The name of a country in a language. Raises UnknownCountry or UnknownLanguage."""
    if not is_country(code):
        raise UnknownCountry(code)
    return str(_locale(language).territories[code])


def country_names(language: str) -> list[tuple[str, str]]:
    """All countries as (code, name), in the order of the language. Raises UnknownLanguage."""
    return list(_sorted_countries(language))


def format_day(day: date, language: str) -> str:
    """A date written out: `16 décembre 2011`. Raises UnknownLanguage.

    Plain `en` writes the day first, as most of the world does.
    """
    return format_date(day, "long", locale=_locale("en-GB" if language == "en" else language))


def listed(names: list[str], language: str) -> str:
    """Names one after another as a sentence in that language puts them: "A, B and C"."""
    return format_list(names, locale=_locale(language))


def number(n: int, language: str) -> str:
    """A number with the separators of the language. Raises UnknownLanguage."""
    return format_decimal(n, locale=_locale(language))


@lru_cache(maxsize=256)
def _locale(code: str) -> Locale:
    try:
        return Locale.parse(code, sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        raise UnknownLanguage(f"{code!r} is not a language known to CLDR") from None


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    codes = {str(code) for code in Locale.parse("en").territories if len(str(code)) == 2}
    return frozenset(codes - _NOT_ASSIGNED)


@lru_cache(maxsize=64)
def _sorted_countries(language: str) -> tuple[tuple[str, str], ...]:
    alphabet = _ALPHABETS.get(language.partition("-")[0], "")
    names = [(code, country_name(code, language)) for code in _countries()]
    return tuple(sorted(names, key=lambda item: (_order(item[1], alphabet), item)))


def _order(name: str, alphabet: str) -> list[int]:
    """Letters by the alphabet, others by their base letter; accents and marks do not count."""
    ranks = {letter: ord("а") + place for place, letter in enumerate(alphabet)}
    keys = []
    for character in unicodedata.normalize("NFC", name.casefold()):
        base = unicodedata.normalize("NFD", character)[0]
        if character in ranks:
            keys.append(ranks[character])
        elif base.isalnum() or base.isspace():
            keys.append(ord(base))
    return keys
