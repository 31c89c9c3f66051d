"""The page of whoever wrote from their own mailbox: reading it changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests import builders, writers
from tests.conftest import ActingAs
from tests.domain.incoming.arrivals import arrives, message
from tests.public.pages import read
from tests.public.test_links import everything

from picketline.domain import copy_status, counts, names, retention, suppressions
from picketline.domain.incoming import copies
from picketline.domain.sealing import opened
from picketline.mail.incoming import findings, sandbox
from picketline.models import (
    Campaign,
    Consent,
    Delivery,
    IncomingMessage,
    Letter,
    PublicName,
    SealedSubmission,
    Supporter,
)
from picketline.seal import tokens

COPIES = "harbour@copies.picketline.example"
ADDRESS = "ann@writers.example"
SHOWN = {"consent_show_name": "on", "name": "Ann of the docks"}


@pytest.fixture(autouse=True)
def _every_copy_is_authentic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proof is tested elsewhere; these tests begin once a copy is counted."""
    monkeypatch.setattr(sandbox, "examine", findings.report_on)
    monkeypatch.setattr(copies, "aligned", lambda *_: True)


@pytest.fixture
def link(campaign: Campaign) -> str:
    return counted()


def counted(sender: str = ADDRESS) -> str:
    """The link in the thanks for a copy that has just come in."""
    raw = message(From=sender, To="office@owner.example", Cc=COPIES, Message_ID=f"<{sender}>")
    assert arrives(COPIES, raw) is not None
    supporter = Supporter.objects.select_related("campaign").latest("pk")
    token = tokens.derive(opened(supporter).token(), tokens.STATUS)
    return f"/en/copies/{token}/"


def consents() -> set[str]:
    return set(Consent.objects.values_list("kind", flat=True))


def copies_counted() -> int:
    campaign = Campaign.objects.get(slug="harbour")
    counts.sum_up()
    assert counts.recount() == []
    return counts.totals(campaign)[counts.CountKind.COPIES]


@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete"])
def test_no_program_that_only_looks_changes_anything(
    client: Client, link: str, method: str
) -> None:
    before = everything()
    for path in (link, f"{link}not-mine/", f"{link}consents/"):
        getattr(client, method)(path)
    assert everything() == before


def test_nothing_is_ticked_beforehand(client: Client, link: str) -> None:
    page = read(client.get(link))
    boxes = page.all("input", type="checkbox")
    assert sorted(box.attrs["name"] for box in boxes) == ["consent_show_name", "consent_updates"]
    assert not any("checked" in box.attrs for box in boxes)


def test_what_is_agreed_to_is_kept_and_can_be_taken_back(client: Client, link: str) -> None:
    assert client.post(link, {"consent_updates": "on", **SHOWN}).status_code == 302
    assert consents() == {"updates", "show name"}
    page = client.get(link).content.decode()
    assert 'type="checkbox"' not in page
    for consent in ("updates", "show name"):
        assert client.post(f"{link}consents/", {"consent": consent}).status_code == 302
    assert consents() == set()
    assert SealedSubmission.objects.get().signature_ct is None


def test_a_second_answer_leaves_the_first_as_it_is(client: Client, link: str) -> None:
    client.post(link, SHOWN)
    client.post(link, {"consent_show_name": "on", "name": "Somebody else"})
    client.post(link, {"consent_updates": "on"})
    assert consents() == {"updates", "show name"}
    supporter = Supporter.objects.select_related("campaign").get()
    assert opened(supporter).signature().name == "Ann of the docks"


def test_a_name_is_shown_with_the_next_batch_and_disappears_at_once(
    client: Client, link: str
) -> None:
    client.post(link, SHOWN)
    Supporter.objects.update(confirmed_on=timezone.now().date() - timedelta(days=2))
    assert names.publish() == 1
    assert "Ann of the docks" in client.get("/en/campaigns/harbour/").content.decode()
    client.post(f"{link}consents/", {"consent": "show name"})
    assert not PublicName.objects.exists()


@pytest.mark.parametrize("name", ["", "@ann", "www.ann.example", "+33 1 23 45 67 89"])
def test_a_name_to_show_must_be_a_name(client: Client, link: str, name: str) -> None:
    answer = client.post(link, {"consent_show_name": "on", "name": name})
    assert answer.status_code == 400
    assert read(answer).one("input", id="id_name").attrs["aria-invalid"] == "true"
    assert consents() == set()


def test_a_name_without_the_wish_to_show_it_is_not_read(client: Client, link: str) -> None:
    assert client.post(link, {"name": "@ann"}).status_code == 302
    assert SealedSubmission.objects.get().signature_ct is None


