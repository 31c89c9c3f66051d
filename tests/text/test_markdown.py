"""Organisers' Markdown."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picketline.text.markdown import to_html

TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "strong", "em", "code", "pre"),
    *("blockquote", "ul", "ol", "li", "a"),
}


def elements(html: str) -> list[tuple[str, dict[str, str]]]:
    """Every start tag of a piece of HTML with its attributes, as a browser would see them."""
    found: list[tuple[str, dict[str, str]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, {name: value or "" for name, value in attrs}))

    Reader().feed(html)
    return found


def test_paragraphs_lists_quotes_and_stress_are_rendered() -> None:
    html = to_html("A **b** *c*\n\n- d\n\n> e\n\n3. f\n")

    assert html.split("\n")[0] == "<p>A <strong>b</strong> <em>c</em></p>"
    for part in (
        "<ul>\n<li>d</li>\n</ul>",
        "<blockquote>\n<p>e</p>\n</blockquote>",
        '<ol start="3">',
    ):
        assert part in html


@pytest.mark.parametrize(
    ("source", "top", "tags"),
    [
        ("# a\n\n## b\n", 2, ["h2", "h3"]),
        ("## a\n\n### b\n\n## c\n", 2, ["h2", "h3", "h2"]),
        ("## a\n\n### b\n", 3, ["h3", "h4"]),
        ("# a\n\n###### b\n", 3, ["h3", "h6"]),
        ("a\n===\n", 4, ["h4"]),
    ],
)
def test_headings_fit_into_the_outline_of_the_page(source: str, top: int, tags: list[str]) -> None:
    assert re.findall("<(h[1-6])>", to_html(source, top_heading=top)) == tags


def test_links_leave_nothing_of_us_behind() -> None:
    assert to_html("[a](https://ilo.example)") == (
        '<p><a href="https://ilo.example" rel="noopener noreferrer nofollow">a</a></p>\n'
    )


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://spy.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "<a href='javascript:x'>x</a>",
        "[x](https://x.example \"t' onclick='x\")",
        "<style>*{}</style>",
        '```js" onclick=\n<script>\n```',
        "[x]: javascript:x\n[x]",
        "<javascript:alert(1)>",
    ],
)
def test_nothing_active_comes_through(source: str) -> None:
    for tag, attributes in elements(to_html(source)):
        assert tag in TAGS
        assert set(attributes) <= {"href", "title", "rel"}
        assert attributes.get("href", "https:").startswith(("https:", "http:", "mailto:"))


@given(st.text("<>&\"'ab[]()!#*_`:/-= \n", max_size=60))
def test_any_source_gives_only_tags_of_the_list(source: str) -> None:
    assert {tag for tag, _ in elements(to_html(source))} <= TAGS
