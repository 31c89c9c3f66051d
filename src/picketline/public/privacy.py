"""The privacy notice."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from picketline.domain import retention


@require_safe
def notice(request: HttpRequest) -> HttpResponse:
    """What is kept, what for and how long; the periods are those that ``tidy`` enforces."""
    periods = {
        "unconfirmed_days": retention.UNCONFIRMED_FOR.days,
        "address_days": retention.ADDRESS_FOR.days,
        "text_days": retention.TEXT_FOR.days,
        "index_days": retention.INDEX_FOR.days,
        "reply_days": retention.SERVER_REPLIES_FOR.days,
        "evidence_days": retention.EVIDENCE_FOR.days,
        "raw_days": retention.RAW_FOR.days,
        "content_days": retention.CONTENT_FOR.days,
    }
    return render(request, "public/privacy.html", periods)
