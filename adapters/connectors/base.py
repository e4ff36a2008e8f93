"""What every connector to an agency's source can do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import pyarrow as pa

from adapters.errors import Terminal, Transient

BATCH_BYTES = 8 * 1024 * 1024
"""About how much a connector reads at a time."""

Allowed = Callable[[str, int], bool]
"""Whether the hub may open a connection to a host and port."""


@dataclass(frozen=True)
class Partition:
    """A part of a source's rows; the parts of one plan hold every row once.

    Attributes:
        number: from 0.
        lower: rows from this value of the partition column on, as text; None for no bound.
        upper: rows below this value, and those without a value; None for no bound.
    """

    number: int = 0
    lower: str | None = None
    upper: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is kept in a work row."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Back from ``as_json``."""
        return cls(**body)


class Reading(Protocol):
    """A partition opened for reading, in one consistent view of the source."""

    @property
    def rows(self) -> int:
        """How many rows the source itself counts in the partition; known when ``batches`` is exhausted."""
        ...

    @property
    def misfits(self) -> Sequence[tuple[int, str]]:
        """Rows met so far that are no rows of the table: number in the partition (-1: not known) and raw text."""
        ...

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, in bounded memory; columns are named by field name."""
        ...


class Connector(Protocol):
    """A source that can be counted, divided and read."""

    def count(self) -> int:
        """How many rows the source holds now.

        Raises:
            Transient: it cannot be reached.
            Terminal: it is not what its configuration says.
        """
        ...

    def partitions(self, at_most: int) -> list[Partition]:
        """Divide the rows into parts of about equal size, at least one; one where the source cannot be divided."""
        ...

    def mark(self) -> str:
        """What is the same again only if not one row was added, changed or removed in between.

        Parts are read one by one, each at its own moment; two marks tell whether these were one. A source that has no
        such mark gives one partition alone, and "" here.
        """
        ...

    def read(self, partition: Partition, fields: Sequence[str]) -> AbstractContextManager[Reading]:
        """Open a partition and read the columns of these fields.

        Raises:
            Transient: the source cannot be reached, or broke off.
            Terminal: it lacks a column, or its content cannot be read.
        """
        ...


def source_columns(columns: Mapping[str, str], fields: Sequence[str]) -> list[str]:
    """The source's names of fields; a field that is not mapped has its own name."""
    return [columns.get(name, name) for name in fields]


def lacks_columns(names: Sequence[str]) -> Terminal:
    """The error for a source without needed columns."""
    return Terminal(
        "source.missing_columns",
        "The source has no column {columns}. Correct the mapping of the source, or the source.",
        columns=", ".join(names),
    )


def unreachable(reason: str) -> Transient:
    """The error for a source that does not answer."""
    return Transient("source.unreachable", "The source could not be read ({reason}).", reason=reason)
