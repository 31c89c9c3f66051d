"""The zone of an organisation that has done everything right, and who sends in it."""

from ipaddress import ip_address

from picketline.mail.domain_check.dkim import SigningKey
from picketline.mail.domain_check.findings import Address, Finding, Level, Sender

DOMAIN = "picket.example"
LETTERS = f"letters.{DOMAIN}"
STREAMS = ("letters", "confirmations", "notices", "updates")
ADDRESS: Address = ip_address("192.0.2.25")
SENDER = Sender(DOMAIN, f"mail.{DOMAIN}", (ADDRESS,))
KEY = SigningKey("s1", "v=DKIM1; k=rsa; p=" + "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" * 12)
KEYS = dict.fromkeys(STREAMS, (KEY,))


def good_zone() -> list[str]:
    """Every record that the doctor looks for."""
    zone = [
        f"mail.{DOMAIN} A 192.0.2.25",
        f'mail.{DOMAIN} TXT "v=spf1 a -all"',
        f"25.2.0.192.in-addr.arpa PTR mail.{DOMAIN}.",
        f'_dmarc.{DOMAIN} TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{DOMAIN}"',
    ]
    zone += [f"{label}.{DOMAIN} MX 10 mail.{DOMAIN}." for label in (*STREAMS, "reply", "copies")]
    key = f'"{KEY.record[:250]}" "{KEY.record[250:]}"'
    for label in STREAMS:
        zone += [
            f'{label}.{DOMAIN} TXT "v=spf1 ip4:192.0.2.25 -all"',
            f"s1._domainkey.{label}.{DOMAIN} TXT {key}",
        ]
    return zone


def levels(found: list[Finding]) -> list[Level]:
    """How grave the findings are."""
    return [finding.level for finding in found]


def records_of(found: list[Finding]) -> str:
    """Everything the findings ask to publish, each line once."""
    lines = [line for finding in found for line in finding.publish.splitlines()]
    return "\n".join(dict.fromkeys(lines))
