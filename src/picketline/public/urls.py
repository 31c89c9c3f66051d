"""The addresses that visitors use. Those with words in them carry their language in front."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from picketline.public import campaigns, copies, letters, links, machines, privacy

urlpatterns = [
    path("", machines.choose_language, name="choose-language"),
    path("healthz", machines.health, name="health"),
    path("robots.txt", machines.robots, name="robots"),
    path("favicon.ico", machines.favicon, name="favicon"),
    *i18n_patterns(
        path("", campaigns.home, name="home"),
        path("privacy/", privacy.notice, name="privacy"),
        path("campaigns/<slug:slug>/", campaigns.campaign, name="campaign"),
        path("campaigns/<slug:slug>/write/", letters.write, name="write"),
        path("campaigns/<slug:slug>/own-mailbox/", campaigns.own_mailbox, name="own_mailbox"),
        path("campaigns/<slug:slug>/sent/", letters.sent, name="sent"),
        path("confirm/<str:token>/", links.confirm, name="confirm"),
        path("confirm/<str:token>/never/", links.never, name="never"),
        path("letters/<str:token>/", links.status, name="status"),
        path("letters/<str:token>/withdraw/", links.withdraw, name="withdraw"),
        path("letters/<str:token>/consents/", links.take_back, name="take_back"),
        path("letters/<str:token>/erase/", links.erase, name="erase"),
        path("copies/<str:token>/", copies.copy, name="copy"),
        path("copies/<str:token>/consents/", copies.take_back_copy, name="take_back_copy"),
        path("copies/<str:token>/not-mine/", copies.not_mine, name="not_mine"),
    ),
]
