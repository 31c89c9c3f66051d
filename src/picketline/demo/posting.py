"""What a form of the mailbox posts: taken only from the mailbox's own pages, and only a little."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MOST_BYTES = 16 * 1024
FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """The request is not answered; ``status`` is HTTP's, ``sentence`` is for people."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def fields(environ: WSGIEnvironment) -> dict[str, str]:
    """The fields of a form, the first value of each. Raises ``Refused``.

    The body is read before the headers are judged, so that who is refused hears why.
    """
    length = environ.get("CONTENT_LENGTH", "")
    if not (length.isascii() and length.isdecimal()):
        raise Refused("411 Length Required", "The request does not say how long it is.")
    if len(length) > len(str(MOST_BYTES)) or int(length) > MOST_BYTES:
        raise Refused("413 Content Too Large", "The answer is too long for this mailbox.")
    body = environ["wsgi.input"].read(int(length))
    if not _comes_from_here(environ):
        raise Refused("403 Forbidden", "Answers are taken from the mailbox’s own pages only.")
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != FORM:
        raise Refused("415 Unsupported Media Type", "That is not what the form sends.")
    try:
        found = parse_qs(body.decode("ascii"), errors="replace", max_num_fields=10)
    except ValueError:
        raise Refused("400 Bad Request", "That is not what the form sends.") from None
    return {name: values[0] for name, values in found.items()}


def _comes_from_here(environ: WSGIEnvironment) -> bool:
    """Whether the browser says so; one header at least must, and neither may deny it."""
    origin, site = environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE")
    if origin is None and site is None:
        return False
    own = f"http://{environ.get('HTTP_HOST', '')}"
    return origin in (None, own) and site in (None, "same-origin")
