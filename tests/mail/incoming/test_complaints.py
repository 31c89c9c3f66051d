"""A reader's "this is spam", as providers pass it on."""

import pytest
from tests.mail.incoming.corpus import MESSAGE_ID, names_in, sample

from picketline.mail.incoming import complaints
from picketline.mail.incoming.report import Complaint

READER = "reader@provider.example"
OURS = "letters.picket.example"
EXPECTED = {
    "abuse": Complaint("abuse", MESSAGE_ID, READER, OURS),
    "yahoo-headers-only": Complaint("abuse", MESSAGE_ID, READER, OURS),
    "mail-ru-russian": Complaint("abuse", MESSAGE_ID, READER, OURS),
    "redacted-recipient": Complaint("abuse", MESSAGE_ID, "", ""),
    "report-type-missing": Complaint("abuse", MESSAGE_ID, "", ""),
    "nothing-returned": Complaint("abuse", "", READER, ""),
    "fraud": Complaint("fraud", MESSAGE_ID, "", "picket.example"),
    "virus": Complaint("virus", MESSAGE_ID, "", ""),
    "opt-out": Complaint("opt-out", MESSAGE_ID, READER, ""),
    "type-missing": Complaint("other", MESSAGE_ID, "", ""),
    "type-no-word": Complaint("other", MESSAGE_ID, "", ""),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_complaint_is_read_as_far_as_the_provider_tells(name: str) -> None:
    assert complaints.read(sample("complaints", name)) == EXPECTED[name]


@pytest.mark.parametrize("name", [n for n in names_in("complaints") if n.startswith("none-")])
def test_other_reports_and_other_peoples_are_no_complaints(name: str) -> None:
    assert complaints.read(sample("complaints", name)) is None


def test_every_sample_has_its_expectation() -> None:
    assert sorted(EXPECTED) == [n for n in names_in("complaints") if not n.startswith("none-")]


@pytest.mark.parametrize("name", names_in("replies") + names_in("auto-replies"))
def test_no_reply_is_a_complaint(name: str) -> None:
    folder = "replies" if name in names_in("replies") else "auto-replies"
    assert complaints.read(sample(folder, name)) is None
