"""DKIM keys of the streams: where they lie, who may use them, and what they sign."""

from __future__ import annotations

import re
import stat
from datetime import date
from pathlib import Path

import dkim as peer
import pytest

from picketline.domain import signing
from picketline.domain.keyring import NoPrivateKeysHere
from picketline.domain.streams import Stream, domain_of
from picketline.mail.dkim import KeyKind, dns_record
from picketline.seal.keys import KeyExposed, KeyMalformed, KeyMissing

MESSAGE = b"From: a@letters.picketline.example\r\nSubject: a\r\n\r\ntext\r\n"
MONTH = date(2026, 11, 23)
PATH = "worker/dkim/letters/ed-2026-11.pem"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings) -> Path:
    """An installation's key folder of this test alone, for a worker."""
    settings.KEYS = tmp_path / "keys"
    settings.PROCESS = "worker"
    return tmp_path / "keys"


def make(stream: Stream = Stream.LETTERS, kind: KeyKind = KeyKind.ED25519) -> bool:
    return signing.make_key(stream, kind, MONTH)


def names_in(message: bytes) -> list[tuple[bytes, bytes]]:
    return re.findall(rb" d=(\S+);\r\n s=(\S+);", message)


def test_without_keys_mail_goes_out_as_it_is() -> None:
    assert signing.signed(MESSAGE, Stream.LETTERS) == MESSAGE


def test_every_key_of_the_stream_signs_and_no_other() -> None:
    for kind in KeyKind:
        assert make(Stream.LETTERS, kind)
    make(Stream.UPDATES)
    signed = signing.signed(MESSAGE, Stream.LETTERS)
    domain = domain_of(Stream.LETTERS).encode()
    assert names_in(signed) == [(domain, b"ed-2026-11"), (domain, b"rsa-2026-11")]
    assert signed.endswith(MESSAGE)
    updates = signing.signed(MESSAGE, Stream.UPDATES)
    assert names_in(updates) == [(domain_of(Stream.UPDATES).encode(), b"ed-2026-11")]
    assert signing.signed(MESSAGE, Stream.NOTICES) == MESSAGE


def test_the_published_record_verifies_the_signature() -> None:
    make(kind=KeyKind.RSA)
    (key,) = signing.keys_of(Stream.LETTERS)
    signed = signing.signed(MESSAGE, Stream.LETTERS)
    zone = {f"{key.record_name}.".encode(): dns_record(key).encode()}
    assert peer.DKIM(signed).verify(dnsfunc=lambda name, timeout=5: zone[name])


def test_keys_are_read_once_in_a_process(folder: Path) -> None:
    make()
    signed = signing.signed(MESSAGE, Stream.LETTERS)
    (folder / PATH).unlink()
    assert signing.signed(MESSAGE, Stream.LETTERS) == signed
    assert signing.keys_of(Stream.LETTERS) == ()


def test_a_key_that_is_there_is_never_overwritten(folder: Path) -> None:
    assert make()
    before = (folder / PATH).read_bytes()
    assert not make()
    assert (folder / PATH).read_bytes() == before
    assert signing.make_key(Stream.LETTERS, KeyKind.ED25519, date(2026, 12, 1))
    assert [key.selector for key in signing.keys_of(Stream.LETTERS)] == ["ed-2026-11", "ed-2026-12"]


def test_of_two_who_make_a_key_at_once_the_first_has_made_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = signing.new_key

    def slowly(kind: KeyKind) -> bytes:
        monkeypatch.setattr(signing, "new_key", made)
        assert make()
        return made(kind)

    monkeypatch.setattr(signing, "new_key", slowly)
    assert not make()
    assert [path.name for path in (folder / PATH).parent.iterdir()] == ["ed-2026-11.pem"]


def test_only_the_owner_may_look(folder: Path) -> None:
    make()
    places = [folder / PATH, *list((folder / PATH).parents)[:4]]
    modes = [stat.S_IMODE(place.stat().st_mode) for place in places]
    assert modes == [0o400, 0o700, 0o700, 0o700, 0o700]


def test_the_public_process_loads_no_key(settings) -> None:
    make()
    signing.signed(MESSAGE, Stream.LETTERS)
    settings.PROCESS = "public"
    with pytest.raises(NoPrivateKeysHere):
        signing.signed(MESSAGE, Stream.LETTERS)


def test_a_key_that_others_can_read_signs_nothing(folder: Path) -> None:
    make()
    (folder / PATH).chmod(0o440)
    with pytest.raises(KeyExposed, match="chmod go-rwx"):
        signing.signed(MESSAGE, Stream.LETTERS)


def test_a_file_that_is_no_key_is_named(folder: Path) -> None:
    make()
    (folder / PATH).chmod(0o600)
    (folder / PATH).write_text("no key")
    with pytest.raises(KeyMalformed, match=r"ed-2026-11\.pem cannot be used\. This is not"):
        signing.signed(MESSAGE, Stream.LETTERS)


def test_a_key_that_cannot_be_read_stops_the_mail_instead_of_going_unsigned(folder: Path) -> None:
    (folder / PATH).mkdir(parents=True)
    with pytest.raises(KeyMissing, match="Is a directory"):
        signing.signed(MESSAGE, Stream.LETTERS)


def test_a_folder_that_cannot_be_read_stops_it_too(folder: Path) -> None:
    (folder / "worker" / "dkim").mkdir(parents=True)
    (folder / "worker" / "dkim" / "letters").write_text("in the way")
    with pytest.raises(KeyMissing, match="Mail would go out unsigned"):
        signing.signed(MESSAGE, Stream.LETTERS)


def test_files_beside_the_keys_are_left_alone(folder: Path) -> None:
    make()
    (folder / PATH).with_name("ed-2025-01.pem.retired").write_text("old")
    (folder / PATH).with_name(".ed-2026-12.0a").write_text("draft")
    assert len(signing.keys_of(Stream.LETTERS)) == 1
