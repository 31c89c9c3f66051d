"""HTML made text: one pass, no tree, nothing fetched.

Tags are found as a browser finds them, roughly; where the markup is broken the text may look odd
or end early, but nothing of a tag is ever shown as text that a reader would take for the writer's.
Time is linear in the length (the parser of the standard library is quadratic on broken markup).
"""

import re
from collections.abc import Iterator
from html import unescape

_MAX_QUOTES = 5  # levels of quotation that are shown
_MAX_TAG = 4096  # characters of a tag that are looked at for its link
_MAX_LINK = 300

_KEPT_BREAK = "\0"

_OPENING = re.compile(r"</?[a-zA-Z]")
_TAG = re.compile(r"</?([a-zA-Z][^\s/>]{0,40}+)((?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+)>")
_LOOSE_TAG = re.compile(r"</?([a-zA-Z][^\s/>]{0,40}+)([^>]*+)>")
_HREF = re.compile(r"(?<![\w-])href\s{0,9}=\s{0,9}(?:\"([^\"]*+)\"|'([^']*+)'|([^\s>\"']++))", re.I)
_LONG_ENTITY = re.compile(r"&#(?:\d{8,}+|[xX][0-9a-fA-F]{7,}+);?")
_FOLLOWED = re.compile(r"(?:https?|ftp|mailto):", re.I)
_UNSEEN = (
    "script style title iframe noembed noframes textarea template svg math object".split()  # noqa: SIM905
)
_ENDS = {name: re.compile(rf"</{name}(?![a-z0-9])", re.I) for name in _UNSEEN}
_BLOCKS = frozenset(
    "address article aside blockquote body br center dd div dl dt fieldset figure footer form h1 h2"  # noqa: SIM905
    " h3 h4 h5 h6 header hr li main nav ol p pre section table tbody tfoot thead tr ul".split()
)
_CELLS = frozenset({"td", "th"})


def text_in(markup: str) -> str:
    """The text: a line per block, quotations marked with `>`, links followed by their address."""
    return "\n".join(_lines(markup)).replace(_KEPT_BREAK, "\n")


def _lines(markup: str) -> Iterator[str]:
    line: list[str] = []
    quotes, link, since, kept = 0, "", 0, False
    for tag, rest in _pieces(markup):
        name = tag.lstrip("/")
        if not tag:
            line.append(rest.replace("\n", _KEPT_BREAK) if kept else rest)
        elif name == "a":
            line.append(_beside("".join(line[since:]), link))
            link, since = (_link(rest) if tag == "a" else ""), len(line)
        elif name in _BLOCKS:
            yield _line(line, quotes)
            line, since = (["- "] if tag == "li" else []), 0
            quotes = max(0, quotes + {"blockquote": 1, "/blockquote": -1}.get(tag, 0))
            kept = tag == "pre" or (kept and tag != "/pre")
        elif name in _CELLS:
            line.append(" ")
    yield _line(line, quotes)


def _beside(shown: str, link: str) -> str:
    """The address of a link, where what is shown of it does not say so itself."""
    return "" if not link or link.removeprefix("mailto:").rstrip("/") in shown else f" {link} "


def _line(line: list[str], quotes: int) -> str:
    text = " ".join("".join(line).split())
    return f"{'>' * min(quotes, _MAX_QUOTES)} {text}" if quotes > 0 and text else text


def _link(attributes: str) -> str:
    found = _HREF.search(attributes[:_MAX_TAG])
    address = _unescaped(found[1] or found[2] or found[3] or "") if found else ""
    address = "".join(address.split())  # browsers take out line breaks, and so a reader's guard
    return address[:_MAX_LINK] if _FOLLOWED.match(address) else ""


def _pieces(markup: str) -> Iterator[tuple[str, str]]:
    """Tags as their lower-case name (`/` in front at the end) and attributes; text as "", text."""
    here, tags = 0, _TAG
    while here < len(markup):
        start = markup.find("<", here)
        start = len(markup) if start < 0 else start
        if start > here:
            yield "", _unescaped(markup[here:start])
        if markup.startswith(("<!", "<?"), start):
            here = _past_comment(markup, start)
            continue
        if not _OPENING.match(markup, start):
            yield "", markup[start : start + 1]
            here = start + 1
            continue
        tag = tags.match(markup, start)
        if tag is None:  # an unbalanced quote: from here on no quote counts
            tags = _LOOSE_TAG
            tag = tags.match(markup, start)
        if tag is None:  # nothing closes it: for a browser, too, the text ends here
            return
        closing, name = markup.startswith("</", start), tag[1].lower()
        yield f"/{name}" if closing else name, tag[2]
        here = tag.end() if closing else _past_unseen(markup, name, tag.end())


def _past_comment(markup: str, start: int) -> int:
    comment = markup.startswith("<!--", start)
    end = markup.find("-->" if comment else ">", start + 2)
    return len(markup) if end < 0 else end + (3 if comment else 1)


def _past_unseen(markup: str, name: str, here: int) -> int:
    if name not in _ENDS:
        return here
    end = _ENDS[name].search(markup, here)
    return end.start() if end else len(markup)


def _unescaped(text: str) -> str:
    return unescape(_LONG_ENTITY.sub("\ufffd", text))
