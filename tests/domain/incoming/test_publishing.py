"""Publishing: an organiser decides what stands on the page, and the writer's name does not."""

from __future__ import annotations

import pytest
from django.utils import timezone
from tests import builders
from tests.conftest import ActingAs
from tests.domain.incoming import arrivals
from tests.domain.incoming.arrivals import arrives, message, reply_alias

from picketline.domain.incoming import publishing
from picketline.domain.incoming.publishing import NamesWriter, NotPublishable, decline, publish
from picketline.models import Campaign, IncomingMessage, PublishedReply, SealedSubmission

QUOTING = "We regret.\n\nOn 2 June you wrote:\n> I write about the harbour.\n> Jo Docker"


@pytest.fixture
def campaign(db: None) -> Campaign:
    return builders.campaign()


def reply(campaign: Campaign, body: str = "We regret.") -> IncomingMessage:
    row = arrives(reply_alias(arrivals.sent(campaign)), message(body))
    assert row is not None
    return row


def shown() -> PublishedReply:
    return PublishedReply.objects.get()


def test_nothing_is_published_by_itself(campaign: Campaign) -> None:
    assert reply(campaign).publication == "held"
    assert not PublishedReply.objects.exists()


def test_a_reply_is_published_without_the_letter_that_it_quotes(campaign: Campaign) -> None:
    row = reply(campaign, QUOTING)
    publish(row.pk, None, "en")
    assert shown().text == "We regret.\n\nOn 2 June you wrote:"
    assert (shown().target, shown().language) == (row.target, "en")
    assert shown().replied_on == timezone.now().date()
    row.refresh_from_db()
    assert row.publication == "published"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dear JO DOCKER, no.", ["Jo Docker", "Docker", "jo"]),
        ("Dear Ms Docker, no.", ["Docker"]),
        ("To jo@writers.example: no.", ["jo@writers[.]example", "jo"]),
    ],
)
def test_what_names_the_writer_is_refused_unless_it_is_meant(
    campaign: Campaign, text: str, found: list[str]
) -> None:
    row = reply(campaign, text)
    with pytest.raises(NamesWriter) as refusal:
        publish(row.pk, None, "en")
    assert refusal.value.found == found
    assert not PublishedReply.objects.exists()
    publish(row.pk, None, "en", naming=True)
    assert shown().text.endswith("no.")


def test_a_part_of_another_word_is_not_taken_for_the_name(campaign: Campaign) -> None:
    publish(reply(campaign, "The Dockers may join us, John.").pk, None, "en")
    assert shown().text == "The Dockers may join us, John."


@pytest.mark.parametrize("known", ["nothing", "name", "nobody"])
def test_a_name_that_nobody_knows_any_more_is_for_a_person_to_look_for(
    campaign: Campaign, known: str
) -> None:
    row = reply(campaign)
    if known == "nothing":
        SealedSubmission.objects.update(signature_ct=None)
    elif known == "name":
        SealedSubmission.objects.update(address_ct=None)
        publish(row.pk, None, "")
        return
    else:
        IncomingMessage.objects.update(supporter=None)
    with pytest.raises(NamesWriter) as refusal:
        publish(row.pk, None, "")
    assert refusal.value.found == []


def test_the_organisers_text_is_made_inert_too(campaign: Campaign) -> None:
    row = reply(campaign)
    publish(row.pk, "See https://evil.example/x or r.aaaaaaaaaaaaaaaaaaaaaaaaaa@reply.x", "")
    assert shown().text == "See https[:]//evil[.]example/x or [removed]"


def test_publishing_again_changes_the_text_and_declining_takes_it_away(campaign: Campaign) -> None:
    row = reply(campaign)
    publish(row.pk, "First.", "en")
    publish(row.pk, "Second.", "fr")
    assert (shown().text, shown().language) == ("Second.", "fr")
    decline(row.pk)
    assert not PublishedReply.objects.exists()
    row.refresh_from_db()
    assert row.publication == "declined"


@pytest.mark.parametrize("text", ["", " \n", "x" * (publishing.MOST_CHARACTERS + 1)])
def test_a_text_that_is_none_or_a_book_is_refused(campaign: Campaign, text: str) -> None:
    row = reply(campaign)
    with pytest.raises(NotPublishable):
        publish(row.pk, text, "")


def test_what_is_no_reply_cannot_be_published_or_declined(campaign: Campaign) -> None:
    row = arrives("harbour@copies.picketline.example", message(From="ann@writers.example"))
    assert row is not None
    for verb in (lambda: publish(row.pk, "x", ""), lambda: decline(row.pk)):
        with pytest.raises(NotPublishable, match=f"number {row.pk}"):
            verb()


def test_a_reply_whose_text_is_erased_or_whose_target_is_gone_is_refused(
    campaign: Campaign,
) -> None:
    row = reply(campaign)
    IncomingMessage.objects.update(target=None)
    with pytest.raises(NotPublishable, match="who sent"):
        publish(row.pk, "x", "")
    IncomingMessage.objects.update(content_ct=None)
    with pytest.raises(NotPublishable, match="erased"):
        publish(row.pk, "x", "")


def test_the_desk_has_the_rights_to_publish_and_decline(acting_as: ActingAs) -> None:
    row = reply(builders.campaign())
    with acting_as("desk"):
        publish(row.pk, None, "en")
        decline(row.pk)
        publish(row.pk, "Edited.", "en")
    assert shown().text == "Edited."
