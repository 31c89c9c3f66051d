"""A stolen database does not tell who wrote: no name, no address, no word, nothing to join by."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.domain.incoming import arrivals

from picketline.domain import counts, digests, retention
from picketline.domain.incoming.receiving import receive
from picketline.domain.letter_status import erase, withdraw
from picketline.domain.letters import Signature
from picketline.domain.supporters import confirm, never_write_again
from picketline.mail.addresses import EmailAddr
from picketline.models import (
    Attempt,
    Campaign,
    ConfirmationSent,
    Consent,
    Delivery,
    Evidence,
    Gate,
    IncomingMessage,
    PublicName,
    PublishedReply,
    RelayHealth,
    RelayLog,
    RelayProbe,
    SealedReply,
    Supporter,
    Suppression,
)

SUPPORTERS = 20


def markers(number: int) -> dict[str, str]:
    """What only this supporter could have typed."""
    return {
        "address": f"zq{number:02}marker@writers{number:02}.example",
        "name": f"Жанна Qwx{number:02}name",
        "words": f"My words vbn{number:02}words, ескерткіш.",
        "organisation": f"Union hjk{number:02}organisation",
        "role": f"rty{number:02}role",
    }


def form(number: int) -> dict[str, Any]:
    typed = markers(number)
    signature = Signature(typed["name"], "KZ", typed["organisation"], typed["role"], 3 + number)
    return {
        "own_words": typed["words"],
        "address": EmailAddr(typed["address"]),
        "signature": signature,
        "consents": frozenset({Consent.Kind.SEND, Consent.Kind.UPDATES}),
    }


def dump() -> bytes:
    """Every value of every table: text as it is, bytes as they are."""
    pieces: list[bytes] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names of our own tables
            for value in (value for row in cursor.fetchall() for value in row):
                raw = value if isinstance(value, bytes | memoryview) else str(value).encode()
                pieces.append(bytes(raw))
    return b"\n".join(pieces)


def spellings(text: str) -> list[bytes]:
    """The text in every encoding that a careless column could hold it in."""
    found = []
    for raw in (text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")):
        found += [raw, raw.hex().encode(), raw.hex().upper().encode()]
        for shift in range(3):  # base64 depends on the place in its group of three
            coded = base64.b64encode(b"\0" * shift + raw)
            found.append(coded[4 if shift else 0 : len(coded) // 4 * 4 - 4])
    found += [text.lower().encode(), text.encode("unicode_escape"), text[::-1].encode()]
    return [each for each in found if len(each) >= 8]  # shorter ones turn up by chance


def leaks(where: bytes, numbers: range) -> list[str]:
    """Markers, or telling parts of them, that can be found."""
    needles = {
        spelling
        for number in numbers
        for text in markers(number).values()
        for part in (text, text.partition("@")[0], re.sub(r"[^a-z0-9]", "", text))
        if len(part) > 5
        for spelling in spellings(part)
    }
    return [repr(each) for each in needles if each in where]


@pytest.fixture
def campaign(db: None) -> Campaign:
    return builders.campaign()


def test_the_search_itself_finds_what_is_there() -> None:
    for spelling in spellings(markers(7)["name"]):
        assert leaks(b"x" * 5 + spelling + b"yy", range(SUPPORTERS)), spelling
    assert leaks(dump_of_nothing(), range(SUPPORTERS)) == []


def dump_of_nothing() -> bytes:
    """What a harmless database holds."""
    return b"zq marker\nname\nwords organisation role writers.example"


def what_comes_back(campaign: Campaign, typed: dict[str, str]) -> None:
    """A bounce, a reply, a copy and a letter to nobody that all quote what a writer typed."""
    letters = Delivery.objects.filter(mail_class="letter", supporter__sealed__isnull=False)
    letter = arrivals.handed_over(letters.earliest("pk"))
    quoting = arrivals.message("\n".join(typed.values()), From=typed["address"])
    bounce = arrivals.dsn(letter).replace(b"no such user", typed["address"].encode())
    arrivals.arrives(arrivals.envelope(letter), bounce, typed["address"])
    arrivals.arrives(arrivals.reply_alias(letter), quoting, typed["address"])
    for label in ("copies", "letters"):
        arrivals.arrives(f"{campaign.slug}@{label}.picketline.example", quoting, typed["address"])


@pytest.mark.django_db(transaction=True)
def test_nothing_that_twenty_supporters_typed_can_be_found_in_any_table() -> None:
    campaign = builders.campaign(copies="each")
    pending = [writers.submit(campaign, **form(number)) for number in range(SUPPORTERS)]
    links = [writers.link(supporter) for supporter in pending]
    status_links = [confirm(link) for link in links[:12]]
    withdraw(status_links[0])
    erase(status_links[1])
    never_write_again(links[12])
    counts.sum_up()
    digests.queue()
    typed = markers(2)["address"].encode()
    with postoffice.Peer(answers={"RCPT": b"550 5.1.1 <%b> unknown\r\n" % typed}) as server:
        while postoffice.send(server):
            pass
    for number in range(3, 7):
        what_comes_back(campaign, markers(number))
    retention.tidy()

    assert SealedReply.objects.exists()
    assert IncomingMessage.objects.values("kind").distinct().count() == 4
    found = dump()
    assert b"office@owner.example" in found  # the dump has what is public
    assert leaks(found, range(SUPPORTERS)) == []
    for link in (*links, *status_links):
        assert link.encode() not in found


def test_what_a_row_calls_itself_in_a_log_names_nobody(campaign: Campaign) -> None:
    supporter, _ = writers.confirmed(campaign, **form(1))
    mail = supporter.deliveries.filter(mail_class="letter").earliest("pk")
    now = timezone.now()
    attempt = Attempt.objects.create(delivery=mail, lease_token=1, started_at=now)
    SealedReply.objects.create(attempt=attempt, text_ct=markers(1)["address"].encode())
    Evidence.objects.create(delivery=mail, queue_id="4F1", kind="sent", seen_at=now)
    RelayHealth.objects.create(relay="relay", whole_from=now, whole_until=now)
    ConfirmationSent.objects.create(address_hash=b"h" * 16, sent_at=now)
    Suppression.objects.create(address_hash=b"h" * 16, created_on=now)
    PublicName.objects.create(
        supporter=supporter, campaign=campaign, name=markers(1)["name"], country="KZ", position=1
    )
    RelayLog.objects.create(relay="relay", inode=1, offset=2, mark=b"m" * 32, read_at=now)
    RelayProbe.objects.create(relay="relay", envelope_hash=b"p" * 32, handed_at=now)
    Gate.objects.create(name="domain:owner.example")
    receive("harbour@copies.picketline.example", markers(1)["address"], b"x")
    assert mail.target is not None
    PublishedReply.objects.create(
        campaign=campaign, target=mail.target, text="We regret.", replied_on=now, published_on=now
    )
    counts.sum_up()

    for model in apps.get_models():
        rows = list(model.objects.all())
        assert rows, model.__name__
        said = " ".join(map(str, rows)).encode()
        assert said.strip()
        assert leaks(said, range(SUPPORTERS)) == []
        assert b"organisers@" not in said


def test_indexes_of_one_address_in_two_campaigns_have_nothing_in_common(
    campaign: Campaign,
) -> None:
    other = builders.campaign(slug="airport")
    here, again, there = (
        bytes(writers.submit(place).address_index or b"") for place in (campaign, campaign, other)
    )
    assert here == again
    assert here != there


def test_suppression_budget_and_index_of_one_address_cannot_be_joined(campaign: Campaign) -> None:
    supporter = writers.submit(campaign)
    budget = Delivery.objects.get().budget_hash
    never_write_again(writers.link(supporter))

    suppression = Suppression.objects.get().address_hash
    hashes = [bytes(each or b"") for each in (supporter.address_index, budget, suppression)]
    assert len(set(hashes)) == 3
    assert {len(each) for each in hashes} == {16}


def test_once_the_mail_is_sent_no_hash_joins_an_address_across_campaigns(
    transactional_db: None,
) -> None:
    writers.submit(builders.campaign())
    writers.submit(builders.campaign(slug="airport"))
    assert Delivery.objects.filter(budget_hash__isnull=False).count() == 2
    with postoffice.Peer() as server:
        postoffice.send(server)

    assert Delivery.objects.filter(state="accepted", budget_hash__isnull=False).count() == 0
    assert ConfirmationSent.objects.count() == 1  # the second waits out the pause
    assert not {field.name for field in ConfirmationSent._meta.fields} & {"supporter", "delivery"}


def test_no_row_of_a_supporter_points_at_another_campaign() -> None:
    """Only through its own campaign can a supporter's row be reached from another one's."""
    targets = {
        field.related_model
        for field in Supporter._meta.get_fields()
        if field.is_relation and field.many_to_one
    }
    assert targets == {Campaign}


def test_nothing_is_stored_of_the_visitors_machine() -> None:
    names = {field.name for model in apps.get_models() for field in model._meta.get_fields()}
    assert not {name for name in names if re.search(r"(^|_)(ip|agent|referr?er|host)($|_)", name)}
