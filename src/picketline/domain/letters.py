"""Letters: the model letter and a supporter's own words made into one text for each target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext, ngettext

from picketline.domain import drafts
from picketline.domain.drafts import Addressee, Draft, Drafts, Texts
from picketline.models import Campaign
from picketline.text import languages, placeholders

TO_BE_WRITTEN = "[…]"
RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT MARK}"  # dots alone have no direction, and count as left to right


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


def render(
    campaign: Campaign, own_words: str, signature: Signature, letter_language: str = ""
) -> list[RenderedLetter]:
    """``fill`` with the campaign's drafts as they are now; one query."""
    return fill(drafts.read(campaign), own_words, signature, letter_language)


def fill(
    read: Drafts, own_words: str, signature: Signature, letter_language: str = ""
) -> list[RenderedLetter]:
    """One letter for each current target, in the targets' order.

    Each is in ``letter_language`` where the campaign has a model letter in it, else in the target's
    language, else in the campaign's default. Where all targets get the same letter, it is the
    general one in ``letter_language`` or the default, and greets them all.
    Raises ``NoModelLetter`` where there is none at all.
    """
    default = read.default_language
    letters = []
    for addressee in read.addressees:
        greeted, role = [addressee], addressee.role
        wanted = [letter_language, addressee.language, default]
        if read.together:
            greeted, role, wanted = read.addressees, "", [letter_language, default]
        language, draft = _draft_for(read, addressee.key, role, wanted)
        values = {
            "salutation": _greetings(greeted, language, default),
            "own_words": own_words.strip(),
            "demands": _numbered(read.demands, language, default),
            "signature": signature_block(signature, language),
        }
        letters.append(
            RenderedLetter(
                target_id=addressee.target_id,
                target_key=addressee.key,
                model_letter_id=draft.model_letter_id,
                language=language,
                subject=draft.subject,
                body=placeholders.fill(draft.body, values),
            )
        )
    return letters


def unsigned(read: Drafts, language: str) -> RenderedLetter:
    """The general letter to all targets for somebody to go on with in their own mail program.

    It has dots where the writer's own words and name belong. Raises ``NoModelLetter``.
    """
    default = read.default_language
    language, draft = _draft_for(read, "all", "", [language, default])
    mark = RIGHT_TO_LEFT if languages.direction(language) == "rtl" else ""
    values = {
        "salutation": _greetings(read.addressees, language, default),
        "own_words": mark + TO_BE_WRITTEN,
        "demands": _numbered(read.demands, language, default),
        "signature": mark + TO_BE_WRITTEN,
    }
    body = placeholders.fill(draft.body, values)
    return RenderedLetter(0, "", draft.model_letter_id, language, draft.subject, body)


def signature_block(signature: Signature, language: str) -> str:
    """The lines below a letter: name; role and organisation and whom it speaks for; country."""
    lines = [signature.name]
    with translation.override(language):
        if signature.organisation:
            lines.append(_position(signature))
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


def _position(signature: Signature) -> str:
    if not signature.role:
        return signature.organisation
    # Translators: below a letter, like "secretary, Shipyard branch 12".
    words = gettext("%(role)s, %(organisation)s")
    return words % {"role": signature.role, "organisation": signature.organisation}


def _draft_for(read: Drafts, key: str, role: str, wanted: Sequence[str]) -> tuple[str, Draft]:
    """The model letter in the first of these languages that there is one in, and the language."""
    letters = read.letters
    for language in wanted:
        draft = letters.get((language, role)) or letters.get((language, ""))
        if draft is not None:
            return language, draft
    raise NoModelLetter(f"{key}: no model letter in any of: {', '.join(filter(None, wanted))}")


def _greetings(greeted: Iterable[Addressee], language: str, default_language: str) -> str:
    return "\n".join(_in(language, each.salutations, default_language) for each in greeted)


def _numbered(demands: Iterable[Texts], language: str, default_language: str) -> str:
    return "\n".join(
        f"{number}. {_in(language, texts, default_language)}"
        for number, texts in enumerate(demands, 1)
    )


def _in(language: str, texts: Texts, default_language: str) -> str:
    """The text in one language, or in the default where there is none in it."""
    return texts.get(language) or texts.get(default_language, "")
