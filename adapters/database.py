"""The hub's own PostgreSQL: declarative base, named constraints, engines and sessions."""

import select
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Annotated, Any

import psycopg
from sqlalchemy import BigInteger, DateTime, Engine, LargeBinary, MetaData, String, Text, Uuid, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Identity = Annotated[uuid.UUID, mapped_column(Uuid, primary_key=True, default=uuid.uuid4)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Code = Annotated[str, mapped_column(String(64))]
Line = Annotated[str, mapped_column(String(300))]
Prose = Annotated[str, mapped_column(Text)]
Octets = Annotated[bytes, mapped_column(LargeBinary)]
Count = Annotated[int, mapped_column(BigInteger)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
JsonList = Annotated[list[Any], mapped_column(JSONB)]


class Base(DeclarativeBase):
    """Declarative base of every table of the hub's own database."""

    metadata = MetaData(naming_convention=NAMING)


def one_of(column: str, words: type[StrEnum]) -> str:
    """SQL text for a CHECK constraint that a column holds one of an enumeration's words."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return f"{column} IN ({listed})"


_MOST_ENGINES = 16
_engines: dict[tuple[str, bool], Engine] = {}
"""By URL, and whether each statement is a transaction of its own."""
_making = Lock()
_LAY_IN_POOL = "lay in the pool"


def engine(url: str) -> Engine:
    """The process's engine for a database URL; statements are limited to 60 s.

    A process that asks for many databases keeps sixteen; the oldest one's connections are closed for a new one.
    """
    return _kept(url, single=False)


def single_statements(url: str) -> Engine:
    """An engine whose statements are each a transaction of their own; ``together`` makes one of several.

    It has connections of its own, because switching one between the two ways takes as long as a statement.
    """
    return _kept(url, single=True)


def _kept(url: str, *, single: bool) -> Engine:
    known = _engines.get((url, single))
    if known is not None:
        return known
    with _making:
        if (url, single) not in _engines:
            while len(_engines) >= _MOST_ENGINES:
                _engines.pop(next(iter(_engines))).dispose()
            _engines[url, single] = _made(url, single)
        return _engines[url, single]


def _made(url: str, single: bool) -> Engine:
    made = create_engine(
        url,
        isolation_level="AUTOCOMMIT" if single else None,
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=False,
        pool_recycle=600,
        hide_parameters=True,  # the values of a statement are personal data at times
        connect_args={"options": "-c statement_timeout=60000 -c timezone=UTC", "connect_timeout": 10},
    )
    event.listen(made, "checkout", _replace_when_cut)
    return made


def _replace_when_cut(connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _: object) -> None:
    """Take another connection when the server has ended this one while it lay in the pool.

    A server that stops or is killed leaves something to read on each connection, if only its end; one system call
    sees that, where ``pool_pre_ping`` would ask the server with every request. A new connection is not looked at:
    its handshake may have left something there.
    """
    if not record.info.get(_LAY_IN_POOL):
        record.info[_LAY_IN_POOL] = True
        return
    watched = select.poll()
    if not connection.closed:
        watched.register(connection.fileno(), select.POLLIN)
    if connection.closed or watched.poll(0):
        raise DisconnectionError("The server ended this connection.")


@contextmanager
def together(session: Session) -> Iterator[None]:
    """One transaction for the block where each statement would be its own; elsewhere a savepoint.

    Raises:
        DBAPIError: the transaction cannot be begun or ended, as the session would raise it.
    """
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    try:
        with connection.transaction():
            yield
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error


@contextmanager
def transaction(url: str) -> Iterator[Session]:
    """A session that commits when its block ends well and rolls back when it raises."""
    with Session(engine(url)) as session, session.begin():
        yield session
