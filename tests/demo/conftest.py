"""One mailbox for all tests of a file; each test uses addresses of its own."""

from collections.abc import Iterator

import pytest
from tests.demo.mailboxes import Mailbox, running
from tests.demo.office import Counter, open_counter

from picketline.demo.labels import Labels

LABELS = Labels(
    targets={"board@fund.example": "The fund above", "akim@region.example": "Жергілікті әкімдік"},
    organisers={"copies@committee.example": "<b>Organisers</b>"},
)


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with running(tmp_path_factory.mktemp("mailbox"), LABELS) as found:
        yield found


@pytest.fixture(scope="module")
def counter() -> Iterator[Counter]:
    """Who takes in mail for the installation; knows every address but ``nobody@…``."""
    with open_counter() as found:
        yield found


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory, counter: Counter) -> Iterator[Mailbox]:
    """A mailbox whose targets can be answered for."""
    with running(tmp_path_factory.mktemp("answering"), LABELS, counter.port) as found:
        yield found
