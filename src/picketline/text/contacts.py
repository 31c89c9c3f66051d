"""Ways to smuggle contact details or advertising into a text: links, numbers, accounts, blobs.

Every target gets hundreds of these paragraphs, so one that advertises is what filters remember.
The rules lean towards letting through: sums, dates, spans of years and numbers of conventions are
what honest letters are made of.
"""

import unicodedata

import regex

# Patterns start where a run of host characters starts and never give back what they took of a
# label, so that their time grows with the length of the text and not with its square.
_LABELS = r"(?<![\w.-])\.*+(?:[\w-]++\.)"
_LINKS = tuple(
    regex.compile(pattern, regex.IGNORECASE)
    for pattern in (
        r"(?<!\w)[a-z][a-z0-9+.-]{0,20}://\S",
        r"(?<!\w)(?:mailto|tel|sms):\S",
        r"(?<!\w)www\.\w",
        r"[\[(]\s*(?:\.|dot)\s*[\])]\s*\w",  # spam(.)example, spam [dot] example
    )
)
_HOST_AND_PATH = regex.compile(rf"{_LABELS}+\p{{L}}{{2,}}+/\w")  # t.me/x
# A sentence may go on without a space after its full stop ("dismissed.it was"), so a bare host
# counts in a text only with a top-level name that is no word after a full stop.
_HOST_IN_TEXT = regex.compile(
    rf"{_LABELS}*[\w-]{{2,}}+\."
    r"(?:com|net|org|info|biz|edu|gov|int|eu|ru|su|kz|kg|uz|ua|by|uk|io|tv|xyz|example|рф|қаз)"
    r"(?![\w-])",
    regex.IGNORECASE,
)
# In a name initials and titles are followed by a capital ("A.B.Petrov", "Dr.Ivan"), hosts are not.
_HOST_IN_NAME = regex.compile(
    rf"{_LABELS}*[\w-]{{2,}}+\.(?:\p{{Ll}}{{2,}}|(?i:com|net|org|info|ru|kz))(?![\w-])"
)
_DOTTED = regex.compile(r"\.\p{L}")
_SPACED_HOST = regex.compile(r"\w\s+\.\s*\p{L}{2,}")
_EMAIL = regex.compile(r"(?<![\w.+-])[\w.+-]++\s?@\s?[\w-]++(?:\.[\w-]++)+")

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
_FIVE_DIGITS = regex.compile(r"\d(?:\D{0,3}\d){4}")
_THOUSANDS = regex.compile(r"[+(]?\d{1,3}(?:[\s.]\d{3})+")
_IBAN_START = regex.compile(r"[A-Za-z]{2}\d\d")
_IBAN = regex.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?!\w)", regex.IGNORECASE)
_ENCODED = regex.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}|(?<!\w)[0-9A-Fa-f]{32,}(?!\w)")


def has_link(text: str) -> bool:
    """Whether a text points to a web address."""
    return _links(_compatible(text), _HOST_AND_PATH, _HOST_IN_TEXT)


def name_has_link(name: str) -> bool:
    """Whether a name is, or carries, a web address; stricter than `has_link`."""
    plain = _compatible(name)
    return bool(_links(plain, _HOST_AND_PATH, _HOST_IN_NAME) or _SPACED_HOST.search(plain))


def has_email(text: str) -> bool:
    """Whether a text carries an e-mail address."""
    return _EMAIL.search(_compatible(text)) is not None


def has_phone(text: str) -> bool:
    """Whether a text carries what reads as a telephone number."""
    plain = _compatible(text)
    if not _FIVE_DIGITS.search(plain):
        return False
    plain = _DATE_OR_YEARS.sub("…", plain)
    return any(not _is_sum(found.group()) for rule in _PHONES for found in rule.finditer(plain))


def has_iban(text: str) -> bool:
    """Whether a text carries a bank account number (ISO 13616) with a right check sum."""
    plain = _compatible(text)
    if not _IBAN_START.search(plain):
        return False
    found = _IBAN.finditer(plain, overlapped=True)
    return any(_iban_within(match.group().replace(" ", "").upper()) for match in found)


def has_encoded(text: str) -> bool:
    """Whether a text carries a base64 or hexadecimal blob."""
    long_words = (word for word in text.split() if len(word) >= 32)
    return any(
        _looks_encoded(found.group()) for word in long_words for found in _ENCODED.finditer(word)
    )


def _links(plain: str, *hosts: regex.Pattern[str]) -> bool:
    """Look for links, for hosts only where a letter follows a dot, which is quick to see."""
    if any(rule.search(plain) for rule in _LINKS):
        return True
    return bool(_DOTTED.search(plain)) and any(rule.search(plain) for rule in hosts)


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _is_sum(found: str) -> bool:
    """Whether a find is groups of three: `+1 500 000`, or a list of conventions `029 087 098`."""
    return sum(map(str.isdigit, found)) < 10 and _THOUSANDS.fullmatch(found) is not None


def _iban_within(characters: str) -> bool:
    """Whether an IBAN stands at the start; what follows it may have run into the match."""
    return any(_checks_out(characters[:end]) for end in range(15, len(characters) + 1))


def _checks_out(account: str) -> bool:
    """The check of ISO 7064; one in 97 words would pass, so an account also has eight digits."""
    digits = "".join(str(int(character, 36)) for character in account[4:] + account[:4])
    return int(digits) % 97 == 1 and sum(map(str.isdigit, account)) >= 8


def _looks_encoded(found: str) -> bool:
    return any(map(str.isdigit, found)) and any(map(str.isalpha, found)) and _mixed(found)


def _mixed(found: str) -> bool:
    hexadecimal = all(character in "0123456789abcdefABCDEF" for character in found)
    return hexadecimal or (found.lower() != found and found.upper() != found)
