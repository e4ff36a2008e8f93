"""The serving database: one table per dataset version, for look-ups by key and for browsing.

It is a database of its own and never joined with the hub's tables. A table is made whole in one transaction and then
only read; each row carries its number in load order, ``_row``.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any, LiteralString

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy.engine import make_url

from adapters.errors import InvalidInput, NotFound, Transient
from adapters.settings import Settings

ROW = "_row"
POOL_SIZE = 8
POOL_WAIT_SECONDS = 10.0
STATEMENT_MILLISECONDS = 15_000
LOOK_UP_INDEX = "look_up"
TABLE_PREFIX = "dataset_"
_opening = Lock()


def table_name(dataset_version_id: uuid.UUID) -> str:
    """The serving table of a dataset version."""
    return f"{TABLE_PREFIX}{dataset_version_id.hex}"


class Serving:
    """The serving database.

    Args:
        url: its address, as SQLAlchemy or libpq write it.
    """

    def __init__(self, url: str) -> None:
        self._url = plain_url(url)

    @classmethod
    def of(cls, settings: Settings) -> "Serving":
        """The one that the settings name.

        Raises:
            Misconfigured: none is named.
        """
        settings.require("serving_url")
        return cls(settings.serving_url)

    def look_up(
        self,
        table: str,
        columns: Sequence[str],
        key: Mapping[str, str],
        condition: Mapping[str, Any],
        limit: int,
    ) -> list[dict[str, Any]]:
        """Rows whose key columns equal the given values: one prepared statement, one round trip.

        Args:
            table: serving table.
            columns: what to read, in this order.
            key: column to value, as text; the column's type reads it.
            condition: as in ``adapters.lake.Lake.scan``.
            limit: most rows.

        Raises:
            InvalidInput: a value that its column cannot be.
            NotFound: there is no such table (any more).
            Transient: the database does not answer.
        """
        matches, values = _condition(condition)
        query = _look_up_query(table, tuple(columns), tuple(key), matches)
        rows = self._rows(table, query, [*key.values(), *values, limit])
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def browse(
        self, table: str, columns: Sequence[str], condition: Mapping[str, Any], limit: int, after: int | None
    ) -> list[tuple[int, dict[str, Any]]]:
        """A page of rows in load order.

        Args:
            table: serving table.
            columns: what to read, in this order.
            condition: as in ``adapters.lake.Lake.scan``.
            limit: most rows.
            after: number of the last row already seen; None for the first page.

        Returns:
            number and content of each row.

        Raises:
            As ``look_up``.
        """
        matches, values = _condition(condition)
        query = _browse_query(table, tuple(columns), matches)
        rows = self._rows(table, query, [-1 if after is None else after, *values, limit])
        return [(row[0], dict(zip(columns, row[1:], strict=True))) for row in rows]

    def _rows(self, table: str, query: bytes, values: list[Any]) -> list[tuple[Any, ...]]:
        """Run a prepared statement; once more on a new connection when the pool's had been cut."""
        with _told(table):
            for last in (False, True):
                with _pool(self._url).connection() as connection:
                    try:
                        return connection.execute(query, values, prepare=True).fetchall()
                    except psycopg.OperationalError:
                        if last or not connection.broken:
                            raise
                _pool(self._url).check()
        raise Transient("serving.failed", "The serving database did not answer. Try again.")

    def load(self, table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch], key_columns: Sequence[str]) -> int:
        """Make a table of these rows in one transaction; a table that stands already is left as it is.

        Args:
            table: its name.
            schema: of the batches.
            batches: rows in load order, read once.
            key_columns: what look-ups go by; an index is made over them.

        Returns:
            how many rows the table holds.

        Raises:
            Transient: the database does not answer, or breaks off; no table stands then.
        """
        with _told(table), adbc.connect(self._url) as connection, connection.cursor() as cursor:
            cursor.execute(_text(SQL("SELECT pg_advisory_xact_lock(hashtextextended({}, 0))").format(Literal(table))))
            cursor.fetchall()
            cursor.execute(_text(SQL("SELECT to_regclass({})::text").format(Literal(f'"{table}"'))))
            if cursor.fetchall()[0][0] is None:
                cursor.execute(_text(_create(table, schema)))
                numbered = pa.RecordBatchReader.from_batches(_numbered_schema(schema), _numbered(schema, batches))
                cursor.adbc_ingest(table, numbered, mode="append")
                for statement in _finish(table, key_columns):
                    cursor.execute(_text(statement))
            cursor.execute(_text(SQL("SELECT count(*) FROM {}").format(Identifier(table))))
            rows = int(cursor.fetchall()[0][0])
            connection.commit()
        return rows

    def drop(self, table: str) -> None:
        """Drop a table; one that is not there is no error."""
        with _told(table), _pool(self._url).connection() as connection:
            connection.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(table)))

    def tables(self) -> list[str]:
        """Names of all serving tables."""
        query: LiteralString = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        with _told(""), _pool(self._url).connection() as connection:
            return [name for (name,) in connection.execute(query)]


