"""Keyed hashes and aliases."""

import re

import pytest

from picketline.seal.index import blind_index, keyed_hash, nonce_alias

ROOT = bytes(range(32))
OTHER = bytes(32)
MARIA = "maria@mail.example"


def test_equal_addresses_are_equal_within_a_campaign() -> None:
    assert blind_index(ROOT, "1", MARIA) == blind_index(ROOT, "1", MARIA)
    assert len(blind_index(ROOT, "1", MARIA)) == 16


def test_two_campaigns_two_addresses_or_two_installations_cannot_be_compared() -> None:
    found = {
        blind_index(ROOT, "1", MARIA),
        blind_index(ROOT, "2", MARIA),
        blind_index(OTHER, "1", MARIA),
        blind_index(ROOT, "1", "ana@mail.example"),
        keyed_hash(ROOT, MARIA),
        keyed_hash(OTHER, MARIA),
    }
    assert len(found) == 6


def test_the_index_of_a_known_address_does_not_change_between_versions() -> None:
    # Stored in databases: a new value here would forget who signed and who said no.
    assert blind_index(ROOT, "1", MARIA).hex() == "748bb6f3024a8c15a7e307409a22ef0f"
    assert keyed_hash(ROOT, MARIA).hex() == "531e7d19896e5e960bc54ed79fbf1a57"
    assert nonce_alias(ROOT, "<1@letters.example>") == "j7l6tupgtup7bxlzjhf3r7ml6m"


def test_an_alias_fits_into_a_local_part_and_survives_capitals() -> None:
    alias = nonce_alias(ROOT, "<1@letters.example>")

    assert re.fullmatch("[a-z2-7]{26}", alias)
    assert alias != nonce_alias(ROOT, "<2@letters.example>")
    assert alias != nonce_alias(OTHER, "<1@letters.example>")


def test_a_key_of_wrong_length_is_a_fault_of_the_program() -> None:
    for make in (lambda: keyed_hash(b"", MARIA), lambda: blind_index(b"", "1", MARIA)):
        with pytest.raises(ValueError, match="32 bytes"):
            make()
