"""No column holds text of a person in the clear: each one has been thought about, here."""

from __future__ import annotations

from django.apps import apps
from django.db import models

# Every column that could hold text of a person, and why it holds none. A new one must be added
# here by somebody who has thought about it.
ORGANISERS = "written by organisers, for the public page or the letter"
CODE = "one of our own codes, a language or a country"
SEALED = "sealed or locked; who steals the database has no key"
HASH = "a keyed hash, or the hash of 160 random bits"
RANDOM = "random, or made of random values"
INTERNAL = "our own name for a thing: a number, or a target's domain"
PUBLISHED = "a target's words that an organiser put on the public page"
KEY = "a public key, or a private one that is sealed"
SERVER = "a code of SMTP or of the relay's log, no text"
ASKED = "public because its bearer asked for it"
ALLOWED = {
    "Organisation": {"slug name website": ORGANISERS},
    "Campaign": {
        "slug": ORGANISERS,
        "default_language": CODE,
        "public_key sealed_private_key": KEY,
    },
    "CampaignText": {
        "language": CODE,
        "title summary writing_prompt guidance do_not_mention story": ORGANISERS,
    },
    "CopyAddress": {"address": ORGANISERS},
    "Source": {"key title publisher url": ORGANISERS},
    "Fact": {"key": ORGANISERS},
    "FactText": {"language": CODE, "text": ORGANISERS},
    "PersonAtRisk": {"key": ORGANISERS},
    "PersonText": {"language": CODE, "name who status": ORGANISERS},
    "Demand": {"key": ORGANISERS},
    "DemandText": {"language": CODE, "text": ORGANISERS},
    "DemandStatusText": {"language": CODE, "note": ORGANISERS},
    "Target": {"key time_zone": ORGANISERS},
    "TargetVersion": {"language": CODE, "address": ORGANISERS},
    "TargetText": {"language": CODE, "name about salutation": ORGANISERS},
    "ModelLetter": {"language": CODE, "subject body": ORGANISERS},
    "Supporter": {
        "address_index confirm_hash status_hash": HASH,
        "page_language country": CODE,
    },
    "SealedSubmission": {"address_ct token_ct signature_ct texts_ct": SEALED},
    "Consent": {"wording": CODE},
    "PublicName": {"name": ASKED, "country": CODE},
    "Letter": {"link_ct": SEALED},
    "Delivery": {
        "message_id": RANDOM,
        "budget_hash mime_sha256 envelope_hash reply_hash": HASH,
        "outcome enhanced_code": SERVER,
    },
    "Attempt": {"outcome enhanced_code": SERVER, "relay": INTERNAL},
    "SealedReply": {"text_ct": SEALED},
    "Evidence": {"queue_id": SERVER},
    "RelayHealth": {"relay": INTERNAL},
    "RelayLog": {"relay": INTERNAL, "mark": HASH},
    "RelayProbe": {"relay": INTERNAL, "envelope_hash": HASH},
    "Gate": {"name": INTERNAL},
    "IncomingMessage": {
        "raw_ct content_ct": SEALED,
        "fingerprint": HASH,
        "enhanced_code": SERVER,
        "reason": CODE,
    },
    "PublishedReply": {"text": PUBLISHED, "language": CODE},
    "ConfirmationSent": {"address_hash": HASH},
    "Suppression": {"address_hash": HASH},
}
_HARMLESS = (
    models.BooleanField,
    models.IntegerField,
    models.FloatField,
    models.TimeField,
    models.AutoField,
    models.DateField,
    models.ForeignKey,
)


def test_every_column_that_could_hold_personal_text_has_been_thought_about() -> None:
    could = {
        (model.__name__, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if not isinstance(field, _HARMLESS) and not field.choices
    }
    allowed = {
        (model, name)
        for model, columns in ALLOWED.items()
        for names in columns
        for name in names.split()
    }
    assert could - allowed == set(), "unmarked: say above why it holds no personal text"
    assert allowed - could == set(), "no longer there"