@pytest.mark.parametrize("consent", ["send", "everything", ""])
def test_nothing_but_the_two_consents_can_be_taken_back(
    client: Client, link: str, consent: str
) -> None:
    assert client.post(f"{link}consents/", {"consent": consent}).status_code == 400


def test_who_did_not_write_is_forgotten_uncounted_and_left_alone(client: Client, link: str) -> None:
    assert copies_counted() == 1
    client.post(link, {"consent_updates": "on", **SHOWN})
    answer = client.post(f"{link}not-mine/")
    assert answer.status_code == 200
    assert copies_counted() == 0
    assert suppressions.has(ADDRESS)
    supporter = Supporter.objects.get()
    assert (supporter.state, supporter.address_index) == ("withdrawn", None)
    assert not SealedSubmission.objects.exists()
    assert consents() == set()
    assert Delivery.objects.get().state == "cancelled"
    assert client.get(link).status_code == client.post(f"{link}not-mine/").status_code == 410
    assert copies_counted() == 0
    retention.tidy()
    row = IncomingMessage.objects.get()
    assert (row.raw_ct, row.content_ct) == (None, None)


def test_who_did_not_write_is_not_counted_by_the_next_copy(client: Client, link: str) -> None:
    client.post(f"{link}not-mine/")
    raw = message("Anew", From=ADDRESS, To="office@owner.example", Cc=COPIES, Message_ID="<9@x.y>")
    row = arrives(COPIES, raw)
    assert row is not None
    assert row.reason == "sender wants no mail"


def test_wrong_truncated_foreign_and_withdrawn_links_look_alike(
    client: Client, campaign: Campaign
) -> None:
    gone = counted("gone@writers.example")
    client.post(f"{gone}not-mine/")
    good = counted()
    _, status_token = writers.confirmed(campaign)
    links = [
        f"/en/copies/{'a' * 32}/",
        good[:-2] + "/",
        f"/en/copies/{status_token}/",
        good.replace("/copies/", "/letters/"),
        gone,
    ]
    pages = {Client().get(each).content.decode().replace(each[4:], "") for each in links}
    assert len(pages) == 1
    posted = {client.post(each).status_code for each in links if "copies" in each}
    assert posted == {410}


def test_once_the_address_is_erased_nothing_new_is_offered(client: Client, link: str) -> None:
    client.post(link, SHOWN)
    Delivery.objects.update(
        state="accepted", settled_at=timezone.now() - retention.ADDRESS_FOR - timedelta(days=1)
    )
    assert retention.tidy().addresses == 1
    assert Letter.objects.get().link_ct is None
    page = client.get(link).content.decode()
    assert 'name="consent_updates"' not in page
    assert "Do not show my name" in page
    client.post(link, {"consent_updates": "on"})
    assert consents() == {"show name"}
    client.post(f"{link}not-mine/")
    assert copies_counted() == 0


def test_with_updates_wanted_the_address_stays_and_so_does_the_page(
    client: Client, link: str
) -> None:
    client.post(link, {"consent_updates": "on"})
    long_ago = timezone.now() - retention.TEXT_FOR - timedelta(days=1)
    Delivery.objects.update(state="accepted", settled_at=long_ago)
    retention.tidy()
    kept = SealedSubmission.objects.get()
    assert (kept.address_ct is None, kept.token_ct) == (False, None)
    assert "Send me no updates" in client.get(link).content.decode()


def test_long_after_the_campaign_the_link_has_expired(client: Client, link: str) -> None:
    Supporter.objects.update(address_index=None)
    assert client.get(link).status_code == 410


def test_a_mark_that_was_moved_from_another_row_opens_nothing(client: Client, link: str) -> None:
    counted("ben@writers.example")
    first, second = Letter.objects.order_by("pk")
    Letter.objects.filter(pk=first.pk).update(link_ct=second.link_ct)
    assert client.post(f"{link}not-mine/").status_code == 410
    assert copies_counted() == 2


def test_the_page_needs_no_more_than_the_public_role_may(
    client: Client, acting_as: ActingAs
) -> None:
    builders.campaign()
    link = counted()
    with acting_as("public"):
        assert client.get(link).status_code == 200
        assert client.post(link, {"consent_updates": "on", **SHOWN}).status_code == 302
        assert client.post(f"{link}consents/", {"consent": "show name"}).status_code == 302
        assert client.post(f"{link}not-mine/").status_code == 200


def test_a_form_of_another_site_is_refused(link: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    for path in (link, f"{link}consents/", f"{link}not-mine/"):
        assert browser.post(path, {"consent_updates": "on"}).status_code == 403
    assert consents() == set()


def test_a_supporter_without_consents_of_this_page_has_none_here(campaign: Campaign) -> None:
    link = counted()
    status = copy_status.status(link.split("/")[3])
    assert (status.consents, status.offered) == (frozenset(), copy_status.OPTIONAL)
