"""Who sent a message, as far as that can be proven: our own server's verdicts, and signatures.

Authentication-Results is a field like any other: whoever writes a message can put it in. It is
worth something only where our own server wrote it, and that server must remove those that
arrive under its name (RFC 8601 §5).
"""

from email.message import Message

from picketline.mail.incoming import fields, results, signatures
from picketline.mail.incoming.report import Authentication, AuthResult, DkimVerdict

# Below these anybody can have a name: two names there say nothing of each other. Not the whole
# public suffix list, which would have to be renewed for ever: what is missing here is a provider
# whose customers could speak for the provider's own mailboxes or the reverse.
_REGISTRIES = frozenset(
    {
        "ac",
        "co",
        "com",
        "edu",
        "gob",
        "gov",
        "gouv",
        "go",
        "gen",
        "gv",
        "info",
        "mil",
        "ne",
        "net",
        "nom",
        "or",
        "org",
        "web",
        "msk",
        "spb",
        "in",
    }
)
_SHARED = frozenset(
    {
        "appspot.com",
        "azurewebsites.net",
        "blogspot.com",
        "ddns.net",
        "duckdns.org",
        "dyndns.org",
        "firebaseapp.com",
        "github.io",
        "gitlab.io",
        "herokuapp.com",
        "myshopify.com",
        "narod.ru",
        "netlify.app",
        "no-ip.org",
        "onmicrosoft.com",
        "pages.dev",
        "ucoz.ru",
        "vercel.app",
        "web.app",
        "wixsite.com",
        "wordpress.com",
        "workers.dev",
        "amazonaws.com",
        "eu.org",
        "uk.com",
        "de.com",
        "co.com",
        "eu.com",
        "us.com",
        "ru.com",
    }
)


def read(raw: bytes, message: Message, *, nameservers: tuple[str, ...]) -> Authentication:
    """What Authentication-Results claims, and our own check of the DKIM signatures in `raw`.

    `nameservers` are addresses, "192.0.2.1" or "192.0.2.1:53"; without any the system's are asked.
    A message that has not exactly one From field with exactly one address has no author that
    anything could be said of: no results, and no signature of it is valid.
    """
    verdicts = signatures.check(raw, nameservers)
    if not fields.has_one_author(message):
        verdicts = tuple(_void(verdict) for verdict in verdicts)
    return Authentication(results.read(message), verdicts)


def trusted(authentication: Authentication, authserv: str) -> tuple[AuthResult, ...]:
    """The verdicts of our own server, which calls itself `authserv` there; () for "".

    `results.read` kept of each server's fields the topmost only, and that only above the first
    Received field of another server. Pass a name only where that server checks every message
    and removes fields under its own name from outside: else the topmost can be a forgery.
    """
    ours = authserv.strip().lower().rstrip(".")
    return tuple(each for each in authentication.results if ours and each.authserv == ours)


def aligned(authentication: Authentication, from_address: str, authserv: str) -> bool:
    """Whether it is proven that the domain of `from_address` sent this message.

    By a DKIM signature that we found valid, or by our server's own spf=pass, dkim=pass or
    dmarc=pass, for a domain related to that of the address. What we checked ourselves goes
    before what our server says of DKIM: we are stricter (see `signatures.check`).
    """
    author = from_address.rpartition("@")[2].lower().rstrip(".")
    if any(verdict.valid and related(verdict.domain, author) for verdict in authentication.dkim):
        return True
    passed = {
        each.method
        for each in trusted(authentication, authserv)
        if each.result == "pass" and related(each.domain, author)
    }
    refuted = any(
        related(verdict.domain, author) and verdict.reason not in signatures.UNKNOWN
        for verdict in authentication.dkim
    )
    return "spf" in passed or (bool({"dkim", "dmarc"} & passed) and not refuted)


def undecided(authentication: Authentication, from_address: str) -> bool:
    """Whether a signature for the domain of `from_address` waits for an answer from the DNS."""
    author = from_address.rpartition("@")[2]
    return any(
        verdict.reason == signatures.NO_ANSWER and related(verdict.domain, author)
        for verdict in authentication.dkim
    )


def related(one: str, other: str) -> bool:
    """Whether two domains are the same, or one lies below the other and both are one owner's.

    DMARC's relaxed alignment (RFC 7489 §3.1) without the list of public suffixes: siblings are
    not related, and nothing is related to a name below which anybody can have one.
    """
    shorter, longer = sorted((one.lower().rstrip("."), other.lower().rstrip(".")), key=len)
    if not shorter or "." not in shorter:
        return False
    return shorter == longer or (longer.endswith(f".{shorter}") and not _is_public(shorter))


def _is_public(domain: str) -> bool:
    labels = domain.split(".")
    second_level = len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _REGISTRIES
    return second_level or domain in _SHARED


def _void(verdict: DkimVerdict) -> DkimVerdict:
    return DkimVerdict(verdict.domain, verdict.selector, valid=False, reason="no single author")
