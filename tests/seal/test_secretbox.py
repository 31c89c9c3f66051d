"""Locked boxes: one key, one context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.seal.secretbox import OVERHEAD, CannotOpen, lock, unlock

KEY = bytes(range(32))


@given(st.binary(max_size=2000), st.binary(max_size=60))
def test_what_was_locked_opens_again(plaintext: bytes, context: bytes) -> None:
    blob = lock(KEY, plaintext, context)

    assert unlock(KEY, blob, context) == plaintext
    assert len(blob) == len(plaintext) + OVERHEAD


def test_the_same_words_never_look_the_same_twice() -> None:
    assert lock(KEY, b"words", b"c") != lock(KEY, b"words", b"c")


@pytest.mark.parametrize("place", range(OVERHEAD + 5))
def test_a_box_with_one_bit_changed_does_not_open(place: int) -> None:
    blob = bytearray(lock(KEY, b"words", b"c"))
    blob[place] ^= 1

    with pytest.raises(CannotOpen):
        unlock(KEY, bytes(blob), b"c")


@given(st.binary(max_size=80))
def test_bytes_that_are_no_box_do_not_open(blob: bytes) -> None:
    with pytest.raises(CannotOpen):
        unlock(KEY, blob, b"c")


def test_another_key_or_context_does_not_open_it() -> None:
    blob = lock(KEY, b"words", b"c")

    for key, context in ((bytes(32), b"c"), (KEY, b"d")):
        with pytest.raises(CannotOpen):
            unlock(key, blob, context)


def test_a_key_of_wrong_length_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        lock(b"short", b"words", b"c")
