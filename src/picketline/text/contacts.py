"""Ways to smuggle contact details or advertising into a text: links, numbers, accounts, blobs.

Every target gets hundreds of these paragraphs, so one that advertises is what filters remember.
The rules lean towards letting through: sums, dates, spans of years and numbers of conventions are
what honest letters are made of.
"""

import unicodedata

import regex

_LINK = regex.compile(
    r"""
    (?<!\w) [a-z][a-z0-9+.-]* :// \S            # a scheme
    | (?<!\w) (?:mailto|tel|sms|javascript|data) : \S
    | (?<!\w) www \. \w
    | (?<![\w.]) [\w-]+ (?:\.[\w-]+)* \. \p{L}{2,} / \w      # a path: t.me/x
    | \w \s* [\[(] \s* (?:\.|dot) \s* [\])] \s* \w          # spam(.)example, spam [dot] example
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
# A sentence may go on without a space after its full stop ("dismissed.it was"), so a bare host
# counts in a text only with a top-level name that is no word after a full stop.
_HOST_IN_TEXT = regex.compile(
    r"(?<![\w@.])[\w-]{2,}(?:\.[\w-]+)*\."
    r"(?:com|net|org|info|biz|edu|gov|int|eu|ru|su|kz|kg|uz|ua|by|uk|io|tv|xyz|example|рф|қаз)"
    r"(?![\w-])",
    regex.IGNORECASE,
)
# In a name initials and titles are followed by a capital ("A.B.Petrov", "Dr.Ivan"), hosts are not.
_HOST_IN_NAME = regex.compile(
    r"(?<![\w.])\w[\w-]+(?:\.[\w-]+)*\.(?:\p{Ll}{2,}|(?i:com|net|org|info|ru|kz))(?![\w-])"
)
_SPACED_HOST = regex.compile(r"\w\s+\.\s*\p{L}{2,}")
_EMAIL = regex.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+")

_DATE_OR_YEARS = regex.compile(
    r"""
    (?<![\d./-]) (?:
        (?:0?[1-9]|[12]\d|3[01]) [./-] (?:0?[1-9]|1[0-2]) [./-] (?:(?:19|20)\d\d|\d\d)
        | (?:19|20)\d\d [./-] (?:0?[1-9]|1[0-2]) [./-] (?:0?[1-9]|[12]\d|3[01])
        | (?:19|20)\d\d \s? [-–—/] \s? (?:(?:19|20)\d\d|\d\d)
        | [0-2]?\d : [0-5]\d (?: : [0-5]\d )?
    ) (?! [./-]? \d)
    """,
    regex.VERBOSE,
)
_PHONES = tuple(
    regex.compile(pattern, regex.VERBOSE | regex.IGNORECASE)
    for pattern in (
        r"(?<![\w+]) \+ \s? (?:[\s().-]{0,2}\d){10,15} (?!\d)",
        r"(?<![\w+]) \+ \d{1,3} [\s.-]? \d{2,4} (?:[\s.-]?\d{2,5}){1,3} (?!\d)",
        r"(?<![\w.,/-]) (?<!\d\s) \(?0 (?!\.\d+(?!\.)) (?:[\s()./-]{0,2}\d){8,14} (?!\d)",
        r"(?<![\w.,/-]) [78] [\s-]? \(?\d{3}\)? [\s-]? \d{3} [\s-]? \d{2} [\s-]? \d{2} (?!\d)",
        r"(?<!\w) \(\d{2,5}\) [\s-]? \d{2,4} [\s-] \d{2} [\s-]? \d{2} (?!\d)",
        r"(?<!\w) \(\d{3}\) [\s-]? \d{6,8} (?!\d)",
        r"(?<![\w.,/-]) \d{3} ([.-]) \d{3} \1 \d{4} (?!\d)",
        r"(?<!\w) \d{10,15} (?<!000) (?!\w)",
        r"(?<!\w) (?:tel|phone|whats?app|тел|телефон|моб|هاتف) [\s.:]* [+(]? \d (?:[\s()-]?\d){4,}",
    )
)
_THOUSANDS = regex.compile(r"[+(]?\d{1,3}(?:[\s.]\d{3})+")
_IBAN = regex.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)", regex.IGNORECASE)
_ENCODED = regex.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}|(?<!\w)[0-9A-Fa-f]{32,}(?!\w)")


def has_link(text: str) -> bool:
    """Whether a text points to a web address."""
    plain = _compatible(text)
    return bool(_LINK.search(plain) or _HOST_IN_TEXT.search(plain))


def name_has_link(name: str) -> bool:
    """Whether a name is, or carries, a web address; stricter than `has_link`."""
    plain = _compatible(name)
    return any(rule.search(plain) for rule in (_LINK, _HOST_IN_NAME, _SPACED_HOST))


def has_email(text: str) -> bool:
    """Whether a text carries an e-mail address."""
    return _EMAIL.search(_compatible(text)) is not None


def has_phone(text: str) -> bool:
    """Whether a text carries what reads as a telephone number."""
    plain = _DATE_OR_YEARS.sub("…", _compatible(text))
    return any(not _is_sum(found.group()) for rule in _PHONES for found in rule.finditer(plain))


def has_iban(text: str) -> bool:
    """Whether a text carries a bank account number (ISO 13616) with a right check sum."""
    found = _IBAN.finditer(_compatible(text), overlapped=True)
    return any(_iban_within(match.group().replace(" ", "").upper()) for match in found)


def has_encoded(text: str) -> bool:
    """Whether a text carries a base64 or hexadecimal blob."""
    return any(_looks_encoded(found.group()) for found in _ENCODED.finditer(text))


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _is_sum(found: str) -> bool:
    """Whether a find is groups of three: `+1 500 000`, or a list of conventions `029 087 098`."""
    return sum(map(str.isdigit, found)) < 10 and _THOUSANDS.fullmatch(found) is not None


def _iban_within(characters: str) -> bool:
    """Whether an IBAN stands at the start; what follows it may have run into the match."""
    return any(_checks_out(characters[:end]) for end in range(15, len(characters) + 1))


def _checks_out(account: str) -> bool:
    digits = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
    return int(digits) % 97 == 1


def _looks_encoded(found: str) -> bool:
    return any(map(str.isdigit, found)) and any(map(str.isalpha, found)) and _mixed(found)


def _mixed(found: str) -> bool:
    hexadecimal = all(character in "0123456789abcdefABCDEF" for character in found)
    return hexadecimal or (found.lower() != found and found.upper() != found)
