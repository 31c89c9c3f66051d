"""Languages and countries."""

from datetime import date

import pytest

from picketline.text.languages import (
    UnknownCountry,
    UnknownLanguage,
    country_name,
    country_names,
    direction,
    format_day,
    is_country,
    number,
    own_name,
)

INTERFACE = ["en", "fr", "ru", "kk", "ar"]
DAY = date(2011, 12, 16)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("en", "ltr"), ("kk", "ltr"), ("ar", "rtl"), ("fa", "rtl"), ("ur", "rtl"), ("zh-Hans", "ltr")],
)
def test_a_language_has_a_direction(code: str, expected: str) -> None:
    assert direction(code) == expected


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("en", "English"),
        ("fr", "Français"),
        ("ru", "Русский"),
        ("kk", "Қазақ тілі"),
        ("ar", "العربية"),
        ("ka", "ქართული"),
    ],
)
def test_a_language_is_called_as_its_speakers_call_it(code: str, name: str) -> None:
    assert own_name(code) == name


@pytest.mark.parametrize("code", ["", "xx", "en_US", "../en", "zz-ZZ", "e", "\ud800"])
def test_a_language_that_does_not_exist_is_refused(code: str) -> None:
    for ask in (direction, own_name, country_names):
        with pytest.raises(UnknownLanguage):
            ask(code)


@pytest.mark.parametrize("language", INTERFACE)
def test_there_are_the_countries_of_the_standard_each_with_a_name(language: str) -> None:
    countries = country_names(language)

    assert len({code for code, _ in countries}) == len(countries) == 249
    assert all(name and name != code for code, name in countries)
    assert not {"EU", "UN", "ZZ", "XK"} & {code for code, _ in countries}


def test_what_is_assigned_is_a_country_and_nothing_else() -> None:
    assert is_country("KZ")
    assert is_country("PS")
    assert not any(map(is_country, ["EU", "UN", "ZZ", "kz", "", "K", "001", "XK"]))


def test_a_country_has_a_name_in_every_language() -> None:
    assert country_name("KZ", "ru") == "Казахстан"
    assert country_name("KZ", "kk") == "Қазақстан"
    with pytest.raises(UnknownCountry):
        country_name("EU", "en")


def names_in_order(language: str, *codes: str) -> list[str]:
    return [name for code, name in country_names(language) if code in codes]


def test_countries_stand_in_the_order_of_the_language() -> None:
    assert names_in_order("en", "AL", "AX", "DZ") == ["Åland Islands", "Albania", "Algeria"]
    assert names_in_order("fr", "EG", "ES", "ZA") == ["Afrique du Sud", "Égypte", "Espagne"]
    assert names_in_order("kk", "AZ", "KZ", "KE", "LA", "IN") == [
        "Әзірбайжан",
        "Кения",
        "Қазақстан",
        "Лаос",
        "Үндістан",
    ]
    assert names_in_order("ru", "IR", "YE", "LT") == ["Иран", "Йемен", "Литва"]
    assert names_in_order("ar", "BE", "AF") == ["أفغانستان", "بلجيكا"]


def test_the_list_of_countries_is_the_callers_own() -> None:
    country_names("en").clear()

    assert country_names("en")


def test_a_day_is_written_out() -> None:
    assert format_day(DAY, "en") == "16 December 2011"
    assert format_day(DAY, "fr") == "16 décembre 2011"
    assert format_day(DAY, "ru").startswith("16 декабря 2011")
    assert "16 желтоқсан" in format_day(DAY, "kk")
    assert format_day(DAY, "ar") == "16 ديسمبر 2011"


def test_a_number_has_the_separators_of_its_language() -> None:
    assert number(1234567, "en") == "1,234,567"
    assert number(12, "kk") == "12"
    assert [number(1234, code).replace("1", "", 1)[0].isspace() for code in ("fr", "ru")] == [
        True
    ] * 2
