"""Database roles: what each kind of process may do, held by PostgreSQL and not by our own care.

The public process can put sealed submissions in and never read them; it sees the campaigns, the
states of deliveries and what a writer's link unlocks. The worker moves deliveries and erases. The
desk writes campaigns and reads the rest. That public and desk can move a delivery nowhere but to
*cancelled* is a rule of the table (migration 0004).
"""

from __future__ import annotations

from django.db import connection, transaction
from psycopg import errors, sql

PUBLIC, DESK, WORKER = "picketline_public", "picketline_desk", "picketline_worker"

_CONTENT_TABLES = (
    "organisation campaign campaigntext source fact facttext fact_sources personatrisk persontext"
    " personatrisk_sources demand demandtext demandstatus demandstatustext demandstatus_sources"
    " target targetversion targettext modelletter"
)
_CONTENT = tuple(_CONTENT_TABLES.split())

# Table: (privilege, columns); no columns means the whole table.
_PUBLIC_RIGHTS: dict[str, list[tuple[str, str]]] = {
    "supporter": [
        ("SELECT", ""),
        ("INSERT", ""),
        ("UPDATE", "state, confirmed_on, address_index, erased_on"),
    ],
    "sealedsubmission": [
        ("INSERT", ""),
        ("SELECT", "supporter_id"),
        ("UPDATE", "signature_ct"),
        ("DELETE", ""),
    ],
    "letter": [("SELECT", ""), ("INSERT", ""), ("UPDATE", "link_ct, frozen_at")],
    "letterpart": [("SELECT", ""), ("INSERT", ""), ("DELETE", "")],
    "consent": [("SELECT", ""), ("INSERT", ""), ("DELETE", "")],
    "publicname": [("SELECT", ""), ("DELETE", "")],
    "copyaddress": [("SELECT", "id, campaign_id, active")],
    "delivery": [
        ("SELECT", ""),
        ("INSERT", ""),
        ("UPDATE", "state, settled_at, outcome, budget_hash, recalled"),
    ],
    "countentry": [("INSERT", ""), ("SELECT", "id")],
    "publishedreply": [("SELECT", "")],
    "incomingmessage": [("SELECT", "delivery_id, kind, received_at")],
    "suppression": [("INSERT", ""), ("SELECT", "address_hash")],
}
_WORKER_TABLES = (
    "supporter sealedsubmission letter letterpart consent publicname delivery attempt sealedreply"
    " evidence relayhealth relaylog relayprobe gate incomingmessage countentry campaigncount"
    " confirmationsent"
)
_WORKER_WRITES = tuple(_WORKER_TABLES.split())
_DESK_WRITES = (*_CONTENT, "copyaddress", "gate", "publishedreply")


class RolesRefused(Exception):
    """The login may not create roles; the message says what a database administrator can do."""


def prepare() -> None:
    """Create the three roles where they are missing and give each exactly its rights.

    Run by the owner after every migration. Safe to repeat. Raises ``RolesRefused``.
    """
    try:
        for role in (PUBLIC, DESK, WORKER):
            _create(role)
        with transaction.atomic():
            _grant_all()
    except Exception as error:
        if isinstance(error.__cause__, errors.InsufficientPrivilege):
            raise RolesRefused(
                "This database login may not create roles. Ask your administrator for: "
                + " ".join(
                    f"CREATE ROLE {role}; GRANT {role} TO CURRENT_USER;"
                    for role in (PUBLIC, DESK, WORKER)
                )
                + " or set PICKETLINE_DATABASE_ROLES=false to do without them."
            ) from None
        raise


def _create(role: str) -> None:
    """Roles belong to the whole server: another database's set-up may be creating it right now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        if cursor.fetchone() is None:
            _run(
                "DO $$ BEGIN CREATE ROLE {role} NOLOGIN; "
                "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
                role,
            )
        cursor.execute(
            "SELECT rolsuper OR pg_has_role(current_user, %s, %s) FROM pg_roles "
            "WHERE rolname = current_user",
            [role, _membership()],
        )
        if cursor.fetchone() != (True,):
            _run("GRANT {role} TO CURRENT_USER", role)


def _membership() -> str:
    """What lets a login work under a role: since PostgreSQL 16 a creator is a member without it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int >= 160000")
        return "SET" if cursor.fetchone() == (True,) else "MEMBER"


def _grant_all() -> None:
    for role in (PUBLIC, DESK, WORKER):
        _run("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}", role)
        _run("GRANT USAGE ON SCHEMA public TO {role}", role)
    for table in (*_CONTENT, "campaigncount"):
        _grant("SELECT", "", table, PUBLIC)
    for table, rights in _PUBLIC_RIGHTS.items():
        for privilege, columns in rights:
            _grant(privilege, columns, table, PUBLIC)
    for role, tables in ((WORKER, _WORKER_WRITES), (DESK, _DESK_WRITES)):
        _run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}", role)
        for table in tables:
            _grant("INSERT, UPDATE, DELETE", "", table, role)
    _grant("UPDATE", "id", "campaign", WORKER)  # what SELECT … FOR UPDATE asks for, no more
    _grant("UPDATE", "suspect_since", "targetversion", WORKER)
    _grant("UPDATE", "incoming_id", "publishedreply", WORKER)  # a deleted message leaves it
    _grant("INSERT", "", "suppression", WORKER)
    _grant("UPDATE", "state, outcome, settled_at, recalled", "delivery", DESK)
    _grant("UPDATE", "publication", "incomingmessage", DESK)
    _run("GRANT USAGE ON SEQUENCE picketline_lease TO {role}", WORKER)


def _grant(privilege: str, columns: str, table: str, role: str) -> None:
    listed = f" ({columns})" if columns else ""
    _run(f"GRANT {privilege}{listed} ON picketline_{table} TO {{role}}", role)


def _run(statement: str, role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(statement).format(role=sql.Identifier(role)).as_string(cursor.cursor)
        )
