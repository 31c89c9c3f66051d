"""What counts as contact details, and what honest letters say that looks like them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.text.contacts import (
    has_email,
    has_encoded,
    has_iban,
    has_link,
    has_phone,
    name_has_link,
)

HONEST = [
    "989 workers were dismissed, 1 800 by another count, 2 000 in all.",
    "a fine of 1 000 000 000 tenge, or 1,500,000; 1.500.000,50; 10000000000",
    "from 1 000 000-2 000 000 to 12 000 000 000 tenge",
    "a rise of +1 500 000 tenge, and +5 %",
    "on 16.12.2011, 16/12/2011 and 2011-12-16 at 15:30 or 18:00:05",
    "from 08.12.2011 - 16.12.2011, and from 05-06-2011 2012",
    "2010-2011, 1990–2011, 2000/01, 2011 2012 2013",
    "ILO conventions C087/87 and 98; C029 C087 C098 C105; 029, 087, 098; 029 087 098",
    "No. 87 (1948) and No. 98 (1949), № 87 и № 98",
    "In (2011) 15 000 workers; from 1 500 to 2 000 (2010) 15 000; (1948) 123456",
    "Case 2-1123/2011, Articles 22, 23 and 46, art. 22/23, 24/7, and/or",
    "0.123456789 of it, $1.5 billion in 2010/2011",
    "They were dismissed.it was wrong. E.g. this, i.e. that. и т.д. и т.п.",
    "A.B.Petrov and А.С.Пушкин said: no",
    "AB12 workers and RU11 others",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "-" * 80,
    "ا" * 60,
    "Встреча в 12.30, зал 5 (вход 3)",
    "пишу вам @ всем",
]

LINKS = [
    "http://spam.example",
    "see https://x",
    "ftp://files",
    "www.spam",
    "t.me/x",
    "wa.me/7701",
    "a.spam.example/x",
    "..t.me/x",
    "go to spam.example now",
    "SPAM.COM!",
    "пример.рф",
    "spam(dot)com",
    "spam [.] com",
    "mailto:maria@mail.example",
    "tel:112",
    "ＨＴＴＰ：／／x",
]

PHONES = [
    "+7 701 123 45 67",
    "+77011234567",
    "+7(701)1234567",
    "+33 1 23 45 67 89",
    "+49 170 123456",
    "+998 901 234 567",
    "+1 (555) 010-9999",
    "0033 1 23 45 67 89",
    "01.23.45.67.89",
    "020 7946 0958",
    "(020) 7946 0958",
    "0170 1234567",
    "8 701 123 45 67",
    "8 (701) 123-45-67",
    "87011234567",
    "(701) 123-4567",
    "(701) 1234567",
    "701-123-4567",
    "701.123.4567",
    "7011234567",
    "tel. 12 34 56",
    "тел: 123-456",
    "WhatsApp 555 0199",
    "٠١٢٣٤٥٦٧٨٩٠",
    "０１７０１２３４５６７",
]

IBANS = [
    "DE89 3704 0044 0532 0130 00",
    "de89370400440532013000",
    "GB82WEST12345698765432",
    "KZ86125KZT5004100100",
    "IBAN DE89 3704 0044 0532 0130 00 thank you",
]


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_sentence_passes_every_rule(text: str) -> None:
    found = [
        rule.__name__
        for rule in (has_link, has_email, has_phone, has_iban, has_encoded)
        if rule(text)
    ]
    assert found == []


@pytest.mark.parametrize("link", LINKS)
def test_a_web_address_is_seen(link: str) -> None:
    assert has_link(f"Read: {link} friends")


@pytest.mark.parametrize("phone", PHONES)
def test_a_telephone_number_is_seen(phone: str) -> None:
    assert has_phone(f"In 2011 I said, {phone}, since 16.12.2011.")


@pytest.mark.parametrize("account", IBANS)
def test_an_account_number_is_seen(account: str) -> None:
    assert has_iban(f"Pay to {account} today")


def test_a_number_with_a_wrong_check_sum_is_no_account() -> None:
    assert not has_iban("DE89 3704 0044 0532 0130 01")


@pytest.mark.parametrize("address", ["maria@mail.example", "maria @ mail.example", "a@b.co"])
def test_an_address_is_seen(address: str) -> None:
    assert has_email(f"Write to {address}, please")


@given(st.binary(min_size=45, max_size=90))
def test_a_hexadecimal_blob_is_seen(blob: bytes) -> None:
    digits = blob.hex()

    assert has_encoded(f"x {digits} y") or digits.isdigit() or digits.isalpha()


def test_a_base64_blob_is_seen() -> None:
    blob = base64.b64encode(bytes(range(60))).decode()

    assert has_encoded(f"x {blob} y")
    assert has_encoded(base64.encodebytes(bytes(range(200))).decode())


@pytest.mark.parametrize(
    "name",
    [
        "J. R. R. Tolkien",
        "Ph.D. Maria Lopez",
        "St. John",
        "O'Brien",
        "Maria S.Lopez",
        "А.С.Пушкин",
        "и.о.петров",
        "Dr.Ivan Petrov",
        "د.محمد علي",
        "Martin Luther King Jr.",
        "A.-M. Dubois",
        "=HYPERLINK(1)",
        "+1",
        "de Vries/van Dam",
    ],
)
def test_a_name_is_no_web_address(name: str) -> None:
    assert not name_has_link(name)


@pytest.mark.parametrize(
    "name",
    [*LINKS[:8], "spam.example", "spam . example", "spam .example", "a.spam.com", "Spam.COM"],
)
def test_a_web_address_is_no_name(name: str) -> None:
    assert name_has_link(name)
