"""A report crosses the border between two processes whole, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from picketline.mail.incoming.report import (
    Attachment,
    Authentication,
    AuthResult,
    BadReport,
    Bounce,
    Complaint,
    DkimVerdict,
    Kind,
    Report,
    from_json,
    to_json,
)

REPORT = Report(
    kind=Kind.MESSAGE,
    message_id="<1@x.example>",
    in_reply_to="",
    references=("<0@x.example>",),
    from_address="a@x.example",
    from_name="Анна",
    to=("r@reply.example",),
    cc=(),
    subject="Re: ✊",
    automatic="",
    forwarded=False,
    from_list=True,
    text="Hello\n",
    truncated=False,
    attachments=(Attachment("a.pdf", "application/pdf", 9, "00"),),
    bounce=Bounce("failed", "5.1.1", True, True, "b@x.example", "no", "", "", "rfc3464"),
    complaint=Complaint("abuse", "", "", ""),
    authentication=Authentication(
        (AuthResult("mx.example", "spf", "pass", "x.example"),),
        (DkimVerdict("x.example", "s", False, "no key"),),
    ),
)


@pytest.mark.parametrize("report", [REPORT, replace(REPORT, bounce=None, complaint=None)])
def test_a_report_comes_back_as_it_was(report: Report) -> None:
    assert from_json(to_json(report)) == report


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "letter"),
        ("kind", None),
        ("subject", 1),
        ("subject", "\0"),
        ("subject", "\ud800"),
        ("forwarded", 0),
        ("to", "a@x.example"),
        ("to", [None]),
        ("bounce", {}),
        ("bounce", []),
        ("attachments", [{"name": "x"}]),
        ("attachments", [["a", "b", 1, "c"]]),
        ("attachments", [{"name": "", "content_type": "", "size": True, "sha256_hex": ""}]),
        ("more", ""),
    ],
)
def test_a_field_of_another_type_is_refused(field: str, value: object) -> None:
    changed = {**json.loads(to_json(REPORT)), field: value}
    with pytest.raises(BadReport):
        from_json(json.dumps(changed).encode())


@pytest.mark.parametrize(
    "octets", [b"", b"\xff", b"[]", b"null", b"{}", b"[" * 100_000, b"9" * 9999]
)
def test_what_is_no_report_is_refused(octets: bytes) -> None:
    with pytest.raises(BadReport):
        from_json(octets)


def test_a_missing_field_is_refused() -> None:
    changed = json.loads(to_json(REPORT))
    del changed["text"]
    with pytest.raises(BadReport):
        from_json(json.dumps(changed).encode())
