"""The structure keeps its promises: small files, small functions, pure layers, honest locks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "picketline"
SOURCES = sorted(
    path
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), ROOT / "run"]
    if "migrations" not in path.parts
)
TEMPLATES = sorted(path for path in (PACKAGE / "templates").rglob("*") if path.is_file())
FILE_LINES, FUNCTION_LINES, TEMPLATE_LINES = 300, 40, 150


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_file_fits_on_a_few_screens(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_function_fits_on_one_screen(path: Path) -> None:
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in _functions(path)
        if node.end_lineno is not None and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_every_template_fits_on_a_few_screens(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= TEMPLATE_LINES


@pytest.mark.parametrize("layer", ["mail", "text", "seal", "host"])
def test_a_pure_layer_never_names_django_or_the_models(layer: str) -> None:
    for path in (PACKAGE / layer).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert not name.startswith("django"), f"{_name(path)} imports {name}"
                assert not re.match(r"picketline\.(models|domain|forms|public)", name), _name(path)


def test_no_folder_is_called_after_nothing_in_particular() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "lib", "core"}
    found = [_name(path) for path in PACKAGE.rglob("*") if path.stem in vague]
    assert found == []


@pytest.mark.parametrize("name", ["base.txt", "dev.txt"])
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    lock = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--index" not in lock
    packages = re.findall(r"^([a-z0-9][^ ;\\]*)==", lock, flags=re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert len(packages) == len(blocks)
    assert all("--hash=sha256:" in block for block in blocks)
