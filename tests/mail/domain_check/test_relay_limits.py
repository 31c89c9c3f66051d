"""The relay must give up on a silent client before we judge its letter."""

from picketline.mail.domain_check.findings import Level
from picketline.mail.domain_check.relay_limits import timeouts


def test_a_relay_that_gives_up_first_is_right() -> None:
    assert timeouts(60, lease=120, grace=120).level is Level.OK
    assert timeouts(239, lease=120, grace=120).level is Level.OK


def test_a_relay_that_waits_as_long_as_we_do_is_a_fault_that_its_setting_mends() -> None:
    found = timeouts(240, lease=120, grace=120)
    assert found.level is Level.FAULT
    assert found.publish == "smtpd_timeout = 60s"
    assert timeouts(60, lease=120, grace=120).level is Level.OK


def test_a_relay_that_cannot_be_asked_is_a_warning() -> None:
    assert timeouts(None, lease=120, grace=120).level is Level.WARNING
