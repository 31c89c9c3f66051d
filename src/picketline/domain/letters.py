"""Letters: the model letter and a supporter's own words made into one text for each target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import ngettext

from picketline.models import Campaign, Demand, DemandStatus, ModelLetter, Target, TargetVersion
from picketline.text import languages, placeholders

Status = DemandStatus.Status


@dataclass(frozen=True)
class Signature:
    """Who signs. ``organisation``, ``role`` and ``members`` only where somebody signs for one."""

    name: str
    country: str
    organisation: str = ""
    role: str = ""
    members: int | None = None


@dataclass(frozen=True)
class RenderedLetter:
    """The text to one target, exactly as it is shown, sealed and sent."""

    target_id: int
    target_key: str
    model_letter_id: int
    language: str
    subject: str
    body: str


class NoModelLetter(Exception):
    """The campaign has no model letter that could be sent to this target."""


def letter_languages(campaign: Campaign) -> list[str]:
    """Languages that letters can be written in, the campaign's default first."""
    found = campaign.model_letters.filter(current=True, role="").values_list("language", flat=True)
    return sorted(found, key=lambda language: (language != campaign.default_language, language))


def render(
    campaign: Campaign, own_words: str, signature: Signature, letter_language: str = ""
) -> list[RenderedLetter]:
    """One letter for each current target, in the targets' order; six queries however many.

    Each is in ``letter_language`` where the campaign has a model letter in it, else in the target's
    language, else in the campaign's default. Raises ``NoModelLetter`` where there is none at all.
    """
    targets = _current_targets(campaign)
    models = {
        (model.language, model.role): model for model in campaign.model_letters.filter(current=True)
    }
    demands = _standing_demands(campaign)
    letters = []
    for target, version in targets:
        model = _model_for(models, version, letter_language, campaign.default_language)
        values = {
            "salutation": _salutation(target, model.language, campaign.default_language),
            "own_words": own_words.strip(),
            "demands": numbered_demands(demands, model.language, campaign.default_language),
            "signature": signature_block(signature, model.language),
        }
        letters.append(
            RenderedLetter(
                target_id=target.pk,
                target_key=target.key,
                model_letter_id=model.pk,
                language=model.language,
                subject=model.subject,
                body=placeholders.fill(model.body, values),
            )
        )
    return letters


def numbered_demands(demands: Iterable[Demand], language: str, default_language: str) -> str:
    """The demands as lines ``1. …`` in one language, or the default where one has no text in it.

    Withdrawn demands are the caller's to leave out. ``demands`` must have their texts prefetched.
    """
    lines = []
    for number, demand in enumerate(demands, 1):
        texts = {text.language: text.text for text in demand.texts.all()}
        lines.append(f"{number}. {texts.get(language) or texts.get(default_language, '')}")
    return "\n".join(lines)


def signature_block(signature: Signature, language: str) -> str:
    """The lines below a letter: name; role and organisation and whom it speaks for; country."""
    lines = [signature.name]
    with translation.override(language):
        if signature.organisation:
            lines.append(", ".join(filter(None, [signature.role, signature.organisation])))
        if signature.members:
            lines.append(
                ngettext(
                    "on behalf of %(number)s member",
                    "on behalf of %(number)s members",
                    signature.members,
                )
                % {"number": languages.number(signature.members, language)}
            )
    lines.append(languages.country_name(signature.country, language))
    return "\n".join(lines)


def _standing_demands(campaign: Campaign) -> list[Demand]:
    """The demands, with their texts, but for those that were withdrawn."""
    demands = campaign.demands.prefetch_related("texts", "history")
    return [demand for demand in demands if _latest_status(demand) != Status.WITHDRAWN]


def _latest_status(demand: Demand) -> str | None:
    history = list(demand.history.all())  # the model's order: by day
    return history[-1].status if history else None


def _current_targets(campaign: Campaign) -> list[tuple[Target, TargetVersion]]:
    versions = (
        TargetVersion.objects.filter(
            target__campaign=campaign, target__retired_at__isnull=True, current=True
        )
        .select_related("target")
        .prefetch_related("target__texts")
        .order_by("target__position")
    )
    return [(version.target, version) for version in versions]


def _model_for(
    models: dict[tuple[str, str], ModelLetter],
    version: TargetVersion,
    wanted: str,
    default_language: str,
) -> ModelLetter:
    for language in (wanted, version.language, default_language):
        model = models.get((language, version.role)) or models.get((language, ""))
        if model is not None:
            return model
    raise NoModelLetter(f"{version.target.key}: no model letter in {version.language}")


def _salutation(target: Target, language: str, default_language: str) -> str:
    texts = {text.language: text.salutation for text in target.texts.all()}
    return texts.get(language) or texts.get(default_language, "")
