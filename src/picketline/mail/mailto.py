"""Links that open a letter in the reader's own mail program (RFC 6068)."""

from collections.abc import Sequence
from urllib.parse import quote

LONGEST = 2000
"""Characters: of longer links some programs open nothing, or only the beginning."""


def link(to: Sequence[str], cc: str, subject: str, body: str) -> str:
    """A ``mailto:`` link with as much of the letter as fits: all, the subject, or no words.

    Addresses must be plain ones. They are never left out, so the link may be longer than LONGEST.
    """
    bare = f"mailto:{','.join(map(_address, to))}?cc={_address(cc)}"
    if not subject:
        return bare
    with_subject = f"{bare}&subject={quote(subject, safe='')}"
    lines = "\r\n".join(body.splitlines())
    whole = f"{with_subject}&body={quote(lines, safe='')}"
    return next((each for each in (whole, with_subject) if len(each) <= LONGEST), bare)


def _address(address: str) -> str:
    return quote(address, safe="@")
