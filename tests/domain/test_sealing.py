"""Sealing: what was typed comes back whole, to its holder, from its own row, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import builders, writers

from picketline.domain import keyring, sealing
from picketline.domain.keyring import NoPrivateKeysHere
from picketline.domain.letters import RenderedLetter, Signature
from picketline.domain.sealing import Content, Erased, opened
from picketline.domain.submissions import submit
from picketline.models import Campaign, Letter, SealedSubmission, Supporter
from picketline.seal import boxes, keys, secretbox, tokens

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
LETTER = st.builds(RenderedLetter, st.integers(1), TEXT, st.integers(1), TEXT, TEXT, TEXT)
CONTENT = st.builds(
    Content,
    own_words=TEXT,
    address=TEXT,
    signature=st.builds(Signature, TEXT, TEXT, TEXT, TEXT, st.none() | st.integers(1)),
    letters=st.lists(LETTER, max_size=3).map(tuple),
)
PARTS = ("address", "token", "signature", "letters")
ROW = b"r" * 32


@pytest.fixture
def campaign(db: None) -> Campaign:
    return builders.campaign()


@given(CONTENT, st.binary(min_size=32, max_size=32))
def test_the_bearer_of_the_link_gets_back_exactly_what_was_typed(content, key) -> None:
    blob = sealing.lock_for_link(content, key, ROW)
    assert sealing.unlock_for_link(blob, key, ROW) == content


@given(CONTENT)
def test_the_worker_gets_back_exactly_what_was_typed(content: Content) -> None:
    pair = boxes.generate()
    token = tokens.new_token()
    sealed = sealing.seal_for_worker(content, token, Campaign(public_key=pair.public), ROW)
    row = SealedSubmission(**{f"{name}_ct": blob for name, blob in sealed.items()})
    found = sealing.OpenedSubmission(row, boxes.Opener(pair.private), ROW)

    assert found.address() == content.address
    assert found.token() == token
    assert found.signature() == content.signature
    assert found.letters() == content.letters


def test_another_link_or_another_row_does_not_open_it() -> None:
    content = Content("Mine.", "jo@writers.example", writers.DOCKER, ())
    blob = sealing.lock_for_link(content, b"k" * 32, ROW)
    for key, row in ((b"x" * 32, ROW), (b"k" * 32, b"s" * 32)):
        with pytest.raises(secretbox.CannotOpen):
            sealing.unlock_for_link(blob, key, row)


@pytest.mark.parametrize("part", PARTS)
def test_sealed_parts_moved_to_another_row_do_not_open(campaign: Campaign, part: str) -> None:
    first = writers.submit(campaign)
    second = writers.submit(campaign)
    theirs = SealedSubmission.objects.filter(pk=first.pk).values().get()
    del theirs["supporter_id"]
    SealedSubmission.objects.filter(pk=second.pk).update(**theirs)
    with pytest.raises(boxes.CannotOpen):
        getattr(opened(Supporter.objects.get(pk=second.pk)), part)()


def test_a_part_does_not_open_in_the_place_of_another(campaign: Campaign) -> None:
    supporter = writers.submit(campaign)
    sealed = SealedSubmission.objects.get()
    SealedSubmission.objects.update(address_ct=sealed.token_ct)
    with pytest.raises(boxes.CannotOpen):
        opened(Supporter.objects.get(pk=supporter.pk)).address()


def test_another_campaigns_key_does_not_open_it(campaign: Campaign) -> None:
    supporter = writers.submit(campaign)
    Supporter.objects.update(campaign=builders.campaign(slug="airport"))
    with pytest.raises(boxes.CannotOpen):
        opened(Supporter.objects.get(pk=supporter.pk)).signature()


def test_a_private_key_moved_to_another_campaign_does_not_open(campaign: Campaign) -> None:
    other = builders.campaign(slug="airport")
    Campaign.objects.filter(pk=other.pk).update(
        public_key=campaign.public_key, sealed_private_key=campaign.sealed_private_key
    )
    other.refresh_from_db()
    with pytest.raises(boxes.CannotOpen):
        keyring.campaign_private_key(other)


@pytest.mark.parametrize("part", PARTS)
def test_an_erased_part_says_so_and_the_others_still_open(campaign: Campaign, part: str) -> None:
    supporter = writers.submit(campaign)
    column = {"letters": "texts_ct"}.get(part, f"{part}_ct")
    SealedSubmission.objects.update(**{column: None})
    found = opened(Supporter.objects.get(pk=supporter.pk))

    with pytest.raises(Erased):
        getattr(found, part)()
    for other in set(PARTS) - {part}:
        assert getattr(found, other)()


def test_a_submission_that_is_wholly_erased_says_so(campaign: Campaign) -> None:
    supporter = writers.submit(campaign)
    SealedSubmission.objects.all().delete()
    with pytest.raises(Erased):
        opened(Supporter.objects.get(pk=supporter.pk))


def test_the_same_submission_twice_has_no_byte_string_in_common(campaign: Campaign) -> None:
    for _ in range(2):
        writers.submit(campaign)
    first, second = SealedSubmission.objects.values_list(
        "address_ct", "token_ct", "signature_ct", "texts_ct"
    )
    blobs = [bytes(blob) for blob in (*first, *second)]
    blobs += [bytes(blob) for blob in Letter.objects.values_list("link_ct", flat=True) if blob]
    assert len(set(blobs)) == len(blobs) == 10


def test_a_public_process_seals_and_cannot_open(
    campaign: Campaign, key_folder: Path, tmp_path: Path, settings
) -> None:
    shutil.copytree(key_folder / "public", tmp_path / "public")
    settings.KEYS = tmp_path
    settings.PROCESS = "public"
    submit(campaign, writers.form(), [])

    with pytest.raises(NoPrivateKeysHere):
        opened(Supporter.objects.get())
    settings.PROCESS = "worker"  # even one that claims to be something else has no key to open with
    with pytest.raises(keys.KeyMissing):
        opened(Supporter.objects.get())
