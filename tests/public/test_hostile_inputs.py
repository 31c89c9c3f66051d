"""What hostile and careless people type: one sentence beside its field, and nothing is stored."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client
from tests.public import forms
from tests.public.conftest import BRANCH, CONSENT, LETTER, SEND, WRITE
from tests.public.pages import read

from picketline.models import Campaign, Consent, Delivery, Letter, SealedSubmission, Supporter

FORM = "application/x-www-form-urlencoded"
# By field and by a part of the sentence that is said beside it.
REFUSED: dict[tuple[str, str], list[str]] = {
    ("name", "without line breaks"): [
        "A\r\nBcc: x@y",
        *(f"A{end}B" for end in "\n\r\u2028\u2029\u0085\v\f"),
    ],
    ("name", "reverse the direction of reading"): [
        f"Ana{sign}gpj" for sign in "\u202e\u2066\u2069"
    ],
    ("name", "please fill it in"): ["\u200b\ufeff\U000e0041", "\u3164", "\u0301"],
    ("name", "it signs the letter"): ["", "   "],
    ("name", "control characters"): ["A\x00B", "\x1b[31mAna", "A\x07", "A\tB"],
    ("name", "arrived damaged"): ["A\ufffd", "A\ue000"],
    ("name", "too many accents"): ["a" + "\u0301" * 80],
    ("name", "leave out web addresses"): [
        "http://spam.example",
        "spam . example",
        "t.me/x",
        "spam．example",
        '=HYPERLINK("http://spam.example")',
    ],
    ("name", "the name of an account"): ["@handle", "@SUM(A1)", "\uff20handle"],
    ("name", "leave out e-mail addresses"): ["ana@spam.example"],
    ("name", "please shorten it"): ["A" * 71, "A" * 50_000],
    ("email", "what stands after the @"): [
        "a@example.com\u202e",
        "a@exa\u200bmple.com",
        "a@localhost",
        "a@[127.0.0.1]",
        "a@1.2.3.4",
        "a@" + "d." * 130 + "example.com",
        "a@" + "é" * 60 + ".example",
        "a@mail.example\r\nBcc: x",
    ],
    ("email", "letters other than a–z before the @"): ["аdmin@mail.example"],
    ("email", "characters before the @"): [
        '"quoted"@mail.example',
        "-oQx@mail.example",
        "a b@mail.example",
        "a\x00b@mail.example",
        ".a@mail.example",
    ],
    ("email", "too long to exist"): ["a" * 65 + "@mail.example", "a@" + "b" * 600],
    ("email", "one e-mail address only"): [
        '"<b>x</b>"@mail.example',
        "a@x.example,b@y.example",
        "a@x.example;b@y.example",
        '"A" <a@x.example>',
    ],
    ("email", "is not an e-mail address"): ["ana", "@mail.example", "ana@"],
    ("email", "we send you a link"): ["", " "],
    ("email", "the address of a machine"): [
        f"{local}@mail.example" for local in ("postmaster", "abuse", "no-reply", "MAILER-DAEMON+x")
    ],
    ("email", "an address of this site"): [
        f"r.x@reply.{settings.MAIL_DOMAIN}",
        f"ana@{settings.MAIL_DOMAIN.upper()}",
    ],
    ("own_words", "leave out web addresses"): ["See https://spam.example/x", "www.spam.example"],
    ("own_words", "leave out e-mail addresses"): ["Write to ana@spam.example"],
    ("own_words", "telephone numbers"): ["Call +34 600 123 456 now"],
    ("own_words", "bank account numbers"): ["Pay to DE89 3704 0044 0532 0130 00"],
    ("own_words", "encoded data"): ["aGVsbG8gd29ybGQgMTIzNDU2Nzg5MCBhYmNkZWZnaGlqa2w0NTY3ODk="],
    ("own_words", "please shorten it"): ["word " * 201, "x" * 50_000],
    ("own_words", "control characters"): ["before\x00after", "\x1b[2J"],
    ("own_words", "reverse the direction"): ["left \u202e right"],
    ("country", "from the list"): ["XX", "es", "<b>", "ZZ\x00"],
    ("country", "choose your country"): [""],
    ("letter_language", "one of the languages offered"): ["fr", "en\x00", "../en"],
    ("signs_as", "for yourself or for an organisation"): ["", "robot"],
    ("replies", "where replies should go"): ["", "nobody"],
    ("organisation", "the name of your organisation"): ["", " "],
    ("organisation", "without line breaks"): ["Cranes\nBcc: x"],
    ("role", "what you are in your organisation"): [""],
    ("role", "please shorten it"): ["r" * 81],
    ("members", "how many members you speak for"): ["", " "],
    ("members", "in digits"): ["many", "1e3", "-5", "1.5", "²", "9" * 5000, "12,34"],
    ("members", "between 1 and ten million"): ["0", "10000001"],
}
CASES = [
    pytest.param(field, sentence, value, id=f"{field}-{sentence}-{number}")
    for (field, sentence), values in REFUSED.items()
    for number, value in enumerate(values)
]


def nothing_is_stored() -> bool:
    tables = (Supporter, SealedSubmission, Letter, Consent, Delivery)
    return not any(table._default_manager.exists() for table in tables)


@pytest.mark.parametrize(("field", "sentence", "value"), CASES)
def test_a_hostile_input_is_refused_beside_its_field(
    client: Client, campaign: Campaign, field: str, sentence: str, value: str
) -> None:
    typed = {**LETTER, **BRANCH, field: value}
    answer = client.post(WRITE, {**typed, **CONSENT, "step": "send"})
    page = read(answer)
    assert answer.status_code == 400
    [error] = page.all(class_="error")
    assert error.attrs["id"] == f"id_{field}_error"
    assert sentence in error.text
    assert page.one(class_="summary").one("a").attrs["href"] == f"#id_{field}"
    assert nothing_is_stored()
    kept = forms.values(answer.content.decode())
    chosen = {"country", "letter_language", "signs_as", "replies"}
    lost = {field} & chosen  # what was not on the list cannot be chosen again
    assert {name: kept[name] for name in typed.keys() - lost} == {
        name: typed[name].replace("\r\n", "\n") for name in typed.keys() - lost
    }


@pytest.mark.parametrize(
    "damage",
    [b"%ED%A0%80", b"%FF%FE", b"%C3"],
    ids=["half of a pair", "UTF-16", "half a letter"],
)
def test_bytes_that_are_no_text_are_named_damaged(
    client: Client, campaign: Campaign, damage: bytes
) -> None:
    body = urlencode({**SEND, "name": "Ana"}).encode().replace(b"name=Ana", b"name=Ana" + damage)
    answer = client.post(WRITE, body, content_type=FORM)
    assert answer.status_code == 400
    assert read(answer).one(id="id_name_error").text.startswith("Some characters arrived damaged")
    assert nothing_is_stored()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"name": "\\ud800"}'),
        ("text/plain", b"name=Ana"),
        ("", b"name=Ana"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        (f"{FORM}; charset=utf-16", "name=Ana".encode("utf-16")),
        (f"{FORM}; charset=nonsense", b"name=Ana"),
        (FORM, b"&".join(b"a=1" for _ in range(10_000))),
        (FORM, b"%" * 999),
    ],
)
def test_a_request_that_is_no_form_of_ours_is_refused_and_stored_nowhere(
    client: Client, campaign: Campaign, content_type: str, body: bytes
) -> None:
    answer = client.generic("POST", WRITE, body, content_type=content_type)
    assert answer.status_code == 400
    assert read(answer).one("h1").text
    assert nothing_is_stored()


def test_too_large_a_form_is_told_so(client: Client, campaign: Campaign) -> None:
    answer = client.post(WRITE, {**SEND, "name": "A" * (settings.BODY_LIMIT + 1)})
    large = client.post(WRITE, b"x" * (settings.BODY_LIMIT + 1), content_type=FORM)
    assert (answer.status_code, large.status_code) == (413, 413)
    assert nothing_is_stored()


def test_a_file_in_the_form_is_ignored(client: Client, campaign: Campaign, tmp_path: Any) -> None:
    path = tmp_path / "x.html"
    path.write_text("<script>")
    with path.open("rb") as file:
        assert client.post(WRITE, {**SEND, "photo": file}).status_code == 302


@pytest.mark.parametrize("oddity", [{"website": "https://spam.example"}, {"step": ["x", "send"]}])
def test_what_the_form_does_not_ask_for_is_ignored(
    client: Client, campaign: Campaign, oddity: dict[str, Any]
) -> None:
    answer = client.post(WRITE, {**SEND, **oddity})
    assert (answer.status_code, Supporter.objects.count()) == (302, 1)
