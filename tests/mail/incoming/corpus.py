"""The corpus of what comes back, and what each message of it is.

The files lie in tests/samples/incoming. They are of our own writing, in the shapes that mail
servers and providers are known to use; every name and address in them is invented.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from importlib import resources
from pathlib import Path

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "incoming"

MESSAGE_ID = "<6f1d0c9a4be2473fa85b1e0c7d92f3a4@letters.picket.example>"
ENVELOPE = "b.k7m2q9x4c1v8n3z6p5w0r2t4y6@letters.picket.example"


@dataclass(frozen=True)
class Expected:
    """What is to be read in a sample; None instead of it where there is no bounce."""

    action: str
    status: str
    permanent: bool
    recipient: str
    message_id: str
    source: str


def failed(
    status: str,
    *,
    permanent: bool | None = None,
    recipient: str = "director@company.example",
    message_id: str = MESSAGE_ID,
    source: str = "rfc3464",
) -> Expected:
    """The server gave up; permanent where the class is 5, if nothing else is said."""
    hard = status.startswith("5") if permanent is None else permanent
    return Expected("failed", status, hard, recipient, message_id, source)


def delayed(status: str, *, message_id: str = MESSAGE_ID, source: str = "rfc3464") -> Expected:
    """The server goes on trying."""
    return Expected("delayed", status, False, "director@company.example", message_id, source)


def raw_sample(folder: str, name: str) -> bytes:
    """The octets of one sample."""
    return (SAMPLES / folder / f"{name}.eml").read_bytes()


def sample(folder: str, name: str) -> Message:
    """One sample, parsed as incoming mail is."""
    return message_from_bytes(raw_sample(folder, name))


def names_in(folder: str) -> list[str]:
    """The names of all samples in a folder, in order."""
    return sorted(path.stem for path in (SAMPLES / folder).glob("*.eml"))


def library_samples() -> Mapping[str, tuple[bytes, frozenset[str], bool]]:
    """The test data that comes with flufl.bounce: name to octets, addresses, and whether delayed.

    Its expectations stand in a module that needs a test runner we have not; so it is read.
    """
    tests = resources.files("flufl.bounce")
    tree = ast.parse((tests / "testing" / "helpers.py").read_text("utf-8"))
    (table,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DATA"
    ]
    samples = {}
    for _, name, addresses, *temporary in ast.literal_eval(table):
        octets = (tests / "tests" / "data" / name).read_bytes()
        expected = frozenset(address.decode() for address in addresses)
        if name not in samples or expected:
            samples[name] = (octets, expected, bool(temporary))
    return samples


BOUNCES: Mapping[str, Expected | None] = {
    "postfix-unknown-user": failed("5.1.1"),
    "postfix-mailbox-full": failed("5.2.2", permanent=False),
    "postfix-policy": failed("5.7.1"),
    "postfix-domain-not-found": failed("5.4.4", permanent=False),
    "postfix-relay-denied": failed("5.7.1"),
    "postfix-too-big": failed("5.3.4"),
    "postfix-greylist-expired": failed("4.7.1"),
    "postfix-timeout-expired": failed("4.4.1"),
    "postfix-delayed": delayed("4.4.1"),
    "postfix-success": None,
    "postfix-relayed": None,
    "postfix-headers-only": failed("5.1.2"),
    "postfix-forwarded-inside-the-target": failed(
        "5.1.1", recipient="old.director@holding.example"
    ),
    "postfix-smtputf8": failed("5.1.1", recipient="директор@company.example", source="rfc6533"),
    "rfc6533-escaped-address": failed("5.1.6", recipient="дир@company.example", source="rfc6533"),
    "exim-dsn": failed("5.1.1"),
    "exim-quota": failed("5.0.0"),
    "exim-old-plain": failed("", permanent=True, source="library"),
    "exim-old-delay-warning": delayed("", message_id="", source="library"),
    "sendmail-user-unknown": failed("5.1.1"),
    "sendmail-warning-four-hours": delayed("4.4.1"),
    "sendmail-cannot-send-five-days": failed("4.4.7"),
    "sendmail-local-program-mailer": failed("5.3.0"),
    "qmail-no-mailbox": failed("", permanent=True, source="library"),
    "qmail-remote-refused": failed("", permanent=True, source="library"),
    "qmail-ldap-over-quota": failed("", permanent=True, source="library"),
    "qmail-german-hoster": failed("", permanent=True, message_id="", source="library"),
    "exchange-2003": failed("5.1.1"),
    "exchange-2010": failed("5.1.1"),
    "exchange-2016-access-denied": failed("5.7.1"),
    "exchange-2016-mailbox-full": failed("5.2.2", permanent=False),
    "exchange-online-no-such-recipient": failed("5.1.10"),
    "exchange-online-directory-based-block": failed("5.4.1", permanent=False),
    "exchange-online-expired": failed("5.4.300", permanent=False),
    "exchange-online-spam-block": failed("5.7.606"),
    "exchange-relayed-no-confirmation": None,
    "exchange-delayed": delayed("4.4.7"),
    "exchange-german-human-text": failed("5.1.1"),
    "exchange-chinese-human-text": failed("5.7.1"),
    "exchange-5.5-plain": failed("", permanent=True, source="library"),
    "gmail-no-such-user": failed("5.1.1"),
    "gmail-dns-error-delayed": delayed("4.0.0"),
    "gmail-over-quota": failed("4.2.2"),
    "gmail-2011-plain": failed("", permanent=True, source="library"),
    "yahoo-disabled": failed("5.2.1"),
    "yahoo-plain": failed("", permanent=True, source="library"),
    "outlook-com-unavailable": failed("5.5.0"),
    "mail-ru-no-such-user": failed("5.0.0"),
    "mail-ru-plain": failed("", permanent=True, source="library"),
    "yandex-no-such-mailbox": failed("5.7.1"),
    "rambler-full": failed("5.2.2", permanent=False),
    "kaspersky-gateway": failed("5.7.1"),
    "kazakh-hosting": failed("5.1.1"),
    "communigate": failed("5.1.1"),
    "gmx-plain": failed("", permanent=True, source="library"),
    "web-de-attached-report": failed("5.0.0"),
    "icloud-no-human-text": failed("5.1.1"),
    "zoho-report-without-type": failed("5.4.6", permanent=False),
    "proton-mixed-case": failed("5.1.1"),
    "domino": failed("5.0.0"),
    "groupwise-plain": failed("", permanent=True, source="library"),
    "groupwise-2012-dsn": failed("5.1.1"),
    "courier": failed("5.1.1"),
    "opensmtpd-error": failed("5.0.0"),
    "haraka": failed("5.1.1"),
    "halon-without-blank-line-between-groups": failed("5.1.3"),
    "mdaemon": failed("", permanent=True, source="library"),
    "smtp32": failed("", permanent=True, source="library"),
    "aol-plain": failed("", permanent=True, source="library"),
    "mimecast-policy": failed("5.7.1"),
    "proofpoint-nonstandard-status": failed("5.1.1"),
    "barracuda-blocked": failed("5.0.0"),
    "messagelabs": failed("5.1.1"),
    "ironport-status-without-dots": failed("5.1.0"),
    "ses-suppressed": failed("5.1.1"),
    "sendgrid": failed("5.1.1"),
    "mailgun-class-missing": failed("5.0.0"),
    "qq-chinese": failed("5.0.0"),
    "netease-163": failed("5.0.0"),
    "naver-delayed-korean": delayed("4.0.0"),
    "orange-french": failed("5.1.1"),
    "telefonica-spanish": failed("5.2.2", permanent=False),
    "several-recipients-one-failed": failed("5.1.1", recipient="deputy@company.example"),
    "several-recipients-delayed-then-failed": failed("5.7.1", recipient="office@company.example"),
    "list-expanded": None,
    "x400-recipient": failed("5.1.1", recipient=""),
    "status-and-diagnostic-disagree": failed("5.1.1"),
    "transient-status-permanent-words": failed("4.2.2"),
    "action-missing": failed("5.1.1"),
    "base64-delivery-status": failed("5.1.1"),
    "nothing-returned": failed("5.1.1", message_id=""),
    "status-cut-off": failed("5.1.1", message_id=""),
    "crlf-line-ends": failed("5.1.1"),
    "comments-everywhere": failed("5.1.1"),
    "not-one-forwarded-as-attachment": None,
    "not-one-status-as-attachment": None,
    "not-one-nested-in-a-report": None,
    "not-one-code-in-free-text": None,
    "not-one-quoted-qmail": None,
    "not-one-read-receipt": None,
    "not-one-out-of-office-from-nobody": None,
    "not-one-successful-to-two": None,
    "forged-by-whoever-knows-the-address": failed(
        "5.1.1", message_id="", recipient="everybody@company.example"
    ),
    "huge-number-of-recipients": failed("5.1.1", recipient="r0@company.example"),
}
