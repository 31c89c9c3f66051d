"""Signing without Django: the same checks, texts, seals and rows, by hand.

It is as fast as this product could become if it gave up its framework: four statements that
read the campaign, one that writes everything. It knows one case, a person who signs for
themselves, and neither the check against forged requests nor the faults a person can make.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import psycopg

from bench import raw_statements as statements
from picketline.mail.addresses import canonical, parse_address
from picketline.mail.compose import new_message_id
from picketline.seal import boxes, index, secretbox, tokens
from picketline.seal.keys import PublicKeys
from picketline.text import languages, placeholders
from picketline.text.plain import clean_line, clean_text

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Row = tuple[Any, ...]
Fields = dict[str, str]
Letters = list[dict[str, Any]]
CONSENTS = {"consent_send": "send", "consent_show_name": "show name", "consent_updates": "updates"}


class RawSign:
    """A WSGI application that takes the form's last step."""

    def __init__(
        self, connection: psycopg.Connection[Row], keys: PublicKeys, mail_domain: str, slug: str
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._mail_domain = mail_domain
        self._slug = slug

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Check, render, seal, write, and send the browser on."""
        length = int(environ["CONTENT_LENGTH"])
        typed = dict(parse_qsl(environ["wsgi.input"].read(length).decode(), keep_blank_values=True))
        fields = self._checked(typed)
        campaign = self._connection.execute(statements.CAMPAIGN, [self._slug]).fetchone()
        if campaign is None:
            raise LookupError(self._slug)
        identity, default, public_key, state, closes_on = campaign
        today = datetime.datetime.now(datetime.UTC).date()
        if state != "open" or (closes_on is not None and today > closes_on):
            raise PermissionError(self._slug)
        letters = self._letters(identity, default, fields)
        self._write(identity, bytes(public_key), fields, letters)
        start("302 Found", [("Location", f"/en/campaigns/{self._slug}/sent/")])
        return [b""]

    def _checked(self, typed: dict[str, str]) -> Fields:
        """The fields, as the form would let them through."""
        if typed["signs_as"] != "person" or typed["replies"] not in ("alias", "writer"):
            raise ValueError("signs_as, replies")
        if not languages.is_country(typed["country"]) or typed.get("consent_send") != "on":
            raise ValueError("country, consent")
        return {
            **typed,
            "name": clean_line(typed["name"], max_graphemes=70, name=True),
            "own_words": clean_text(typed["own_words"], max_graphemes=1000, no_contact=True),
            "email": parse_address(typed["email"], own_domains=(self._mail_domain,)),
        }

    def _letters(self, campaign: int, default: str, fields: Fields) -> Letters:
        """The letter to each target, as plain data."""
        models = {
            (language, role): (identity, subject, body)
            for identity, language, role, subject, body in self._rows(statements.MODELS, campaign)
        }
        demands = self._rows(statements.DEMANDS, campaign)
        letters: Letters = []
        for target, key, role, wanted, salutations in self._rows(statements.TARGETS, campaign):
            language = fields["letter_language"] or wanted
            identity, subject, body = models.get((language, role)) or models[language, ""]
            country = languages.country_name(fields["country"], language)
            values = {
                "salutation": salutations.get(language) or salutations[default],
                "own_words": fields["own_words"],
                "demands": "\n".join(
                    f"{number}. {texts.get(language) or texts[default]}"
                    for number, (texts,) in enumerate(demands, 1)
                ),
                "signature": f"{fields['name']}\n{country}",
            }
            letters.append(
                {
                    "target_id": target,
                    "target_key": key,
                    "model_letter_id": identity,
                    "language": language,
                    "subject": subject,
                    "body": placeholders.fill(body, values),
                }
            )
        return letters

    def _rows(self, statement: statements.Statement, campaign: int) -> list[Row]:
        return self._connection.execute(statement, [campaign]).fetchall()

    def _write(
        self,
        campaign: int,
        public_key: bytes,
        fields: Fields,
        letters: Letters,
    ) -> None:
        token = tokens.new_token()
        status_token = tokens.derive(token, tokens.STATUS)
        row = tokens.token_hash(status_token, tokens.STATUS)
        address = canonical(fields["email"])
        now = datetime.datetime.now(datetime.UTC)
        values = {
            "campaign": campaign,
            "address_index": index.blind_index(self._keys.index, str(campaign), address),
            "confirm_hash": tokens.token_hash(token, tokens.CONFIRM),
            "row": row,
            "country": fields["country"],
            "replies": fields["replies"],
            "now": now,
            "dated": now.replace(microsecond=0),
            "targets": [letter["target_id"] for letter in letters],
            "models": [letter["model_letter_id"] for letter in letters],
            "consents": [kind for name, kind in CONSENTS.items() if fields.get(name) == "on"],
            "budget_hash": index.keyed_hash(self._keys.budget, address),
            "message_id": new_message_id(f"confirmations.{self._mail_domain}"),
            **_sealed(fields, letters, token, public_key, row),
            "link": _locked(fields, letters, tokens.link_key(status_token), row),
        }
        self._connection.execute(statements.WRITE, values)


def _signature(fields: Fields) -> dict[str, Any]:
    return {
        "name": fields["name"],
        "country": fields["country"],
        "organisation": "",
        "role": "",
        "members": None,
    }


def _sealed(
    fields: Fields, letters: Letters, token: str, public_key: bytes, row: bytes
) -> dict[str, bytes]:
    parts = {
        "address": fields["email"].encode(),
        "token": token.encode(),
        "signature": _dump(_signature(fields)),
        "texts": _dump(letters),
    }
    return boxes.seal_many(public_key, parts, b"submission|" + row)


def _locked(fields: Fields, letters: Letters, key: bytes, row: bytes) -> bytes:
    whole = {
        "own_words": fields["own_words"],
        "address": fields["email"],
        "signature": _signature(fields),
        "letters": letters,
    }
    return secretbox.lock(key, _dump(whole), b"link|" + row)


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
