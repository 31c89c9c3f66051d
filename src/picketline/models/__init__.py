"""What exists: the nouns of a letter campaign, with the rules that always hold for their rows.

No I/O and no verbs here: what happens to these rows is in ``picketline.domain``.
"""

from picketline.models.budgets import ConfirmationSent, Suppression
from picketline.models.campaigns import Campaign, CampaignText, CopyAddress
from picketline.models.counts import CampaignCount, CountEntry
from picketline.models.deliveries import Delivery
from picketline.models.demands import Demand, DemandStatus, DemandStatusText, DemandText
from picketline.models.evidence import (
    Attempt,
    Evidence,
    RelayHealth,
    RelayLog,
    RelayProbe,
    SealedReply,
)
from picketline.models.facts import Fact, FactText, Source
from picketline.models.gates import Gate
from picketline.models.incoming import IncomingMessage, PublishedReply
from picketline.models.letters import Letter, LetterPart, ModelLetter
from picketline.models.organisations import Organisation
from picketline.models.people import PersonAtRisk, PersonText
from picketline.models.supporters import Consent, PublicName, SealedSubmission, Supporter
from picketline.models.targets import Target, TargetText, TargetVersion

__all__ = [
    "Attempt",
    "Campaign",
    "CampaignCount",
    "CampaignText",
    "ConfirmationSent",
    "Consent",
    "CopyAddress",
    "CountEntry",
    "Delivery",
    "Demand",
    "DemandStatus",
    "DemandStatusText",
    "DemandText",
    "Evidence",
    "Fact",
    "FactText",
    "Gate",
    "IncomingMessage",
    "Letter",
    "LetterPart",
    "ModelLetter",
    "Organisation",
    "PersonAtRisk",
    "PersonText",
    "PublicName",
    "PublishedReply",
    "RelayHealth",
    "RelayLog",
    "RelayProbe",
    "SealedReply",
    "SealedSubmission",
    "Source",
    "Supporter",
    "Suppression",
    "Target",
    "TargetText",
    "TargetVersion",
]
