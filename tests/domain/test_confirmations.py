"""Confirmations carry nothing that a stranger typed (security study, T21)."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests import builders, postoffice, writers

from picketline.domain.letters import Signature
from picketline.domain.outgoing import NotToBeSent, build
from picketline.mail.addresses import EmailAddr
from picketline.mail.compose import HEADER_NAMES
from picketline.models import Campaign, Consent, Delivery, Supporter

pytestmark = pytest.mark.django_db

MARK = "xq9"
_CURSED = st.sampled_from(
    [
        "Bcc: all@spam.example\r\n",
        "\r\n.\r\nMAIL FROM:<x@spam.example>",
        "{{ campaign_title }}{% include 'x' %}",
        "${own_words}%(name)s",
        "<a href='https://spam.example'>win</a>",
        "=?utf-8?q?spam?=",
        "\u202egnp.exe\u2066",
        "https://spam.example",
        "\x00\x1b[31m",
        "ұлы дала",
    ]
)
_HOSTILE = st.lists(st.one_of(_CURSED, st.text(st.characters(codec="utf-8"))), max_size=4).map(
    lambda parts: MARK + MARK.join(parts)
)
_FORMS = st.fixed_dictionaries(
    {
        "own_words": _HOSTILE,
        "signature": st.builds(
            Signature,
            name=_HOSTILE,
            country=st.sampled_from(["FR", "KZ"]),
            organisation=_HOSTILE,
            role=_HOSTILE,
            members=st.integers(1, 10**6),
        ),
        "address": st.text(string.ascii_letters + string.digits, min_size=1, max_size=20).map(
            lambda local: EmailAddr(f"{local}@writers.example")
        ),
        "replies": st.sampled_from(list(Supporter.Replies)),
        "consents": st.frozensets(st.sampled_from(list(Consent.Kind))),
    }
)


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


@pytest.fixture
def plain(campaign: Campaign) -> bytes:
    """What the confirmation of a harmless form looks like."""
    return _without_its_own(writers.submit(campaign))


def _without_its_own(supporter: Supporter) -> bytes:
    """The confirmation's bytes, but for what is its own: token, Message-ID, date, recipient."""
    row = supporter.deliveries.get(mail_class=Delivery.MailClass.CONFIRMATION)
    mail = build(row)
    message = postoffice.parsed(mail.data)
    assert set(message.keys()) <= set(HEADER_NAMES)
    own = {
        f"Message-ID: {row.message_id}": "Message-ID:",
        f"Date: {message['Date']}": "Date:",
        f"To: {mail.recipient}": "To:",
    }
    fields = mail.data.partition(b"\r\n\r\n")[0].decode("ascii")
    for text, name in own.items():
        assert fields.count(text) == 1
        fields = fields.replace(text, name)
    body = message.get_content()
    token = writers.link(supporter)
    assert body.count(token) == 1
    return f"{fields}{body.replace(token, '')}".encode()


@given(form=_FORMS)
@hypothesis_settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_only_token_and_message_id_differ_whatever_was_typed(
    campaign: Campaign, plain: bytes, form: dict[str, object]
) -> None:
    assert _without_its_own(writers.submit(campaign, **form)) == plain


def test_nobody_makes_us_write_to_a_target_in_its_own_name(campaign: Campaign) -> None:
    version = campaign.targets.earliest("pk").versions.get(current=True)
    supporter = writers.submit(campaign, address=EmailAddr(version.address.upper()))
    with pytest.raises(NotToBeSent, match="target"):
        build(supporter.deliveries.get())
