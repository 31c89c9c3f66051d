"""What deliveries may point at is never rewritten: targets, model letters, copy addresses."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
from django.utils import timezone
from tests import builders

from picketline.domain.dumping import content_of
from picketline.domain.loading import load
from picketline.models import (
    Campaign,
    CopyAddress,
    Delivery,
    ModelLetter,
    Target,
    TargetText,
    TargetVersion,
)

pytestmark = pytest.mark.django_db


def test_a_changed_target_gets_a_new_version_and_keeps_the_old_one() -> None:
    load(builders.content())
    owner, company = builders.content().targets
    moved = dataclasses.replace(company, address="new@company.example")
    report = load(builders.content(targets=(owner, moved)))
    assert report.changed == ("target company",)
    old, new = TargetVersion.objects.filter(target__key="company").order_by("number")
    assert (old.number, old.current, old.address) == (1, False, "office@company.example")
    assert (new.number, new.current, new.address) == (2, True, "new@company.example")
    assert TargetVersion.objects.filter(target__key="owner").count() == 1


def test_a_target_with_another_salutation_keeps_its_version() -> None:
    load(builders.content())
    targets = dict(builders.words("ru").targets)
    targets["owner"] = dataclasses.replace(targets["owner"], salutation="Good day,")
    report = load(
        builders.content(words=(builders.words("en"), builders.words("ru", targets=targets)))
    )
    assert report.changed == ("target owner",)
    assert TargetText.objects.get(target__key="owner", language="ru").salutation == "Good day,"
    assert TargetVersion.objects.filter(current=True, number=1).count() == 2


def test_a_target_that_leaves_is_retired_and_comes_back_as_the_same() -> None:
    load(builders.content())
    before = Target.objects.get(key="company")
    owner, _company = builders.content().targets
    without = builders.content(targets=(owner,))
    assert load(without).removed == ("target company",)
    gone = Target.objects.get(key="company")
    assert gone.retired_at is not None
    assert gone.texts.count() == 2
    assert [target.key for target in content_of("harbour").targets] == ["owner"]
    assert load(without).touched is False
    assert load(builders.content()).changed == ("target company",)
    back = Target.objects.get(key="company")
    assert (back.pk, back.retired_at) == (before.pk, None)
    assert back.versions.count() == 1
    assert content_of("harbour") == builders.content()


def test_a_target_may_change_its_owner() -> None:
    load(builders.content())
    owner, company = builders.content().targets
    wanted = builders.content(
        targets=(
            dataclasses.replace(owner, owned_by="company"),
            dataclasses.replace(company, owned_by=""),
        )
    )
    load(wanted)
    assert content_of("harbour") == wanted


def test_a_changed_model_letter_becomes_the_next_version() -> None:
    load(builders.content())
    used = ModelLetter.objects.get(language="ru")
    changed = builders.letter("ru", body="{salutation} {own_words} {signature} New.")
    report = load(
        builders.content(letters=(builders.letter("en"), builders.letter("en", "owner"), changed))
    )
    assert report.changed == ("letter ru",)
    old, new = ModelLetter.objects.filter(language="ru").order_by("version")
    assert (old.pk, old.body, old.current) == (used.pk, builders.BODY, False)
    assert (new.version, new.body, new.current) == (2, changed.body, True)


def test_a_model_letter_that_leaves_is_kept_for_its_history_and_comes_back() -> None:
    load(builders.content())
    fewer = builders.content(letters=(builders.letter("en"), builders.letter("ru")))
    assert load(fewer).removed == ("letter en (owner)",)
    assert ModelLetter.objects.get(role="owner").current is False
    assert content_of("harbour") == fewer
    assert load(fewer).touched is False
    assert load(builders.content()).changed == ("letter en (owner)",)
    assert ModelLetter.objects.get(role="owner").current is True


def _copy_to(address: str) -> Delivery:
    return Delivery.objects.create(
        campaign=Campaign.objects.get(),
        mail_class=Delivery.MailClass.ORGANISER_DIGEST,
        copy_address=CopyAddress.objects.get(address=address),
        digest_day=datetime.date(2026, 1, 1),
        message_id=f"<{address}>",
        dated=timezone.now(),
        due_at=timezone.now(),
        created_at=timezone.now(),
    )


def test_a_copy_address_that_was_written_to_is_kept_inactive() -> None:
    load(builders.content(copy_addresses=("a@dockers.example", "b@dockers.example")))
    _copy_to("a@dockers.example")
    report = load(builders.content(copy_addresses=("c@dockers.example",)))
    assert set(report.removed) == {
        "copy address a@dockers.example",
        "copy address b@dockers.example",
    }
    assert dict(CopyAddress.objects.values_list("address", "active")) == {
        "a@dockers.example": False,
        "c@dockers.example": True,
    }
    assert content_of("harbour").copy_addresses == ("c@dockers.example",)
    back = builders.content(copy_addresses=("c@dockers.example", "a@dockers.example"))
    assert load(back).changed == ("copy address a@dockers.example",)
    assert content_of("harbour") == back
