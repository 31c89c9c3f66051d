"""A server that hangs up once it has greeted us: that is noted, and it is left in peace."""

from __future__ import annotations

import pytest
from tests import postoffice
from tests.domain.relay.fake_postfix import NAME
from tests.faults import stand
from tests.postoffice import Peer

from picketline.models import Gate

pytestmark = pytest.mark.django_db(transaction=True)

HUNG_UP = b"250-relay.example\r\n250 PIPELINING\r\n421 4.3.2 closing\r\n"


@stand.WAYS
def test_a_server_that_hangs_up_before_the_first_mail_is_left_in_peace(intents: int) -> None:
    stand.letters(12)
    with Peer(answers={"EHLO": HUNG_UP}) as server:
        hands = stand.worker(server.port, intents)
        rounds = 0
        while hands.run_once() and rounds < 12:
            postoffice.make_due()
            rounds += 1
        hands.close()
    assert Gate.objects.get(name=f"relay:{NAME}").breaker == "open"
    assert server.connections <= 12  # one for each mail at most
    assert {state for state, _ in stand.ends()} <= {"deferred", "queued"}
