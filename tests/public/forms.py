"""What a browser would send of a page's form: read from the page, not from the code behind it."""

from __future__ import annotations

from html.parser import HTMLParser


def values(page: str, form: str = "letter") -> dict[str, str]:
    """The fields of the form with this id, by name, line ends made plain."""
    reader = _Reader(form)
    reader.feed(page)
    return {name: value.replace("\r\n", "\n") for name, value in reader.values.items()}


class _Reader(HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._form = form
        self._inside = False
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = found.get("id") == self._form
        if not self._inside:
            return
        if tag == "input" and (
            found.get("type") not in ("radio", "checkbox") or "checked" in found
        ):
            self.values[found["name"]] = found.get("value", "")
        elif tag == "select":
            self._select = found["name"]
            self.values[self._select] = ""
        elif tag == "option" and "selected" in found:
            self.values[self._select] = found["value"]
        elif tag == "textarea":
            self._textarea = found["name"]
            self.values[self._textarea] = ""

    def handle_data(self, data: str) -> None:
        if self._inside and self._textarea:
            # A browser drops the line end right after the tag.
            self.values[self._textarea] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""
        elif tag == "form":
            self._inside = False
