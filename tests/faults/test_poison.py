"""Letters that can never go, among a hundred that can (D15)."""

from __future__ import annotations

import pytest
from tests import postoffice
from tests.faults import stand
from tests.faults.stand import WAYS, State
from tests.postoffice import Peer

from picketline.models import SealedSubmission, Supporter, TargetVersion

pytestmark = pytest.mark.django_db

LETTERS = 104


@WAYS
def test_a_hundred_others_go_out(intents: int) -> None:
    """One writer's text is damaged, another's is erased."""
    stand.letters(LETTERS)
    damaged, erased = Supporter.objects.order_by("pk")[:2]
    SealedSubmission.objects.filter(supporter=damaged).update(texts_ct=b"not what was sealed")
    SealedSubmission.objects.filter(supporter=erased).delete()
    with Peer() as server:
        for _ in range(2 * LETTERS // 20 + 2):
            stand.send(server, intents)
    ends = stand.ends()
    assert ends.count((State.ACCEPTED, "accepted")) == LETTERS - 4
    assert ends.count((State.FAILED, "poison")) == 2
    assert ends.count((State.CANCELLED, "erased")) == 2
    stand.once_each(stand.kept(server))


@WAYS
@pytest.mark.parametrize("address", ["a@x.example, b@y.example", "a@x.example\r\nDATA", "a@\ud7ff"])
def test_an_address_that_is_none_stops_only_letters_to_it(address: str, intents: int) -> None:
    stand.letters(4)
    TargetVersion.objects.filter(address="office@owner.example").update(address=address)
    with Peer() as server:
        stand.send(server, intents, rounds=2)
        postoffice.make_due()
    assert [state for state, _ in stand.ends()] == [State.ACCEPTED] * 2 + [State.FAILED] * 2
    recipients = {line for line in server.lines if line.startswith(b"RCPT")}
    assert recipients == {b"RCPT TO:<office@company.example>"}
