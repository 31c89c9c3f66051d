"""A real Postfix, set up by the script that installations use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chaos import postfix as instance
from chaos.postfix import Postfix


@pytest.fixture(scope="session")
def _postfix() -> Iterator[Postfix]:
    if lack := instance.missing():
        pytest.skip(lack)
    with instance.running(mx=True) as postfix:
        yield postfix


@pytest.fixture
def postfix(_postfix: Postfix) -> Iterator[Postfix]:
    """A Postfix that runs, with nothing in its queue; the world behind it has seen nothing."""
    _postfix.wait_until(lambda: not _postfix.queue())
    _postfix.sink.forget()
    _postfix.receiver.forget()
    yield _postfix
    _postfix.sink.release()
    if not _postfix.processes():
        _postfix.start()
