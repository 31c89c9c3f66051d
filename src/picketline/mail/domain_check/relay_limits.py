"""The agreement between the relay's patience and ours, on which the fate of letters rests."""

from __future__ import annotations

from picketline.mail.domain_check.findings import Finding, Level

_CHECK = "relay"
_SUBJECT = "smtpd_timeout"


def timeouts(smtpd_timeout: float | None, lease: float, grace: float) -> Finding:
    """Whether the relay drops a silent client before its letter is judged by others; in seconds.

    A letter whose worker fell silent is looked for once lease and grace are over. By then the
    relay must have given up waiting for the dot, or it could still take what we gave up.
    None: the relay's configuration could not be read.
    """
    if smtpd_timeout is None:
        what = "The mail server's smtpd_timeout could not be read."
        return Finding(_CHECK, _SUBJECT, Level.WARNING, what)
    whole = lease + grace
    if smtpd_timeout < whole:
        what = f"The mail server waits {smtpd_timeout:g} seconds, we wait {whole:g}."
        return Finding(_CHECK, _SUBJECT, Level.OK, what)
    what = (
        f"The mail server waits {smtpd_timeout:g} seconds for a silent client, and we judge a "
        f"letter after {whole:g}: it might take a letter that we gave up."
    )
    return Finding(_CHECK, _SUBJECT, Level.FAULT, what, f"smtpd_timeout = {max(1, lease / 2):.0f}s")
