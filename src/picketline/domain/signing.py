"""DKIM keys of the streams: made once, loaded once in a process, and put under every mail.

They lie in `worker/dkim/<stream>/<selector>.pem` in the key folder. Every key found there signs, so
a key is retired by moving its file away, after its successor's record has been in DNS for a while.
"""

from __future__ import annotations

import os
from datetime import date
from functools import cache
from pathlib import Path

from django.conf import settings

from picketline.domain.keyring import NoPrivateKeysHere
from picketline.domain.streams import Stream, domain_of
from picketline.mail.dkim import DkimKey, KeyKind, KeyRefused, load_key, new_key, sign
from picketline.seal.keys import KeyExposed, KeyMalformed, KeyMissing

_SELECTORS = {KeyKind.RSA: "rsa", KeyKind.ED25519: "ed"}


def signed(data: bytes, stream: Stream) -> bytes:
    """The message with one signature for each key of its stream; without a key as it is.

    Raises `NoPrivateKeysHere` in the public process, or a `seal.keys.KeyProblem`.
    """
    keys = _loaded(settings.KEYS, stream, domain_of(stream), settings.PROCESS)
    return sign(data, keys) if keys else data


def load() -> None:
    """Load the keys of every stream; raises as `signed` does.

    Whoever sends calls it first: a key that cannot be used is then no fault of any mail.
    """
    for stream in Stream:
        _loaded(settings.KEYS, stream, domain_of(stream), settings.PROCESS)


def keys_of(stream: Stream) -> tuple[DkimKey, ...]:
    """The keys of a stream as they lie in the folder now, by selector; raises as `signed` does."""
    return _load(settings.KEYS, stream, domain_of(stream), settings.PROCESS)


def make_key(stream: Stream, kind: KeyKind, today: date) -> bool:
    """Make the stream's key of this kind for this month; False if it is there already."""
    folder = _folder(settings.KEYS, stream)
    for part in (settings.KEYS, *reversed(folder.parents[:2]), folder):
        part.mkdir(mode=0o700, parents=True, exist_ok=True)
    selector = f"{_SELECTORS[kind]}-{today:%Y-%m}"
    path = folder / f"{selector}.pem"
    return not path.exists() and _write(path, new_key(kind))


def _folder(keys: Path, stream: Stream) -> Path:
    return keys / "worker" / "dkim" / stream


def _load(keys: Path, stream: Stream, domain: str, process: str) -> tuple[DkimKey, ...]:
    if process == "public":
        raise NoPrivateKeysHere("The public process signs no mail.")
    folder = _folder(keys, stream)
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".pem"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise KeyMissing(
            f"The folder {folder} cannot be read ({error.strerror}): give it to the user this "
            "process runs as. Mail would go out unsigned."
        ) from error
    return tuple(_read(folder / name, domain) for name in names)


_loaded = cache(_load)


def _read(path: Path, domain: str) -> DkimKey:
    try:
        exposed = path.stat().st_mode & 0o077
        pem = path.read_bytes()
    except OSError as error:
        raise KeyMissing(
            f"The DKIM key {path} cannot be read ({error.strerror}): give it to the user this "
            "process runs as, or move it away."
        ) from error
    if exposed:
        raise KeyExposed(
            f"The DKIM key {path} is open to other users: run chmod go-rwx {path}. If others use "
            "this machine, make a new key instead and take this one's record out of DNS."
        )
    try:
        return load_key(domain, path.stem, pem)
    except KeyRefused as refusal:
        raise KeyMalformed(f"The DKIM key {path} cannot be used. {refusal}") from refusal


def _write(path: Path, pem: bytes) -> bool:
    """Write the key whole or not at all; False where another process was faster."""
    draft = path.with_name(f".{path.stem}.{os.urandom(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, a link fails where the name is taken
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
