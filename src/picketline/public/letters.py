"""Writing a letter: the form, the letters as they will be sent, and the page after sending.

There is no session: the second step carries what was typed in the first, and every answer to a
POST that does not succeed shows it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from picketline.domain import drafts
from picketline.domain.campaigns import CampaignClosed
from picketline.domain.drafts import Drafts
from picketline.domain.letters import RenderedLetter, fill
from picketline.domain.submissions import submit
from picketline.forms.letters import MOST_OWN_WORDS, ConsentForm, LetterForm
from picketline.models import Campaign
from picketline.public.campaigns import public_campaign
from picketline.public.clock import today
from picketline.public.showing import campaign_text
from picketline.public.targets import target_names
from picketline.text.languages import listed
from picketline.text.plain import graphemes

CHANGE, PREVIEW, SEND = "change", "preview", "send"
_AT_FIRST = {"signs_as": "person", "replies": "alias"}


@dataclass(frozen=True)
class LetterShown:
    """A letter, and the same to read where it is not in the page's language.

    ``to`` names its target, or all of them where all get the same.
    """

    to: str
    letter: RenderedLetter
    reading: RenderedLetter | None = None


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest, slug: str) -> HttpResponse:
    """The form; posted, the letters to read; posted from there, the submission."""
    campaign = public_campaign(slug)
    if not campaign.accepts_letters(today()):
        return _closed(request, campaign)
    read = drafts.read(campaign)
    if request.method != "POST":
        return _form_page(request, campaign, _blank(read, _AT_FIRST))
    if request.POST.get("step") == CHANGE:
        return _form_page(request, campaign, _blank(read, request.POST.dict()))
    form = _filled(request, read)
    if not form.is_valid():
        return _form_page(request, campaign, form, status=400)
    if request.POST.get("step") == SEND:
        return _send(request, campaign, read, form)
    return _preview_page(request, campaign, read, form, ConsentForm())


@require_safe
def sent(request: HttpRequest, slug: str) -> HttpResponse:
    """What happens next: the same page for everyone, whatever address was given."""
    campaign = public_campaign(slug)
    context = {"campaign": campaign, "text": campaign_text(campaign, get_language())}
    return render(request, "public/sent.html", context)


def write_again(request: HttpRequest, slug: str) -> HttpResponse:
    """The page that was posted from, with all that was typed: its security token had expired."""
    campaign = public_campaign(slug)
    read = drafts.read(campaign)
    form = _filled(request, read)
    if request.POST.get("step") == SEND and form.is_valid():
        consents = ConsentForm(initial=request.POST.dict())
        return _preview_page(request, campaign, read, form, consents, stale=True, status=403)
    unjudged = _blank(read, request.POST.dict())
    return _form_page(request, campaign, unjudged, stale=True, status=403)


def shown_letters(
    campaign: Campaign, letters: Sequence[RenderedLetter], readings: Sequence[RenderedLetter] = ()
) -> list[LetterShown]:
    """The letters with their targets' names, each beside its reading where that is another."""
    names = target_names(campaign, get_language())
    beside = {each.target_id: each for each in readings}
    if campaign.addressing == Campaign.Addressing.ALL and letters:
        everybody = listed([names[each.target_id].name for each in letters], get_language())
        return [LetterShown(everybody, letters[0], _other(letters[0], next(iter(readings), None)))]
    return [
        LetterShown(
            names[letter.target_id].name, letter, _other(letter, beside.get(letter.target_id))
        )
        for letter in letters
    ]


def _send(request: HttpRequest, campaign: Campaign, read: Drafts, form: LetterForm) -> HttpResponse:
    consents = ConsentForm(request.POST)
    if not consents.is_valid():
        return _preview_page(request, campaign, read, form, consents, status=400)
    submission = form.submission(get_language(), consents.consents())
    try:
        submit(campaign, submission, _letters(read, form))
    except CampaignClosed:
        return _closed(request, campaign)
    return redirect("sent", campaign.slug)


def _form_page(
    request: HttpRequest,
    campaign: Campaign,
    form: LetterForm,
    *,
    stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "campaign": campaign,
        "text": campaign_text(campaign, get_language()),
        "form": form,
        "letter_languages": form.letter_languages,
        "most_own_words": MOST_OWN_WORDS,
        "stale": stale,
    }
    return render(request, "public/write.html", context, status=status)


def _preview_page(
    request: HttpRequest,
    campaign: Campaign,
    read: Drafts,
    form: LetterForm,
    consents: ConsentForm,
    *,
    stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    letters = _letters(read, form)
    own_words = form.cleaned_data["own_words"]
    context = {
        "campaign": campaign,
        "text": campaign_text(campaign, get_language()),
        "form": form,
        "consents": consents,
        "letters": shown_letters(campaign, letters, _readings(read, form)),
        "own_share": _share(own_words, letters),
        "stale": stale,
    }
    return render(request, "public/preview.html", context, status=status)


def _letters(read: Drafts, form: LetterForm) -> list[RenderedLetter]:
    words = form.cleaned_data["own_words"]
    return fill(read, words, form.signature(), form.cleaned_data["letter_language"])


def _readings(read: Drafts, form: LetterForm) -> list[RenderedLetter]:
    """The same letters in the page's language, or else in the campaign's own."""
    language = get_language()
    known = language if language in read.languages else read.default_language
    return fill(read, form.cleaned_data["own_words"], form.signature(), known)


def _other(letter: RenderedLetter, reading: RenderedLetter | None) -> RenderedLetter | None:
    page_language = get_language()
    if reading is None or reading.language == letter.language or letter.language == page_language:
        return None
    return reading


def _share(own_words: str, letters: Sequence[RenderedLetter]) -> int:
    """How many per cent of the first letter are the writer's own words."""
    whole = graphemes(letters[0].body) if letters else 0
    return round(100 * graphemes(own_words) / whole) if whole else 0


def _closed(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The campaign takes no letters; what was typed is shown, so that its writer can keep it."""
    context = {
        "campaign": campaign,
        "text": campaign_text(campaign, get_language()),
        "own_words": request.POST.get("own_words", ""),
    }
    return render(request, "public/closed.html", context, status=409)


def _filled(request: HttpRequest, read: Drafts) -> LetterForm:
    return LetterForm(request.POST, letter_languages=read.languages)


def _blank(read: Drafts, initial: dict[str, str]) -> LetterForm:
    return LetterForm(initial=initial, letter_languages=read.languages)
