"""Statements of the busiest paths: put together once, prepared on the server, run on a session's own connection.

They skip what SQLAlchemy does anew for every execution. Transactions, connections and their errors stay the session's.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
from psycopg import RawCursor
from psycopg.rows import namedtuple_row
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

_DRIVER = "driver connection"
_PLACE = re.compile(r"%(?:%|\((\w+)\)s)")
"""A place, or a per cent sign as both SQLAlchemy and psycopg write it."""
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # it has no types


@dataclass(frozen=True)
class Condition:
    """SQL that must be true for another statement to write anything, with the values of its places ``%(name)s``."""

    sql: str
    values: Mapping[str, Any]


def all_of(*conditions: Condition) -> Condition:
    """The condition that all of these hold.

    Raises:
        ValueError: a place of one is a place of another too, and one value would stand for both.
    """
    return Condition(" AND ".join(one.sql for one in conditions), apart(*(one.values for one in conditions)))


def apart(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a statement's parts together.

    Raises:
        ValueError: two parts have a place of the same name.
    """
    every = {name: value for part in parts for name, value in part.items()}
    if len(every) != sum(map(len, parts)):
        twice = sorted(name for name in every if sum(name in part for part in parts) > 1)
        raise ValueError(f"Places of the same name in parts of one statement: {', '.join(twice)}.")
    return every


class Prepared:
    """One statement.

    Args:
        statement: a query whose open places are ``bindparam``s, or SQL text with ``%(name)s`` for them.
        binary: its rows come in PostgreSQL's own format, which is half as long for long binary values.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]] | str, *, binary: bool = False) -> None:
        self._statement = statement
        self._binary = binary

    def rows(self, session: Session, **values: Any) -> list[Any]:
        """Run a query in the session's transaction; rows with the columns' names as attributes, as psycopg reads them.

        Raises:
            DBAPIError: as the session itself raises it.
        """
        return self._run(session, values).fetchall()

    def run(self, session: Session, **values: Any) -> int:
        """Run a statement that gives no rows in the session's transaction.

        Returns:
            how many rows it wrote.

        Raises:
            DBAPIError: as the session itself raises it.
        """
        return self._run(session, values).rowcount

    def _run(self, session: Session, values: dict[str, Any]) -> RawCursor[Any]:
        if session.autoflush:
            session.flush()
        connection = _driver_connection(session)
        _, fixed = self._text
        text, places = self._numbered
        given = {**fixed, **values}
        try:
            cursor = RawCursor(connection, row_factory=namedtuple_row)
            return cursor.execute(text, [given[place] for place in places], prepare=True, binary=self._binary)
        except psycopg.Error as error:
            if connection.closed:
                session.invalidate()
            raised = DBAPIError.instance(text.decode(), None, error, psycopg.Error, hide_parameters=True)
            raise raised from error

    def inside(self, sql: str, **values: Any) -> Condition:
        """A condition around this query: ``sql`` has ``{}`` where the query goes."""
        text, fixed = self._text
        return Condition(sql.format(text), apart(fixed, values))

    @cached_property
    def _text(self) -> tuple[str, dict[str, Any]]:
        """The SQL with ``%(name)s`` for its places, and the values that never change."""
        if isinstance(self._statement, str):
            return self._statement, {}
        made = self._statement.compile(dialect=_DIALECT)
        return str(made), {name: value for name, value in made.params.items() if value is not None}

    @cached_property
    def _numbered(self) -> tuple[bytes, tuple[str, ...]]:
        """The SQL with ``$1`` for its places, and their names in order.

        PostgreSQL reads it as it is; psycopg would put the numbers in for every execution of a statement this long.
        """
        text, _ = self._text
        places = tuple(dict.fromkeys(name for name in _PLACE.findall(text) if name))
        numbers = {place: f"${number}" for number, place in enumerate(places, start=1)}
        return _PLACE.sub(lambda found: numbers[found[1]] if found[1] else "%", text).encode(), places


def _driver_connection(session: Session) -> psycopg.Connection[Any]:
    """The connection of the session's transaction, looked up once for it: the session's own way takes long."""
    known = session.info.get(_DRIVER)
    if known is not None and known[0] is session.get_transaction():
        connection: psycopg.Connection[Any] = known[1]
        return connection
    found = session.connection().connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    session.info[_DRIVER] = session.get_transaction(), found
    return found


def insertion(table: str, columns: Iterable[str], prefix: str = "", *, given: str = "") -> str:
    """SQL that inserts one row, with a place ``%(prefix + column)s`` for every column.

    Args:
        given: name of a subquery of the same statement: the row is inserted for each row that it gives.
    """
    names = tuple(columns)
    places = ", ".join(f"%({prefix}{name})s" for name in names)
    values = f"SELECT {places} FROM {given}" if given else f"VALUES ({places})"  # noqa: S608  # names of our own
    return f"INSERT INTO {table} ({', '.join(names)}) {values}"  # noqa: S608  # names from the tables' models
