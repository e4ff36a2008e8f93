"""Databases and login roles that the hub needs beside its owner, made on the embedded server or on one's own.

Grants on tables are the migrations' business; here are only the logins, with generated passwords.
"""

from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from adapters.errors import Misconfigured
from adapters.services.secrets import SecretFolder

AIRFLOW_DATABASE = "airflow"


@dataclass(frozen=True)
class DatabaseUrls:
    """SQLAlchemy addresses with passwords, one per role."""

    owner: str
    app: str
    sequencer: str
    serving: str

    def as_environment(self) -> dict[str, str]:
        """The addresses as the hub's settings."""
        return {
            "SHUNIU_DATABASE_URL": self.owner,
            "SHUNIU_APP_DATABASE_URL": self.app,
            "SHUNIU_SEQUENCER_DATABASE_URL": self.sequencer,
            "SHUNIU_SERVING_URL": self.serving,
        }


def ensure_databases(owner_url: str, secrets: SecretFolder, given: dict[str, str]) -> DatabaseUrls:
    """Make the login roles of the hub and the serving database where they are missing.

    Args:
        owner_url: the owner's address; the owner needs CREATEROLE and CREATEDB unless all others are given.
        secrets: keeps the generated passwords.
        given: settings by name; an address set there is used as it is and nothing is made for it.

    Raises:
        Misconfigured: the server cannot be reached, or the owner lacks a right; the sentence says which.
    """
    owner = make_url(owner_url)
    name = owner.database or ""
    app = given.get("SHUNIU_APP_DATABASE_URL")
    sequencer = given.get("SHUNIU_SEQUENCER_DATABASE_URL")
    serving = given.get("SHUNIU_SERVING_URL")
    with connect(owner_url) as connection:
        if not (app and sequencer and serving):
            _close_to_public(connection, name)
        app = app or _ensure_user(connection, owner, f"{name}_app", secrets)
        sequencer = sequencer or _ensure_user(connection, owner, f"{name}_sequencer", secrets)
        serving = serving or _ensure_owned_database(connection, owner, f"{name}_serving", secrets)
    return DatabaseUrls(owner_url, app, sequencer, serving)


def ensure_airflow_database(owner_url: str, secrets: SecretFolder) -> str:
    """Make Airflow's own database and role on the same server; return its address.

    Raises:
        Misconfigured: as `ensure_databases`.
    """
    return ensure_further_database(owner_url, AIRFLOW_DATABASE, secrets)


def ensure_further_database(owner_url: str, purpose: str, secrets: SecretFolder) -> str:
    """Make a database on the same server, with a role of the same name that owns it; return its address.

    Args:
        owner_url: as for `ensure_databases`.
        purpose: what it is for; its name is the hub's database, ``_`` and this.
        secrets: keeps its password.

    Raises:
        Misconfigured: as `ensure_databases`.
    """
    owner = make_url(owner_url)
    with connect(owner_url) as connection:
        return _ensure_owned_database(connection, owner, f"{owner.database}_{purpose}", secrets)


def connect(url: str) -> psycopg.Connection:
    """Open an autocommitting connection to a SQLAlchemy-style address.

    Raises:
        Misconfigured: the server refuses or does not answer.
    """
    try:
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return psycopg.connect(plain, autocommit=True, connect_timeout=10)
    except (psycopg.OperationalError, ArgumentError) as error:
        raise Misconfigured(
            "services.database_unreachable",
            "PostgreSQL at SHUNIU_DATABASE_URL cannot be used: {reason}",
            reason=str(error).strip(),
        ) from error


def _ensure_login(connection: psycopg.Connection, owner: URL, role: str, secrets: SecretFolder) -> str:
    password = secrets.password(f"database-{role}")
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb: LiteralString = "ALTER" if exists else "CREATE"
    try:
        connection.execute(SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(Identifier(role), verifier))
    except psycopg.errors.InsufficientPrivilege as error:
        raise _lacking(role, owner, error) from error
    return _address(owner, role, password, owner.database or "")


def _ensure_user(connection: psycopg.Connection, owner: URL, role: str, secrets: SecretFolder) -> str:
    address = _ensure_login(connection, owner, role, secrets)
    connection.execute(
        SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(owner.database or ""), Identifier(role))
    )
    return address


def _ensure_owned_database(connection: psycopg.Connection, owner: URL, name: str, secrets: SecretFolder) -> str:
    _ensure_login(connection, owner, name, secrets)
    try:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(name)))
            connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(name), Identifier(name)))
        _close_to_public(connection, name)
    except psycopg.errors.InsufficientPrivilege as error:
        raise _lacking(name, owner, error) from error
    return _address(owner, name, secrets.password(f"database-{name}"), name)


def _close_to_public(connection: psycopg.Connection, name: str) -> None:
    connection.execute(SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(Identifier(name)))


def _address(owner: URL, role: str, password: str, database: str) -> str:
    return owner.set(username=role, password=password, database=database).render_as_string(hide_password=False)


def _lacking(role: str, owner: URL, error: psycopg.Error) -> Misconfigured:
    return Misconfigured(
        "services.database_rights",
        "The role {owner} may not make {role}: {reason}. Give it CREATEROLE and CREATEDB, or make the roles yourself "
        "and set SHUNIU_APP_DATABASE_URL, SHUNIU_SEQUENCER_DATABASE_URL and SHUNIU_SERVING_URL.",
        owner=owner.username,
        role=role,
        reason=str(error).strip(),
    )