@lru_cache(maxsize=16)
def plain_url(url: str) -> str:
    """A database address as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _pool(url: str) -> ConnectionPool[psycopg.Connection[Any]]:
    """The process's pool for this database; callers that come at once at first get the same one."""
    with _opening:
        return _opened(url)


@lru_cache(maxsize=4)
def _opened(url: str) -> ConnectionPool[psycopg.Connection[Any]]:
    return ConnectionPool(
        url,
        min_size=1,
        max_size=POOL_SIZE,
        timeout=POOL_WAIT_SECONDS,
        max_idle=300,
        kwargs={"autocommit": True, "options": f"-c statement_timeout={STATEMENT_MILLISECONDS} -c timezone=UTC"},
        open=True,
    )


def _condition(condition: Mapping[str, Any]) -> tuple[tuple[str, str, int] | None, list[str]]:
    """A row condition as what shapes the statement (field, operator, how many values) and the values to bind."""
    if not condition:
        return None, []
    operator, values = condition["operator"], [str(value) for value in condition["values"]]
    if operator == "PREFIX":
        values = [_escaped(value) + "%" for value in values]
    return (condition["field"], operator, len(values)), values


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


@lru_cache(maxsize=512)
def _look_up_query(
    table: str, columns: tuple[str, ...], key: tuple[str, ...], matches: tuple[str, str, int] | None
) -> bytes:
    where: list[Composable] = [SQL("{} = %s").format(Identifier(name)) for name in key]
    query = SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT %s").format(
        SQL(", ").join(map(Identifier, columns)),
        Identifier(table),
        SQL(" AND ").join([*where, *_match(matches)]),
        Identifier(ROW),
    )
    return query.as_bytes(None)


@lru_cache(maxsize=512)
def _browse_query(table: str, columns: tuple[str, ...], matches: tuple[str, str, int] | None) -> bytes:
    query = SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT %s").format(
        SQL(", ").join(map(Identifier, (ROW, *columns))),
        Identifier(table),
        SQL(" AND ").join([SQL("{} > %s").format(Identifier(ROW)), *_match(matches)]),
        Identifier(ROW),
    )
    return query.as_bytes(None)


def _match(matches: tuple[str, str, int] | None) -> list[Composable]:
    if matches is None:
        return []
    field, operator, count = matches
    places = SQL(", ").join([SQL("%s")] * count)
    if operator == "PREFIX":
        return [SQL("{}::text LIKE ANY(ARRAY[{}])").format(Identifier(field), places)]
    return [SQL("{} IN ({})").format(Identifier(field), places)]


def _create(table: str, schema: pa.Schema) -> Composed:
    columns = [SQL("{} {}").format(Identifier(field.name), SQL(_sql_type(field.type))) for field in schema]
    return SQL("CREATE TABLE {} ({} bigint NOT NULL, {})").format(
        Identifier(table), Identifier(ROW), SQL(", ").join(columns)
    )


def _finish(table: str, key_columns: Sequence[str]) -> Iterator[Composed]:
    yield SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(Identifier(table), Identifier(ROW))
    if key_columns:
        yield SQL("CREATE INDEX {} ON {} ({})").format(
            Identifier(f"{table}_{LOOK_UP_INDEX}"), Identifier(table), SQL(", ").join(map(Identifier, key_columns))
        )
    yield SQL("ANALYZE {}").format(Identifier(table))


def _sql_type(kind: pa.DataType) -> LiteralString:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "bigint"
    if pa.types.is_floating(kind):
        return "double precision"
    if pa.types.is_decimal(kind):
        return "numeric"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_timestamp(kind):
        return "timestamptz"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "bytea"
    return "text"


def _numbered_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(ROW, pa.int64()), *(pa.field(f.name, _ingested(f.type)) for f in schema)])


def _ingested(kind: pa.DataType) -> pa.DataType:
    """The Arrow type whose binary COPY format is that of the column: an int64 for ``bigint`` whatever the width."""
    if pa.types.is_integer(kind):
        return pa.int64()
    return pa.float64() if pa.types.is_floating(kind) else kind


def _numbered(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    target, first = _numbered_schema(schema), 0
    for batch in batches:
        numbers = pa.arange(first, first + batch.num_rows)
        columns = [column.cast(field.type) for column, field in zip(batch.columns, list(target)[1:], strict=True)]
        yield pa.RecordBatch.from_arrays([numbers, *columns], schema=target)
        first += batch.num_rows


def _text(query: Composable) -> str:
    return query.as_string(None)


@contextmanager
def _told(table: str) -> Iterator[None]:
    """Turn the drivers' errors into ours."""
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise NotFound("serving.no_table", "The data {table} is not served any more.", table=table) from error
    except (psycopg.DataError, UnicodeError) as error:
        raise InvalidInput(
            "serving.bad_value", "A value is not of its item's type. Check the values you look up."
        ) from error
    except (psycopg.Error, PoolTimeout, adbc.Error) as error:
        raise Transient(
            "serving.failed",
            "The serving database did not answer ({reason}). Try again.",
            reason=type(error).__name__,
        ) from error
