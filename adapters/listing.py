"""Lists that readers narrow, order, page and count: what they may see is said once, and all of it follows from that."""

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func
from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from adapters.paging import USUAL_PAGE, Column, Page, page_of

T = TypeVar("T")
Chosen = Mapping[str, Collection[str]]
"""Facet → values that the reader chose; any of them fits."""
MOST_CHOSEN = 20


@dataclass(frozen=True)
class Heap(Generic[T]):
    """The first few of what waits, most urgent first, and how many wait in all."""

    items: Sequence[T]
    total: int


@dataclass(frozen=True)
class Order:
    """Columns that order a list and together tell any two rows apart; none may be NULL."""

    columns: Sequence[Column]
    descending: bool = False


@dataclass(frozen=True)
class Counted:
    """How many rows the reader may see, by every combination of facet values that occurs."""

    fields: tuple[str, ...]
    groups: Sequence[tuple[tuple[str, ...], int]]

    def by(self, field: str, chosen: Chosen) -> dict[str, int]:
        """Rows by each value of a facet, as far as the choices in the other facets let them be."""
        others = {name: values for name, values in chosen.items() if name != field}
        found: Counter[str] = Counter()
        for values, count in self.groups:
            found[values[self.fields.index(field)]] += count if self._fits(values, others) else 0
        return {value: count for value, count in found.items() if value}

    def total(self, chosen: Chosen) -> int:
        """Rows that fit all choices."""
        return sum(count for values, count in self.groups if self._fits(values, chosen))

    def _fits(self, values: tuple[str, ...], chosen: Chosen) -> bool:
        return all(
            not chosen.get(name) or value in chosen[name] for name, value in zip(self.fields, values, strict=True)
        )


@dataclass(frozen=True)
class Listing(Generic[T]):
    """One list as one reader may see it.

    Attributes:
        visible: selects the entity under the condition of what the reader may see; no order, no options.
        facets: name → column that the list can be narrowed by.
        orders: name → order; the first is the usual one.
        options: what is loaded with each row of a page.
    """

    visible: Select[T]
    facets: Mapping[str, Column]
    orders: Mapping[str, Order]
    options: Sequence[ORMOption] = ()

    def page(
        self,
        session: Session,
        chosen: Chosen | None = None,
        *,
        order: str = "",
        cursor: str | None = None,
        limit: int = USUAL_PAGE,
    ) -> Page[T]:
        """One page of the rows that fit the choices.

        Args:
            chosen: see ``known``; None for all rows.
            order: a name of ``orders``; anything else gives the usual one.

        Raises:
            UnknownPlace: the cursor is not one of this list's in this order.
        """
        statement = self.visible
        for name, values in (chosen or {}).items():
            column = self.facets[name]
            statement = statement.where(column.in_([_value(column, text) for text in values])) if values else statement
        wanted = self.orders.get(order) or next(iter(self.orders.values()))
        return page_of(
            session,
            statement.options(*self.options),
            wanted.columns,
            cursor=cursor,
            limit=limit,
            descending=wanted.descending,
        )

    def counted(self, session: Session) -> Counted:
        """The rows counted by their facets, in one query under the same condition as the list itself."""
        columns = list(self.facets.values())
        grouped = self.visible.with_only_columns(*columns, func.count(), maintain_column_froms=True)
        rows = session.execute(grouped.group_by(*columns))
        texts = [(tuple("" if value is None else str(value) for value in row[:-1]), row[-1]) for row in rows]
        return Counted(tuple(self.facets), texts)

    def known(self, sent: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Of what a reader sent, the values that a facet's column can hold at all, at most 20 of each."""
        return {
            name: [text for text in sent.get(name, ()) if _value(column, text) is not None][:MOST_CHOSEN]
            for name, column in self.facets.items()
        }


def _value(column: Column, text: str) -> Any:
    if column.type.python_type is uuid.UUID:
        try:
            return uuid.UUID(text)
        except ValueError:
            return None
    return text or None
