"""Text from outside made inert: nothing in it is run, clicked or hidden.

Links are written so that no program makes them clickable (`https[:]//example[.]org/`), and
characters that hide, reorder or command are taken out.
"""

import re
from collections.abc import Iterable
from unicodedata import category, normalize
from urllib.parse import unquote

MAX_LINE = 998  # characters of a name, a subject, an identifier
_MAX_MARKS = 4  # on one letter
REMOVED = "[removed]"

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]{0,200}+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]{0,8}[0-~]"
)
_BREAKS = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_JOINING = "\u0600-\u0dff\u1000-\u109f\u1780-\u18af"  # scripts whose spelling needs the joiners
_JOINERS = re.compile(f"(?<![{_JOINING}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINING}])")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_MARKS = frozenset({"Mn", "Me"})

_SCHEME = re.compile(
    r"[:：](?=\s{0,3}[/\\／＼⁄]{2})"
    r"|(?<=mailto)[:：]|(?<=data)[:：](?=\S)|(?<=script)[:：]|(?<=tel)[:：]|(?<=sms)[:：]"
    r"|(?<=cid)[:：]|(?<=xmpp)[:：]|(?<=magnet)[:：]|(?<=file)[:：](?=\S)|(?<=skype)[:：]",
    re.I,
)
_DOT = re.compile(
    r"(?<=\w)\.(?=[^\W\d_]{2})|(?<=www)\.|(?<=[A-Za-z0-9])[\u3002\uff0e\uff61\u2024](?=[A-Za-z0-9])",
    re.I,
)
_BRACKETED = re.compile(r"<([^<>\s]{1,300}+)>")
_TAG_LIKE = re.compile(r"<(?=[a-zA-Z/!?])")
_ALIAS = re.compile(r"(?<![a-z0-9])[a-z]\.[a-z2-7]{26}(?![a-z0-9])", re.I)
_PAGE = re.compile(r"/(?:confirm|copies|letters)/[a-z0-9_=-]{8}", re.I)


def clean(text: str) -> str:
    """The text without commands to a terminal, hidden, reordering or broken characters, in NFC."""
    text = _BREAKS.sub("\n", _ESCAPE.sub("", text)).replace("\t", " ")
    text = _JOINERS.sub("", text)
    text = text.translate(
        {ord(c): None for c in set(text) if category(c) in _HIDDEN and c not in "\n\u200c\u200d"}
    )
    text = normalize("NFC", _thinned(text))
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def line(text: str, limit: int = MAX_LINE) -> str:
    """One line of at most `limit` characters, cleaned."""
    return " ".join(clean(text[: 4 * limit]).split())[:limit]


def defanged(text: str) -> str:
    """Cleaned text in which no program finds a link, an address of the web or a tag."""
    text = _BRACKETED.sub(r"‹\1›", text)
    text = _TAG_LIKE.sub("‹", text)
    return _DOT.sub("[.]", _SCHEME.sub("[:]", text))


def without(text: str, needles: Iterable[str] = ()) -> str:
    """The text without our own private addresses: aliases, and the pages behind secret links.

    Whatever is written in one word with one of them goes, also where it is wrapped in another
    link. `needles` are further texts to treat so: a domain, a token. Defanged text is recognised.
    """
    wanted = [needle.casefold() for needle in needles if needle]

    def kept(word: re.Match[str]) -> str:
        return REMOVED if _is_private(word[0], wanted) else word[0]

    return re.sub(r"\S+", kept, text)


def _is_private(word: str, wanted: list[str]) -> bool:
    for _ in range(4):  # wrappers of links escape what they wrap
        plain = word.replace("[.]", ".").replace("[:]", ":").casefold()
        if _ALIAS.search(plain) or _PAGE.search(plain) or any(n in plain for n in wanted):
            return True
        word = unquote(word)
    return False


def _thinned(text: str) -> str:
    marks = {c for c in set(text) if category(c) in _MARKS}
    if not marks:
        return text
    kept, run = [], 0
    for character in text:
        run = run + 1 if character in marks else 0
        if run <= _MAX_MARKS:
            kept.append(character)
    return "".join(kept)
