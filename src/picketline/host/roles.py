"""The database and the login roles in a cluster: an owner, and one role per kind of process."""

from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from picketline.host.passwords import (
    ROLES,
    SUPERUSER,
    keep_password,
    new_password,
    password_file,
    read_password,
)
from picketline.host.sockets import PORT

DATABASE = "picketline"
APPLICATION = ("public", "desk", "worker")


def give_roles(data: Path, sockets: Path) -> None:
    """See that the database and every role exist; a role without password file gets a new one."""
    with psycopg.connect(
        host=str(sockets),
        port=PORT,
        user=ROLES[SUPERUSER],
        password=read_password(data, SUPERUSER),
        dbname="postgres",
        autocommit=True,
    ) as connection:
        create_what_is_missing(connection)
        # The owner's file comes last: it says that there is a database to be missed.
        for process in (*APPLICATION, "owner"):
            if not password_file(data, process).exists():
                renew_password(connection, data, process)


def create_what_is_missing(connection: "psycopg.Connection[TupleRow]") -> None:
    """Create the roles and the database that a start cut short did not get to."""
    owner = ROLES["owner"]
    roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    if owner not in roles:
        run(connection, "CREATE ROLE {} LOGIN CREATEDB CREATEROLE", owner)
    for process in APPLICATION:
        if ROLES[process] not in roles:
            run(connection, "CREATE ROLE {} LOGIN", ROLES[process])
        # so that the owner can SET ROLE, and see with its own eyes what was granted
        run(connection, "GRANT {} TO {}", ROLES[process], owner)
    found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
    if not found.rowcount:
        run(connection, "CREATE DATABASE {} OWNER {} TEMPLATE template0", DATABASE, owner)


def run(connection: "psycopg.Connection[TupleRow]", statement: LiteralString, *names: str) -> None:
    """Execute a statement with these identifiers."""
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def renew_password(connection: "psycopg.Connection[TupleRow]", data: Path, process: str) -> None:
    """Give a role a new password; the server sees only its scram verifier."""
    password = new_password()
    role = ROLES[process]
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
    )
    keep_password(data, process, password)
