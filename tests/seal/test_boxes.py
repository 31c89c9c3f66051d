"""Sealed boxes: who seals cannot open, and nothing opens in the wrong place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.seal.boxes import (
    OVERHEAD,
    CannotOpen,
    KeyPair,
    generate,
    key_id,
    open_box,
    part_context,
    public_half,
    seal,
    seal_many,
    sealed_to,
)

PAIR = generate()
WORDS = "Мы с вами".encode()


@given(st.binary(max_size=2000), st.binary(max_size=60))
def test_what_was_sealed_opens_again(plaintext: bytes, context: bytes) -> None:
    blob = seal(PAIR.public, plaintext, context)

    assert open_box(PAIR.private, blob, context) == plaintext
    assert len(blob) == len(plaintext) + OVERHEAD


def test_the_same_words_never_look_the_same_twice() -> None:
    assert seal(PAIR.public, WORDS, b"c") != seal(PAIR.public, WORDS, b"c")


@given(st.integers(0, OVERHEAD + len(WORDS) - 1), st.integers(0, 7))
def test_a_box_with_one_bit_changed_does_not_open(place: int, bit: int) -> None:
    blob = bytearray(seal(PAIR.public, WORDS, b"c"))
    blob[place] ^= 1 << bit

    # X25519 ignores the highest bit of a key (RFC 7748, 5); the derivation binds it all the same.
    with pytest.raises(CannotOpen):
        open_box(PAIR.private, bytes(blob), b"c")


@given(st.binary(max_size=120))
def test_bytes_that_are_no_box_do_not_open(blob: bytes) -> None:
    with pytest.raises(CannotOpen):
        open_box(PAIR.private, blob, b"c")


@given(st.integers(0, OVERHEAD + len(WORDS) - 1))
def test_a_truncated_box_does_not_open(length: int) -> None:
    with pytest.raises(CannotOpen):
        open_box(PAIR.private, seal(PAIR.public, WORDS, b"c")[:length], b"c")


def test_a_box_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(CannotOpen, match="context"):
        open_box(PAIR.private, seal(PAIR.public, WORDS, b"letter|1|words"), b"letter|2|words")


def test_a_box_for_another_key_says_so() -> None:
    with pytest.raises(CannotOpen, match="another key"):
        open_box(generate().private, seal(PAIR.public, WORDS, b"c"), b"c")


def test_an_ephemeral_key_of_low_order_does_not_open() -> None:
    blob = bytearray(seal(PAIR.public, WORDS, b"c"))
    blob[5:37] = bytes(32)

    with pytest.raises(CannotOpen):
        open_box(PAIR.private, bytes(blob), b"c")


def test_a_public_key_of_low_order_or_wrong_length_is_refused() -> None:
    for public in (bytes(32), b"short"):
        with pytest.raises(ValueError, match=r"shared key|32 bytes"):
            seal(public, WORDS, b"c")


def test_a_box_names_its_key() -> None:
    blob = seal(PAIR.public, WORDS, b"c")

    assert sealed_to(blob) == key_id(PAIR.public)
    assert sealed_to(blob) != key_id(generate().public)


@given(st.dictionaries(st.text("abcdef_", max_size=8), st.binary(max_size=50), max_size=5))
def test_parts_sealed_together_open_one_by_one(parts: dict[str, bytes]) -> None:
    boxes = seal_many(PAIR.public, parts, b"supporter|9")

    assert {
        name: open_box(PAIR.private, blob, part_context(b"supporter|9", name))
        for name, blob in boxes.items()
    } == parts


def test_parts_of_one_row_cannot_change_places() -> None:
    boxes = seal_many(PAIR.public, {"name": b"Maria", "words": b"Maria"}, b"supporter|9")

    with pytest.raises(CannotOpen):
        open_box(PAIR.private, boxes["name"], part_context(b"supporter|9", "words"))


def test_parts_with_equal_content_do_not_look_equal() -> None:
    boxes = seal_many(PAIR.public, {"name": b"Maria", "words": b"Maria"}, b"supporter|9")

    assert boxes["name"][37:] != boxes["words"][37:]


def test_a_part_cannot_pretend_to_be_in_another_context() -> None:
    with pytest.raises(ValueError, match="the name of a part"):
        part_context(b"supporter", "9|name")


def test_the_private_half_gives_the_public_one_and_stays_out_of_representations() -> None:
    pair = KeyPair(PAIR.private, PAIR.public)

    assert public_half(pair.private) == pair.public
    assert repr(pair.private) not in repr(pair)
