"""``picketline prepare``: makes keys, tables and database roles ready, or up to date."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from picketline.domain import roles
from picketline.seal import keys


class Command(BaseCommand):
    """The one set-up step of an installation; run it again after every upgrade."""

    help = "Make keys, database tables and database roles ready. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Keys first: without them nothing may be written."""
        if settings.PROCESS != "owner":
            raise CommandError("Set PICKETLINE_PROCESS=owner: only the owner may change tables.")
        try:
            keys.create(settings.KEYS)
            keys.load_worker(settings.KEYS)
        except (keys.KeyProblem, OSError) as problem:
            raise CommandError(str(problem)) from None
        call_command("migrate", interactive=False, verbosity=0)
        if settings.DATABASE_ROLES:
            try:
                roles.prepare()
            except roles.RolesRefused as refusal:
                raise CommandError(str(refusal)) from None
        self.stdout.write("Keys, tables and roles are ready.")
