"""The key folder: made once, backed up by people, read at every start.

::

    FOLDER/public/   installation.pub  index.key  suppression.key  budget.key  django-secret
    FOLDER/worker/   installation.key  envelope.key

Each file is one line of base64url text. The public web process can read only `public/`: it seals
to `installation.pub` and cannot open. Folders are 0700, files 0600, those of the worker 0400.
Other files in the folder are left alone.
"""

import os
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path

from picketline.seal.boxes import generate, public_half

_PRIVATE = "worker/installation.key"
_PUBLIC = "public/installation.pub"
_ENVELOPE = "worker/envelope.key"
_INDEX = "public/index.key"
_SUPPRESSION = "public/suppression.key"
_BUDGET = "public/budget.key"
_DJANGO = "public/django-secret"

# Django's own check asks for 50 characters: 48 bytes are 64 of them.
_LENGTHS = {_DJANGO: 48}
_KEY_BYTES = 32


class KeyProblem(Exception):
    """A key cannot be used; the message is a sentence that says what to do."""


class KeyMissing(KeyProblem):
    """A key file is not there or may not be read."""


class KeyExposed(KeyProblem):
    """A key file is open to users other than its owner."""


class KeyMalformed(KeyProblem):
    """A key file does not hold a key of the right length."""


class KeyMismatch(KeyProblem):
    """The two halves of the installation's key do not belong together."""


@dataclass(frozen=True, kw_only=True)
class PublicKeys:
    """What every process holds. Only `installation_public` may be shown to anyone."""

    installation_public: bytes
    index: bytes = field(repr=False)
    suppression: bytes = field(repr=False)
    budget: bytes = field(repr=False)
    django_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class WorkerKeys(PublicKeys):
    """What the worker holds: the public keys and those that open and sign."""

    installation_private: bytes = field(repr=False)
    envelope: bytes = field(repr=False)


def create(folder: Path) -> None:
    """Make the keys that are missing. What is there is never overwritten.

    Safe to repeat, to interrupt and to run twice at once. Raises KeyMissing where only the public
    half of the installation's key is there: a new private half could not open what exists.
    """
    for part in (folder, folder / "public", folder / "worker"):
        part.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / _PUBLIC).exists() and not (folder / _PRIVATE).exists():
        raise KeyMissing(
            f"{folder / _PUBLIC} has lost its private half: put {folder / _PRIVATE} back from "
            "your backup. Without it nothing that was sealed can be read."
        )
    _make(folder / _PRIVATE, generate().private, 0o400)
    _make(folder / _PUBLIC, public_half(_read(folder, _PRIVATE)), 0o600)
    _make(folder / _ENVELOPE, os.urandom(_KEY_BYTES), 0o400)
    for name in (_INDEX, _SUPPRESSION, _BUDGET, _DJANGO):
        _make(folder / name, os.urandom(_LENGTHS.get(name, _KEY_BYTES)), 0o600)


def django_secret(folder: Path) -> str:
    """Django's secret alone, or nothing before `create` has made it; for the settings module."""
    return _spell(_read(folder, _DJANGO)) if (folder / _DJANGO).exists() else ""


def load_public(folder: Path) -> PublicKeys:
    """Read `public/`. Raises a KeyProblem whose message says what to do."""
    return PublicKeys(
        installation_public=_read(folder, _PUBLIC),
        index=_read(folder, _INDEX),
        suppression=_read(folder, _SUPPRESSION),
        budget=_read(folder, _BUDGET),
        django_secret=_spell(_read(folder, _DJANGO)),
    )


def load_worker(folder: Path) -> WorkerKeys:
    """Read `public/` and `worker/`. Raises a KeyProblem whose message says what to do."""
    public = load_public(folder)
    private = _read(folder, _PRIVATE)
    if public_half(private) != public.installation_public:
        raise KeyMismatch(
            f"{folder / _PRIVATE} and {folder / _PUBLIC} do not belong together: put both back "
            "from the same backup."
        )
    return WorkerKeys(
        installation_public=public.installation_public,
        index=public.index,
        suppression=public.suppression,
        budget=public.budget,
        django_secret=public.django_secret,
        installation_private=private,
        envelope=_read(folder, _ENVELOPE),
    )


def _make(path: Path, key: bytes, mode: int) -> None:
    """Write a key file whole or not at all; a file that is there stays as it is."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), mode)
            file.write(_spell(key) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, a link fails where the name is taken
    except FileExistsError:
        pass  # another process was faster: its key is the key
    finally:
        draft.unlink()


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        exposed = path.stat().st_mode & 0o077
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise KeyMissing(
            f"The key file {path} cannot be read ({error.strerror}): put it back from your backup, "
            "give it to the user this process runs as, or, in a new installation, run picketline "
            "prepare first."
        ) from error
    if exposed:
        raise KeyExposed(
            f"The key file {path} is open to other users: run chmod go-rwx {path}, and think of "
            "the key as known if others use this machine."
        )
    return _decode(path, text, _LENGTHS.get(name, _KEY_BYTES))


def _decode(path: Path, text: str, length: int) -> bytes:
    try:
        key = b64decode(text.strip(), altchars=b"-_", validate=True)
    except ValueError:
        key = b""
    if len(key) != length:
        raise KeyMalformed(
            f"The key file {path} does not hold one line of base64url text for {length} bytes: "
            "put it back from your backup."
        )
    return key


def _spell(key: bytes) -> str:
    return urlsafe_b64encode(key).decode("ascii")
