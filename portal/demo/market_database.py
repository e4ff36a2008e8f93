"""The market regulator's own database: made, filled and counted, with the hub's tables nowhere in it."""

from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import URL, make_url

from adapters.services.databases import ensure_further_database
from adapters.services.secrets import SecretFolder
from portal.demo.made_data import COLUMNS, Register

PURPOSE = "agency_market"
SCHEMA = "register"
TABLE = "legal_entity"
_TABLE = Identifier(SCHEMA, TABLE)
_MADE = Identifier(SCHEMA, "made")


@dataclass(frozen=True)
class MarketDatabase:
    """A PostgreSQL database as an agency would have one.

    Args:
        url: its address, with the login that owns it.
    """

    url: URL

    @classmethod
    def ensure(cls, owner_url: str, secrets: SecretFolder, register: Register) -> "MarketDatabase":
        """Make the database on the hub's server and fill it with a register; what stands already is kept.

        Args:
            owner_url: address of the owner of the hub's database.
            secrets: keeps the agency's password.
            register: the rows.

        Raises:
            Misconfigured: the owner may not make databases.
        """
        made = cls(make_url(ensure_further_database(owner_url, PURPOSE, secrets)))
        with made._connect() as connection:
            if not made._holds(connection, register):
                _fill(connection, register)
        return made

    @property
    def source(self) -> dict[str, object]:
        """Where the table is, without login: host, port, database, schema, table."""
        return {
            "host": self.address[0],
            "port": self.address[1],
            "database": self.url.database,
            "schema": SCHEMA,
            "table": TABLE,
        }

    @property
    def plain_url(self) -> str:
        """The address as PostgreSQL's own programs and drivers read it, with the password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server."""
        return self.url.host or "", self.url.port or 5432

    @property
    def login(self) -> dict[str, str]:
        """User and password of the agency's own login."""
        return {"user": self.url.username or "", "password": self.url.password or ""}

    def count(self) -> int:
        """How many rows the table holds now."""
        with self._connect() as connection:
            found = connection.execute(SQL("SELECT count(*) FROM {}").format(_TABLE)).fetchone()
        assert found
        return int(found[0])

    def row(self, code: str) -> dict[str, object]:
        """The row with a credit code, as the agency has it.

        Raises:
            KeyError: there is none.
        """
        columns = SQL(", ").join(map(Identifier, COLUMNS))
        query = SQL("SELECT {} FROM {} WHERE credit_code = %s").format(columns, _TABLE)
        with self._connect() as connection:
            found = connection.execute(query, [code]).fetchone()
        if found is None:
            raise KeyError(code)
        return dict(zip(COLUMNS, found, strict=True))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.plain_url, connect_timeout=10)

    def _holds(self, connection: psycopg.Connection, register: Register) -> bool:
        if connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.made"]).fetchone() == (None,):
            return False
        held = connection.execute(SQL("SELECT rows, seed FROM {}").format(_MADE)).fetchone()
        return held == (register.rows, register.seed)


def _fill(connection: psycopg.Connection, register: Register) -> None:
    """Make the table and copy the rows into it, in one transaction together with the note of what they are."""
    connection.execute(SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(Identifier(SCHEMA)))
    connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(SCHEMA)))
    kinds = {name: SQL("bigint") if name == "registered_capital" else SQL("text") for name in COLUMNS}
    columns = SQL(", ").join(SQL("{} {}").format(Identifier(name), kind) for name, kind in kinds.items())
    connection.execute(SQL("CREATE TABLE {} ({})").format(_TABLE, columns))
    with connection.cursor() as cursor, cursor.copy(SQL("COPY {} FROM STDIN").format(_TABLE)) as copy:
        for row in register:
            copy.write_row(row)
    connection.execute(SQL("CREATE INDEX ON {} (credit_code)").format(_TABLE))
    connection.execute(SQL("CREATE TABLE {} (rows bigint, seed bigint)").format(_MADE))
    connection.execute(SQL("INSERT INTO {} VALUES (%s, %s)").format(_MADE), [register.rows, register.seed])
