"""DKIM: the published key must be the one that signs."""

import pytest
from tests.dns_server import DnsServer
from tests.mail.domain_check.conftest import Asking
from tests.mail.domain_check.zones import KEY, LETTERS, levels, records_of

from picketline.mail.dkim import KeyKind, dns_record, load_key, new_key
from picketline.mail.domain_check import dkim
from picketline.mail.domain_check.dkim import SigningKey
from picketline.mail.domain_check.findings import Level

_NAME = f"s1._domainkey.{LETTERS}"
_P = KEY.record.partition("p=")[2]


def _say(dns: DnsServer, *records: str) -> None:
    dns.remove(_NAME, "TXT")
    for record in records:
        strings = " ".join(f'"{record[start : start + 200]}"' for start in range(0, 999, 200))
        dns.add(f"{_NAME} TXT {strings}")


def test_a_key_split_into_strings_is_the_key_that_signs(ask: Asking) -> None:
    assert levels(dkim.findings(ask(), LETTERS, [KEY])) == [Level.OK]


@pytest.mark.parametrize(
    "record",
    [
        f"v=DKIM1;p={_P}",
        f"v=DKIM1; h=sha1:SHA256; s=*; t=s; k=rsa; n=note; p={_P[:99]}  {_P[99:]};",
    ],
)
def test_spelling_is_free(dns: DnsServer, ask: Asking, record: str) -> None:
    _say(dns, record)
    assert levels(dkim.findings(ask(), LETTERS, [KEY])) == [Level.OK]


@pytest.mark.parametrize(
    ("records", "level", "words"),
    [
        ([], Level.FAULT, "is not published"),
        ([KEY.record, "other"], Level.FAULT, "2 TXT records"),
        (["just words"], Level.FAULT, "no form of name=value"),
        ([f"v=DKIM1; p={_P}; p={_P}"], Level.FAULT, "p= twice"),
        (["v=DKIM1; k=rsa; p="], Level.FAULT, "revokes"),
        (["v=DKIM1; k=rsa"], Level.FAULT, "revokes"),
        ([f"v=DKIM2; p={_P}"], Level.FAULT, "begin with v=DKIM1"),
        ([f"p={_P}; v=DKIM1"], Level.FAULT, "begin with v=DKIM1"),
        ([f"v=DKIM1; k=ed25519; p={_P}"], Level.FAULT, "another kind"),
        ([f"v=DKIM1; p={_P[:-1]}B"], Level.FAULT, "not the one that signs"),
        ([f"v=DKIM1; h=sha1; p={_P}"], Level.FAULT, "sha256"),
        ([f"v=DKIM1; s=web; p={_P}"], Level.FAULT, "does not allow mail"),
        ([f"v=DKIM1; t=s:y; p={_P}"], Level.WARNING, "t=y"),
    ],
)
def test_what_is_wrong_is_named_and_the_record_to_publish_mends_it(
    dns: DnsServer, ask: Asking, records: list[str], level: Level, words: str
) -> None:
    _say(dns, *records)
    found = dkim.findings(ask(), LETTERS, [KEY])
    assert levels(found) == [level]
    assert words in found[0].what
    assert found[0].subject == _NAME
    dns.publish(records_of(found))
    assert levels(dkim.findings(ask(), LETTERS, [KEY])) == [Level.OK]


def test_without_a_key_the_command_that_makes_one_is_named(ask: Asking) -> None:
    (found,) = dkim.findings(ask(), LETTERS, [])
    assert found.level is Level.FAULT
    assert "picketline dkim new" in found.what


def test_real_keys_of_both_kinds_are_published_as_told(dns: DnsServer, ask: Asking) -> None:
    keys = [
        SigningKey(kind, dns_record(load_key(LETTERS, kind, new_key(kind)))) for kind in KeyKind
    ]
    found = dkim.findings(ask(), LETTERS, keys)
    assert levels(found) == [Level.FAULT, Level.FAULT]
    dns.publish(records_of(found))
    assert levels(dkim.findings(ask(), LETTERS, keys)) == [Level.OK, Level.OK]
    alone = dkim.findings(ask(), LETTERS, keys[1:])
    assert levels(alone) == [Level.OK, Level.WARNING]
    assert "RSA" in alone[1].what
