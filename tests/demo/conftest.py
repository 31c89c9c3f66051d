"""One mailbox for all tests of a file; each test uses addresses of its own."""

from collections.abc import Iterator

import pytest
from tests.demo.mailboxes import Mailbox, running

LABELS = {
    "board@fund.example": "The fund above",
    "akim@region.example": "Жергілікті әкімдік",
    "copies@committee.example": "<b>Organisers</b>",
}


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with running(tmp_path_factory.mktemp("mailbox"), LABELS) as found:
        yield found
