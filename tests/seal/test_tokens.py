"""Link tokens: derived one way, stored as hashes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.seal.tokens import (
    CONFIRM,
    STATUS,
    derive,
    link_key,
    new_token,
    token_hash,
    well_formed,
)

TOKEN = "abcdefghijklmnopqrstuvwxyz234567"


def test_new_tokens_are_well_formed_and_differ() -> None:
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(map(well_formed, tokens))


def test_what_is_derived_is_a_token_again_and_always_the_same() -> None:
    assert derive(TOKEN, STATUS) == derive(TOKEN, STATUS)
    assert well_formed(derive(TOKEN, STATUS))
    assert len({TOKEN, derive(TOKEN, STATUS), derive(TOKEN, "another")}) == 3


def test_the_letters_link_does_not_lead_back_to_the_confirm_link() -> None:
    status = derive(TOKEN, STATUS)

    assert TOKEN not in {derive(status, purpose) for purpose in (CONFIRM, STATUS, "another")}


def test_a_hash_serves_one_purpose_only() -> None:
    assert token_hash(TOKEN, CONFIRM) == token_hash(TOKEN, CONFIRM)
    assert token_hash(TOKEN, CONFIRM) != token_hash(TOKEN, STATUS)
    assert len(token_hash(TOKEN, CONFIRM)) == 32


def test_the_key_of_a_link_is_no_hash_of_it() -> None:
    key = link_key(TOKEN)

    assert len(key) == 32
    assert key not in {token_hash(TOKEN, purpose) for purpose in (CONFIRM, STATUS, "another")}
    assert key != link_key(derive(TOKEN, STATUS))


@pytest.mark.parametrize(
    "token",
    [
        "",
        TOKEN[:-1],
        TOKEN + "a",
        TOKEN.upper(),
        TOKEN[:-1] + "1",
        TOKEN + "\n",
        TOKEN[:-1] + "а",  # Cyrillic
        TOKEN[:-1] + "\ud800",
    ],
)
def test_what_cannot_be_a_token_is_seen_before_any_look_up(token: str) -> None:
    assert not well_formed(token)


@given(st.text(max_size=40))
def test_well_formed_takes_any_text(token: str) -> None:
    assert well_formed(token) in {True, False}
