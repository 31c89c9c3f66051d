"""Organisers' Markdown to HTML that is safe to show."""

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_REL = "noopener noreferrer nofollow"

_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def to_html(source: str, *, top_heading: int = 2) -> str:
    """Render CommonMark to HTML from a short list of tags.

    The highest heading in the source becomes `<h{top_heading}>` and the others keep their distance
    to it, down to h6, so that the text fits into a page's outline. Raw HTML is shown as text,
    images are dropped, links leave nothing of us behind and follow http, https and mailto only.
    """
    tokens = _MARKDOWN.parse(source)
    _shift_headings(tokens, top_heading)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel=_REL)


def _shift_headings(tokens: list[Token], top: int) -> None:
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    first = min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - first + top)}"
