"""Database roles: PostgreSQL itself holds each process to its own work."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone
from tests import builders, writers
from tests.conftest import ActingAs

from picketline.domain import (
    roles,
)
from picketline.models import Delivery

LONG_AGO = timedelta(days=400)
SECRETS = {
    "sealedsubmission": {"supporter_id"},
    "copyaddress": {"id", "campaign_id", "active"},
    "sealedreply": set(),
    "attempt": set(),
    "evidence": set(),
    "relayhealth": set(),
    "relaylog": set(),
    "relayprobe": set(),
    "gate": set(),
    "incomingmessage": {"delivery_id", "kind", "received_at"},
    "confirmationsent": set(),
    "suppression": {"address_hash"},
    "countentry": {"id"},
}
WRITES = {
    "INSERT": {
        "consent",
        "countentry",
        "delivery",
        "letter",
        "letterpart",
        "sealedsubmission",
        "supporter",
        "suppression",
    },
    "DELETE": {"consent", "letterpart", "publicname", "sealedsubmission"},
    "TRUNCATE": set(),
    "REFERENCES": set(),
    "TRIGGER": set(),
}
CHANGES = {
    "supporter": {"state", "confirmed_on", "address_index", "erased_on"},
    "letter": {"link_ct", "frozen_at"},
    "sealedsubmission": {"signature_ct"},
    "delivery": {"state", "settled_at", "outcome", "budget_hash", "recalled"},
}


def columns_with(privilege: str, role: str) -> dict[str, set[str]]:
    """Columns of our tables on which PostgreSQL grants this, by table."""
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0"
            " AND NOT attisdropped AND has_column_privilege(%s, pg_class.oid, attnum, %s)",
            [role, privilege],
        )
        for table, column in cursor.fetchall():
            found.setdefault(table.removeprefix("picketline_"), set()).add(column)
    return found


def tables_with(privilege: str, role: str) -> set[str]:
    """Tables on which PostgreSQL grants this as a whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND has_table_privilege(%s, oid, %s)",
            [role, privilege],
        )
        return {table.removeprefix("picketline_") for (table,) in cursor.fetchall()}


@pytest.mark.django_db
def test_the_public_role_reads_of_secret_tables_what_it_must_and_nothing_more() -> None:
    readable = columns_with("SELECT", roles.PUBLIC)
    assert {table: readable.get(table, set()) for table in SECRETS} == SECRETS


@pytest.mark.django_db
@pytest.mark.parametrize("privilege", WRITES)
def test_the_public_role_writes_only_what_the_journey_needs(privilege: str) -> None:
    assert tables_with(privilege, roles.PUBLIC) == WRITES[privilege]


@pytest.mark.django_db
def test_the_public_role_changes_only_what_the_journey_changes() -> None:
    assert columns_with("UPDATE", roles.PUBLIC) == CHANGES


@pytest.mark.django_db
def test_preparing_again_takes_back_what_was_granted_by_hand() -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT ON picketline_sealedreply TO picketline_public")
        cursor.execute(
            "GRANT SELECT (address_ct) ON picketline_sealedsubmission TO picketline_public"
        )
    roles.prepare()
    assert columns_with("SELECT", roles.PUBLIC).get("sealedreply") is None
    assert columns_with("SELECT", roles.PUBLIC)["sealedsubmission"] == {"supporter_id"}


@pytest.mark.django_db
def test_nobody_but_the_owner_changes_tables() -> None:
    with connection.cursor() as cursor:
        for role in (roles.PUBLIC, roles.DESK, roles.WORKER):
            cursor.execute("SELECT has_schema_privilege(%s, 'public', 'CREATE')", [role])
            assert cursor.fetchone() == (False,)
            assert tables_with("TRUNCATE", role) == set()


@pytest.mark.django_db
def test_the_desk_moves_no_mail_and_touches_no_supporter() -> None:
    journal = {"supporter", "sealedsubmission", "attempt", "countentry", "campaigncount"}
    for privilege in ("INSERT", "UPDATE", "DELETE"):
        assert not journal & tables_with(privilege, roles.DESK)
    assert columns_with("UPDATE", roles.DESK)["delivery"] == {
        "state",
        "outcome",
        "settled_at",
        "recalled",
    }


