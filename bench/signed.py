"""Delivering with a DKIM signature by RSA-2048 under each letter; else as ``bench.deliver``."""

from __future__ import annotations

import dataclasses

from django.core.management import call_command

from bench import deliver, rounds


def measure(size: rounds.Size) -> rounds.Report:
    """Letters per second, as ``bench.deliver`` counts them."""
    call_command("dkim", "new", "--stream", "letters", "--kind", "rsa", stdout=_Nowhere())
    return dataclasses.replace(deliver.measure(size), name="signed")


class _Nowhere:
    """The records to publish are of no interest here."""

    def write(self, _: str) -> None:
        """Nothing."""
