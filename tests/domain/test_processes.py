"""Each process does all its work with the database role and the keys of its own."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from tests import builders, postoffice, writers
from tests.conftest import ActingAs

from picketline.domain import (
    campaigns,
    counts,
    deliveries,
    digests,
    leases,
    letter_status,
    names,
    retention,
    submissions,
    supporters,
)
from picketline.domain.dumping import content_of
from picketline.domain.letters import render
from picketline.domain.loading import load
from picketline.mail.addresses import EmailAddr
from picketline.models import (
    Attempt,
    Campaign,
    Consent,
    Delivery,
    SealedReply,
    Supporter,
    Suppression,
)
from picketline.seal import tokens

LONG_AGO = timedelta(days=400)
HOUR = timedelta(hours=1)


@pytest.fixture
def public_keys_only(key_folder: Path, tmp_path: Path, settings) -> None:
    """A key folder as the public process has it: without its private half."""
    shutil.copytree(key_folder / "public", tmp_path / "keys" / "public")
    settings.KEYS = tmp_path / "keys"
    settings.PROCESS = "public"


def test_the_whole_public_journey_passes_as_the_public_role_without_private_keys(
    acting_as: ActingAs,
    monkeypatch: pytest.MonkeyPatch,
    public_keys_only: None,
    key_folder: Path,
    settings,
) -> None:
    settings.KEYS, only_public = key_folder, settings.KEYS
    campaign = builders.campaign()
    settings.KEYS = only_public
    links = []

    def new_token() -> str:  # what the writer finds in the mail, that this process cannot read
        links.append(made())
        return links[-1]

    made = tokens.new_token
    monkeypatch.setattr(tokens, "new_token", new_token)
    with acting_as("public"):
        campaign = Campaign.objects.get(pk=campaign.pk)
        shown = render(campaign, "Mine.", writers.UNION)
        for address in ("jo@writers.example", "jo+2@writers.example", "ann@writers.example"):
            form = writers.form(address=EmailAddr(address), signature=writers.UNION)
            submissions.submit(campaign, form, shown)
        mine, _other, never = links
        assert supporters.open_link(mine).content is not None
        status_token = supporters.confirm(mine)
        assert supporters.confirm(mine) == status_token
        supporters.never_write_again(never)
        assert len(letter_status.status(status_token).deliveries) == 2
        letter_status.withdraw(status_token)
        letter_status.erase(status_token)
        assert letter_status.status(status_token).content is None

    assert sorted(Supporter.objects.values_list("state", flat=True)) == [
        "cancelled",
        "cancelled",
        "withdrawn",
    ]
    assert Suppression.objects.count() == 1


def test_the_worker_does_all_its_work_as_the_worker_role(acting_as: ActingAs, settings) -> None:
    campaign = builders.campaign(copies="daily")
    prepare_work(campaign)
    settings.PROCESS = "worker"
    with acting_as("worker"), postoffice.Peer(answers={"RCPT": b"550 5.1.1 who?\r\n"}) as server:
        counts.sum_up()
        assert names.publish() == 1
        assert digests.queue() == 1
        leases.give_back(leases.claim(1, HOUR)[0])
        assert postoffice.send(server)
        letter_status.finish_withdrawals()
        leases.reap()
        assert retention.tidy().unconfirmed == 1
        assert counts.recount() == []
        assert deliveries.states()

    assert set(Delivery.objects.filter(mail_class="letter").values_list("state", flat=True)) == {
        "failed",
        "cancelled",
    }
    assert SealedReply.objects.exists()
    assert_worker_forgets(campaign, acting_as)


def prepare_work(campaign: Campaign) -> None:
    """Something for every chore: a name, a digest, a withdrawal half done, an old submission."""
    consents = frozenset({Consent.Kind.SEND, Consent.Kind.SHOW_NAME})
    _, leaving = writers.confirmed(campaign, address="ann@writers.example")
    Delivery.objects.filter(mail_class="confirmation").delete()
    postoffice.make_due()
    taken = leases.claim(1, HOUR)
    letter_status.withdraw(leaving)
    leases.give_back(taken[0])
    supporter, _ = writers.confirmed(campaign, consents=consents)
    yesterday = timezone.now() - timedelta(days=1)
    Supporter.objects.filter(pk=supporter.pk).update(confirmed_on=yesterday.date())
    writers.submit(campaign, address="late@writers.example")
    Supporter.objects.filter(state="unconfirmed").update(created_at=timezone.now() - LONG_AGO)
    postoffice.make_due()


def assert_worker_forgets(campaign: Campaign, acting_as: ActingAs) -> None:
    """The worker role erases whatever a campaign that is long over has left behind."""
    campaigns.close(campaign.slug)
    Campaign.objects.update(closed_at=timezone.now() - LONG_AGO)
    Delivery.objects.update(state="cancelled", settled_at=timezone.now() - LONG_AGO)
    Attempt.objects.update(ended_at=timezone.now() - LONG_AGO)
    with acting_as("worker"):
        tidied = retention.tidy()
    assert 0 not in (tidied.addresses, tidied.texts, tidied.indexes)
    assert 0 not in (tidied.server_replies, tidied.evidence)
    assert not SealedReply.objects.exists()


def test_the_desk_loads_moves_and_dumps_a_campaign_as_the_desk_role(
    acting_as: ActingAs, settings
) -> None:
    settings.PROCESS = "desk"
    with acting_as("desk"):
        campaign = builders.campaign()
        changed = builders.content(letters=(builders.letter("en"), builders.letter("ru")))
        load(changed)
        campaigns.suspend(campaign.slug)
        assert content_of(campaign.slug).letters == changed.letters
        campaigns.close(campaign.slug, "won")
    assert Campaign.objects.get().outcome == "won"
