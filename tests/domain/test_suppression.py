"""Never again: one click keeps our mail away from an address for good."""

from __future__ import annotations

import pytest
from tests import builders, writers

from picketline.domain.links import LinkUnknown
from picketline.domain.outgoing import NotToBeSent, build
from picketline.domain.supporters import confirm, never_write_again, open_link
from picketline.mail.addresses import EmailAddr
from picketline.models import (
    Campaign,
    Consent,
    CountEntry,
    Delivery,
    Letter,
    SealedSubmission,
    Supporter,
    Suppression,
)

pytestmark = pytest.mark.django_db
State = Supporter.State


@pytest.fixture
def campaign() -> Campaign:
    return builders.campaign()


def test_never_write_again_keeps_a_hash_and_nothing_else(campaign: Campaign) -> None:
    supporter = writers.submit(campaign, address=EmailAddr("Jo+x@writers.example"))
    token = writers.link(supporter)
    never_write_again(token)

    supporter.refresh_from_db()
    assert supporter.state == State.CANCELLED
    assert Suppression.objects.count() == 1
    assert bytes(Suppression.objects.get().address_hash) != bytes(supporter.address_index or b"")
    assert not SealedSubmission.objects.exists()
    assert not Consent.objects.exists()
    assert not CountEntry.objects.exists()
    assert [mail.state for mail in Delivery.objects.all()] == ["cancelled"]
    for use in (open_link, confirm, never_write_again):
        with pytest.raises(LinkUnknown):
            use(token)


def test_never_write_again_is_the_same_for_every_spelling_and_campaign(campaign: Campaign) -> None:
    other = builders.campaign(slug="airport")
    for place, address in ((campaign, "jo@writers.example"), (other, "JO+y@writers.example")):
        never_write_again(writers.link(writers.submit(place, address=EmailAddr(address))))

    assert Suppression.objects.count() == 1


def test_after_confirming_the_status_page_is_the_place_to_leave(campaign: Campaign) -> None:
    supporter, _ = writers.confirmed(campaign)
    with pytest.raises(LinkUnknown):
        never_write_again(writers.link(supporter))
    assert not Suppression.objects.exists()


def test_never_write_again_without_content_is_an_unknown_link(campaign: Campaign) -> None:
    supporter = writers.submit(campaign)
    Letter.objects.filter(pk=supporter.pk).update(link_ct=None)
    with pytest.raises(LinkUnknown):
        never_write_again(writers.link(supporter))


def test_a_later_submission_for_that_address_is_taken_but_its_mail_is_not_built(
    campaign: Campaign,
) -> None:
    never_write_again(writers.link(writers.submit(campaign)))

    later = writers.submit(campaign, address=EmailAddr("JO+later@writers.example"))
    with pytest.raises(NotToBeSent, match="suppressed"):
        build(later.deliveries.get())