FORBIDDEN = {
    "public": [
        "SELECT address_ct FROM picketline_sealedsubmission",
        "SELECT token_ct FROM picketline_sealedsubmission",
        "SELECT signature_ct FROM picketline_sealedsubmission",
        "SELECT texts_ct FROM picketline_sealedsubmission",
        "SELECT * FROM picketline_sealedsubmission",
        "DELETE FROM picketline_sealedsubmission RETURNING address_ct",
        "SELECT address FROM picketline_copyaddress",
        "SELECT text_ct FROM picketline_sealedreply",
        "SELECT address_hash FROM picketline_confirmationsent",
        "SELECT raw_ct FROM picketline_incomingmessage",
        "SELECT name FROM picketline_gate",
        "UPDATE picketline_publishedreply SET text = 'x'",
        "SELECT created_on FROM picketline_suppression",
        "DELETE FROM picketline_suppression",
        "UPDATE picketline_campaign SET state = 'open'",
        "UPDATE picketline_targetversion SET address = 'x@evil.example'",
        "UPDATE picketline_supporter SET confirm_hash = ''",
        "DELETE FROM picketline_supporter",
        "DELETE FROM picketline_delivery",
        "UPDATE picketline_delivery SET message_id = 'x'",
        "UPDATE picketline_campaigncount SET total = 0",
        "DELETE FROM picketline_countentry",
        "CREATE TABLE mine (x int)",
        "COPY picketline_sealedsubmission TO STDOUT",
    ],
    "desk": [
        "UPDATE picketline_campaigncount SET total = 1000000",
        "INSERT INTO picketline_countentry (delta) VALUES (5)",
        "UPDATE picketline_sealedsubmission SET texts_ct = ''",
        "DELETE FROM picketline_supporter",
        "UPDATE picketline_incomingmessage SET kind = 'copy'",
        "DELETE FROM picketline_incomingmessage",
    ],
    "worker": [
        "UPDATE picketline_campaign SET state = 'open'",
        "UPDATE picketline_modelletter SET body = 'x'",
        "DELETE FROM picketline_suppression",
        "UPDATE picketline_suppression SET created_on = now()",
        "UPDATE picketline_targetversion SET address = 'x@evil.example'",
        "UPDATE picketline_publishedreply SET text = 'x'",
        "DROP TABLE picketline_delivery",
    ],
}


@pytest.mark.parametrize("process", FORBIDDEN)
def test_what_is_not_its_work_is_refused_to_a_process(process: str, acting_as: ActingAs) -> None:
    with acting_as(process):
        for statement in FORBIDDEN[process]:
            with (
                pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)


@pytest.mark.skipif(
    bool(settings.ENVIRONMENT.database_url),
    reason="needs a login for each process, as the embedded database has: DATABASE_URL gives one",
)
def test_a_process_with_a_login_of_its_own_cannot_take_anothers_role(acting_as: ActingAs) -> None:
    with (
        acting_as("public"),
        pytest.raises(ProgrammingError, match="permission denied"),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET ROLE picketline_worker")


def _states_as(process: str, acting_as: ActingAs, before: str, after: str) -> str:
    """The state that mails have after a process tried to move them."""
    writers.confirmed(builders.campaign())
    since = timezone.now() if before == "uncertain" else None
    Delivery.objects.update(state=before, uncertain_since=since)
    with acting_as(process), suppress(ProgrammingError), transaction.atomic():
        Delivery.objects.update(state=after)
    (state,) = Delivery.objects.values_list("state", flat=True).distinct()
    return state


@pytest.mark.parametrize("process", ["public", "desk"])
@pytest.mark.parametrize("before", ["accepted", "cancelled", "uncertain", "failed"])
def test_neither_website_nor_desk_can_have_a_letter_sent_again(
    process: str, before: str, acting_as: ActingAs
) -> None:
    assert _states_as(process, acting_as, before, "queued") == before


@pytest.mark.parametrize("process", ["public", "desk"])
def test_neither_website_nor_desk_can_say_that_a_letter_arrived(
    process: str, acting_as: ActingAs
) -> None:
    assert _states_as(process, acting_as, "queued", "accepted") == "queued"


def test_the_website_can_cancel_what_nobody_sends(acting_as: ActingAs) -> None:
    assert _states_as("public", acting_as, "deferred", "cancelled") == "cancelled"


def test_a_table_of_the_same_name_does_not_get_around_the_rule(acting_as: ActingAs) -> None:
    writers.confirmed(builders.campaign())
    Delivery.objects.update(state="accepted")
    with acting_as("public"), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE picketline_delivery (due_at int)")
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute("UPDATE public.picketline_delivery SET state = 'queued'")


def test_who_may_not_give_roles_is_told_what_to_ask_for(acting_as: ActingAs) -> None:
    with acting_as("public"), pytest.raises(roles.RolesRefused) as refusal:
        roles.prepare()
    assert "GRANT picketline_worker TO CURRENT_USER;" in str(refusal.value)
    assert "PICKETLINE_DATABASE_ROLES=false" in str(refusal.value)


@pytest.mark.django_db
def test_a_role_that_is_missing_is_made_and_given_to_the_owner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(roles, "WORKER", "picketline_newcomer")
    roles.prepare()
    assert "delivery" in tables_with("DELETE", "picketline_newcomer")


@pytest.mark.django_db
def test_a_fault_that_is_no_refusal_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "_CONTENT", ("no_such_table",))
    with pytest.raises(ProgrammingError, match="no_such_table"):
        roles.prepare()
