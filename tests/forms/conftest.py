"""A good campaign folder to spoil."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import builders

from picketline.forms.folder import write_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of ``builders.content()``."""
    path = tmp_path / "harbour"
    write_folder(builders.content(), path)
    return path
