"""An agency's PostgreSQL table, read through ADBC: COPY in binary, straight into Arrow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from adapters.connectors.base import BATCH_BYTES, Allowed, Partition, lacks_columns, source_columns, unreachable
from adapters.errors import NotAllowed, Terminal

CONNECT_SECONDS = 10
NATIVE = frozenset(
    {
        "bool", "bpchar", "bytea", "char", "date", "float4", "float8", "int2", "int4", "int8", "name", "numeric",
        "text", "timestamp", "timestamptz", "varchar",
    }
)  # fmt: skip
"""Types that ADBC reads as what they are; all others are asked for as text."""

DIVISIBLE = ("r", "p", "m")
"""Kinds of relations whose rows have versions, which ``mark`` needs: tables, also divided ones, and kept views."""

_KIND = "SELECT relkind::text FROM pg_class WHERE oid = to_regclass({})"
_MARK = "SELECT count(*) || '/' || coalesce(sum(hashtext(concat(tableoid, ctid, xmin))), 0) FROM {}"
_COLUMNS = """
    SELECT attribute.attname, type.typname
    FROM pg_attribute AS attribute JOIN pg_type AS type ON type.oid = attribute.atttypid
    WHERE attribute.attrelid = to_regclass({}) AND attribute.attnum > 0 AND NOT attribute.attisdropped
"""


@dataclass
class PostgresqlReading:
    """A partition within a read-only transaction that sees one state of the source."""

    misfits: Sequence[tuple[int, str]]
    _cursor: Any
    _query: str
    _names: list[str]
    _count: Callable[[], int]
    rows: int = -1

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows as they come; ADBC holds one batch at a time. The source counts them afterwards, in the same
        transaction, while the last batches are still being worked on."""
        with _told():
            self._cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)})
            self._cursor.execute(self._query)
            for batch in self._cursor.fetch_record_batch():
                yield batch.rename_columns(self._names)
            self.rows = self._count()


class PostgresqlConnector:
    """One table or view.

    Args:
        config: ``{host, port, database, schema, table, columns: {field_name: column}, partition_column?}``.
        secrets: ``{user, password}``.
        allowed: asked before every connection.
    """

    def __init__(self, config: Mapping[str, Any], secrets: Mapping[str, str], allowed: Allowed) -> None:
        self._host, self._port = str(config["host"]), int(config["port"])
        self._allowed = allowed
        self._table = (str(config["schema"]), str(config["table"]))
        self._columns: Mapping[str, str] = config.get("columns") or {}
        self._partition_column: str | None = config.get("partition_column")
        self._address = make_conninfo(
            host=self._host,
            port=self._port,
            dbname=str(config["database"]),
            user=secrets["user"],
            password=secrets["password"],
            connect_timeout=CONNECT_SECONDS,
            application_name="shuniu",
        )

    def count(self) -> int:
        """Rows that the table holds now."""
        with self._transaction() as cursor:
            return self._count(cursor, Partition())

    def partitions(self, at_most: int) -> list[Partition]:
        """Ranges of the partition column with about as many rows each; the whole when there is no such column, or when
        the rows of what is read have no versions, so that parts could not be told to be of one moment."""
        if at_most <= 1 or not self._partition_column:
            return [Partition()]
        column = Identifier(self._partition_column)
        shares = SQL(", ").join(Literal(number / at_most) for number in range(1, at_most))
        query = SQL(
            "SELECT DISTINCT bound::text, bound FROM unnest((SELECT percentile_disc(ARRAY[{}]::float8[])"
            " WITHIN GROUP (ORDER BY {}) FROM {})) AS bound WHERE bound IS NOT NULL ORDER BY bound"
        ).format(shares, column, Identifier(*self._table))
        with self._transaction() as cursor:
            kind = _rows(cursor, SQL(_KIND).format(self._regclass()))
            if not kind or kind[0][0] not in DIVISIBLE:
                return [Partition()]
            bounds: list[str | None] = [row[0] for row in _rows(cursor, query)]
        edges = [None, *bounds, None]
        return [Partition(number, edges[number], edges[number + 1]) for number in range(len(edges) - 1)]

    def mark(self) -> str:
        """A sum over the versions of all rows: a changed row has a new one, and none comes back."""
        with self._transaction() as cursor:
            return str(_rows(cursor, SQL(_MARK).format(Identifier(*self._table)))[0][0])

    @contextmanager
    def read(self, partition: Partition, fields: Sequence[str]) -> Iterator[PostgresqlReading]:
        """Read and count a partition in one REPEATABLE READ transaction, so that both see the same rows."""
        names = source_columns(self._columns, fields)
        with self._transaction() as cursor:
            selected = self._selected(cursor, names)
            query = SQL("SELECT {} FROM {}{}").format(
                SQL(", ").join(selected), Identifier(*self._table), self._within(partition)
            )
            count = partial(self._count, cursor, partition)
            yield PostgresqlReading([], cursor, query.as_string(None), list(fields), count)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        if not self._allowed(self._host, self._port):
            raise NotAllowed(
                "source.address_not_allowed",
                "The address {host}:{port} is not registered for this agency. Ask the system administrator to add it.",
                host=self._host,
                port=self._port,
            )
        with _told(), adbc.connect(self._address) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield cursor
            connection.rollback()

    def _selected(self, cursor: Any, names: Sequence[str]) -> list[Composable]:
        types = {name: kind for name, kind in _rows(cursor, SQL(_COLUMNS).format(self._regclass()))}
        if not types:
            raise _no_table()
        if missing := [name for name in names if name not in types]:
            raise lacks_columns(missing)
        return [
            Identifier(name) if types[name] in NATIVE else SQL("{}::text").format(Identifier(name)) for name in names
        ]

    def _regclass(self) -> Literal:
        return Literal(SQL(".").join(map(Identifier, self._table)).as_string(None))

    def _count(self, cursor: Any, partition: Partition) -> int:
        query = SQL("SELECT count(*) FROM {}{}").format(Identifier(*self._table), self._within(partition))
        return int(_rows(cursor, query)[0][0])

    def _within(self, partition: Partition) -> Composed:
        if self._partition_column is None:
            return SQL("").format()
        column, terms = Identifier(self._partition_column), []
        if partition.lower is not None:
            terms.append(SQL("{} >= {}").format(column, Literal(partition.lower)))
        if partition.upper is not None:
            terms.append(SQL("{} < {}").format(column, Literal(partition.upper)))
        if partition.lower is None and partition.upper is not None:
            return SQL(" WHERE ({} OR {} IS NULL)").format(SQL(" AND ").join(terms), column)
        return SQL(" WHERE {}").format(SQL(" AND ").join(terms)) if terms else SQL("").format()


def _rows(cursor: Any, query: Composable) -> list[tuple[Any, ...]]:
    cursor.execute(query.as_string(None))
    return list(cursor.fetchall())


@contextmanager
def _told() -> Iterator[None]:
    """Turn the driver's errors into ours: what the source says of its content is final, all else may pass."""
    try:
        yield
    except adbc.Error as error:
        reason = str(error).splitlines()[0][:300]
        state = getattr(error, "sqlstate", None) or ""
        if state == "42P01":
            raise _no_table() from error
        if state[:2] in {"22", "28", "3D", "42"}:
            raise Terminal("source.refused", "The source refuses to be read: {reason}", reason=reason) from error
        raise unreachable(reason) from error


def _no_table() -> Terminal:
    return Terminal(
        "source.no_table", "The source's table is not there, or the login may not see it. Correct the source."
    )
