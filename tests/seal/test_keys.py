"""The key folder."""

import os
import stat
import threading
from pathlib import Path

import pytest

from picketline.seal import keys
from picketline.seal.boxes import open_box, seal

PUBLIC = ("installation.pub", "index.key", "suppression.key", "budget.key", "django-secret")
WORKER = ("installation.key", "envelope.key")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "keys"
    keys.create(folder)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_has_its_files_and_nothing_else(folder: Path) -> None:
    expected = {f"public/{name}" for name in PUBLIC} | {f"worker/{name}" for name in WORKER}

    assert set(contents(folder)) == expected


def test_each_file_is_one_line_that_people_can_copy(folder: Path) -> None:
    for text in contents(folder).values():
        assert text.endswith("\n")
        assert len(text.splitlines()) == 1
        assert text.isascii()


def test_only_the_owner_may_look(folder: Path) -> None:
    assert {mode(path) for path in (folder, folder / "public", folder / "worker")} == {0o700}
    assert {mode(folder / "public" / name) for name in PUBLIC} == {0o600}
    assert {mode(folder / "worker" / name) for name in WORKER} == {0o400}


def test_the_masks_of_the_shell_do_not_matter(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys.create(tmp_path / "keys")
    finally:
        os.umask(before)

    assert mode(tmp_path / "keys" / "public" / "index.key") == 0o600
    keys.load_worker(tmp_path / "keys")


def test_what_is_sealed_with_the_public_keys_opens_with_the_workers(folder: Path) -> None:
    public = keys.load_public(folder)
    worker = keys.load_worker(folder)

    blob = seal(public.installation_public, b"words", b"c")
    assert open_box(worker.installation_private, blob, b"c") == b"words"


def test_the_worker_has_all_the_public_keys_and_all_keys_differ(folder: Path) -> None:
    public = keys.load_public(folder)
    worker = keys.load_worker(folder)

    assert (worker.index, worker.suppression, worker.budget, worker.django_secret) == (
        public.index,
        public.suppression,
        public.budget,
        public.django_secret,
    )
    secrets = {public.index, public.suppression, public.budget, worker.envelope}
    assert len(secrets | {worker.installation_private, public.installation_public}) == 6


def test_the_secret_is_long_enough_for_django(folder: Path) -> None:
    assert len(keys.load_public(folder).django_secret) >= 50


def test_keys_stay_out_of_representations(folder: Path) -> None:
    worker = keys.load_worker(folder)

    for secret in (worker.index, worker.envelope, worker.installation_private):
        assert repr(secret) not in repr(worker)
    assert worker.django_secret not in repr(worker)


def test_the_public_keys_can_be_read_without_the_workers(folder: Path) -> None:
    for name in WORKER:
        (folder / "worker" / name).unlink()
    (folder / "worker").rmdir()

    keys.load_public(folder)
    with pytest.raises(keys.KeyMissing):
        keys.load_worker(folder)


def test_creating_again_changes_nothing(folder: Path) -> None:
    before = contents(folder)

    keys.create(folder)

    assert contents(folder) == before


@pytest.mark.parametrize("name", ["public/index.key", "public/installation.pub"])
def test_creating_again_makes_only_what_is_missing(folder: Path, name: str) -> None:
    before = contents(folder)
    (folder / name).unlink()

    keys.create(folder)

    after = contents(folder)
    assert {key for key in before if before[key] != after[key]} <= {"public/index.key"}
    keys.load_worker(folder)


def test_a_lost_private_half_is_not_replaced_by_another(folder: Path) -> None:
    (folder / "worker" / "installation.key").unlink()

    with pytest.raises(keys.KeyMissing, match=r"worker/installation\.key back from your backup"):
        keys.create(folder)


def test_two_processes_that_create_at_once_agree(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def create() -> None:
        barrier.wait()
        keys.create(tmp_path)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    keys.load_worker(tmp_path)
    assert len(contents(tmp_path)) == len(PUBLIC) + len(WORKER)


def test_a_key_made_by_a_faster_process_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def slower(draft: Path, path: Path) -> None:
        path.write_text("theirs")
        link(draft, path)

    folder = tmp_path / "keys"
    keys.create(folder)
    (folder / "public" / "index.key").unlink()
    monkeypatch.setattr(os, "link", slower)
    keys.create(folder)

    assert (folder / "public" / "index.key").read_text() == "theirs"
    assert not list(folder.rglob(".*"))


def test_other_files_in_the_folder_are_left_alone(folder: Path) -> None:
    (folder / "public" / "database-password").write_text("x")

    keys.create(folder)
    keys.load_worker(folder)

    assert (folder / "public" / "database-password").read_text() == "x"


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o602])
def test_a_key_open_to_others_is_refused_with_the_command_to_run(folder: Path, bits: int) -> None:
    path = folder / "public" / "budget.key"
    path.chmod(bits)

    with pytest.raises(keys.KeyExposed, match=r"chmod go-rwx .*budget\.key"):
        keys.load_public(folder)


@pytest.mark.parametrize(
    "name", [*(f"public/{n}" for n in PUBLIC), *(f"worker/{n}" for n in WORKER)]
)
def test_a_missing_key_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(keys.KeyMissing, match=name):
        keys.load_worker(folder)


@pytest.mark.parametrize(
    "text", ["", "c2hvcnQ=\n", "not base64!", "ключ", "A" * 43, "A" * 44 + "*"]
)
def test_a_damaged_key_is_named(folder: Path, text: str) -> None:
    (folder / "public" / "index.key").write_text(text)

    with pytest.raises(keys.KeyMalformed, match=r"index\.key .* 32 bytes"):
        keys.load_public(folder)


def test_a_key_pasted_with_spaces_around_it_is_read(folder: Path) -> None:
    path = folder / "public" / "index.key"
    before = keys.load_public(folder)
    path.write_text(f"  {path.read_text()}\r\n\n")

    assert keys.load_public(folder) == before


def test_halves_from_two_backups_are_noticed(folder: Path, tmp_path: Path) -> None:
    keys.create(tmp_path / "other")
    other = (tmp_path / "other" / "public" / "installation.pub").read_text()
    (folder / "public" / "installation.pub").write_text(other)

    with pytest.raises(keys.KeyMismatch, match="same backup"):
        keys.load_worker(folder)


def test_every_refusal_is_a_key_problem() -> None:
    for refusal in (keys.KeyMissing, keys.KeyExposed, keys.KeyMalformed, keys.KeyMismatch):
        assert issubclass(refusal, keys.KeyProblem)
