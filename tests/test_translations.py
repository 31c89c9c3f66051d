"""The catalogues hold every text of the source, each one translated whole."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from gettext import c2py
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation.template import templatize

PACKAGE = Path(__file__).parent.parent / "src" / "picketline"
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
# Where a form stands for one number only, as in "this letter", the number may be left out.
COUNTED = {"number", "counter", "days"}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_LITERAL = r"""(u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))"""
_CALL = re.compile(rf"\b(?:_|n?gettext)\(\s*{_LITERAL}(?:\s*,\s*{_LITERAL}\s*,)?")

each_language = pytest.mark.parametrize("language", LANGUAGES)


@each_language
def test_every_text_of_the_source_is_in_the_catalogue_and_no_other(language: str) -> None:
    assert {_forms(message.id) for message in _messages(language)} == _texts_of_the_source()


@each_language
def test_every_text_is_translated_in_all_its_plural_forms(language: str) -> None:
    forms = _catalogue(language).num_plurals
    unfinished = [
        message.id
        for message in _messages(language)
        if len(_forms(message.string)) != (forms if message.pluralizable else 1)
        or not all(text.strip() for text in _forms(message.string))
    ]
    assert unfinished == []


@each_language
def test_no_translation_is_marked_as_doubtful(language: str) -> None:
    catalogue = _catalogue(language)
    assert not catalogue.fuzzy
    assert [message.id for message in _messages(language) if message.fuzzy] == []


@each_language
def test_every_placeholder_is_kept(language: str) -> None:
    several = _forms_for_several_numbers(_catalogue(language))
    faults = [
        (message.id, text)
        for message in _messages(language)
        for form, text in enumerate(_forms(message.string))
        if not _keeps_placeholders(message, text, form in several)
    ]
    assert faults == []


@each_language
def test_every_translation_can_be_filled_in(language: str) -> None:
    for message in _messages(language):
        for text in _forms(message.string) if message.python_format else ():
            assert text % dict.fromkeys(PLACEHOLDER.findall(text), "filled")


@each_language
def test_the_catalogue_is_in_its_language(language: str) -> None:
    catalogue = _catalogue(language)
    assert catalogue.locale_identifier == language
    assert catalogue.charset == "utf-8"


def test_no_line_can_break_before_a_french_mark() -> None:
    loose = re.compile(r" (?:[;:!?»]|%%)|« ")
    texts = [text for message in _messages("fr") for text in _forms(message.string)]
    assert [text for text in texts if loose.search(text) or "'" in text] == []


def _keeps_placeholders(message: Message, text: str, stands_for_several: bool) -> bool:
    found = set(PLACEHOLDER.findall(text))
    wanted = set(PLACEHOLDER.findall(_forms(message.id)[-1]))
    if message.pluralizable and not stands_for_several:
        return wanted - COUNTED <= found <= wanted
    return found == wanted


def _forms_for_several_numbers(catalogue: Catalog) -> set[int]:
    """Which plural forms more than one number from 1 on uses."""
    form = c2py(catalogue.plural_expr)
    uses = [form(number) for number in range(1, 201)]
    return {form for form in uses if uses.count(form) > 1}


@cache
def _catalogue(language: str) -> Catalog:
    with (PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _messages(language: str) -> list[Message]:
    return [message for message in _catalogue(language) if message.id]


def _forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, list | tuple) else (str(text),)


@cache
def _texts_of_the_source() -> frozenset[tuple[str, ...]]:
    """What makemessages would find: (text,) or (singular, plural)."""
    templates = [path for path in PACKAGE.rglob("*") if path.suffix in {".html", ".txt"}]
    found = [text for path in templates for text in _texts_of_a_template(path.read_text())]
    for path in PACKAGE.rglob("*.py"):
        found += _texts_of_a_module(path.read_text())
    return frozenset(found)


def _texts_of_a_template(source: str) -> Iterator[tuple[str, ...]]:
    for call in _CALL.finditer(templatize(source)):
        yield tuple(ast.literal_eval(text) for text in call.groups() if text)


def _texts_of_a_module(source: str) -> Iterator[tuple[str, ...]]:
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name: 2 if alias.name.startswith("n") else 1
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if "gettext" in alias.name
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield tuple(ast.literal_eval(text) for text in node.args[: names[node.func.id]])
