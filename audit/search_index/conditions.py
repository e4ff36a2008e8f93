"""Conditions of a search, as SQL over an entry's columns and as values that the searches' index knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, any_, literal, or_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from audit.search_index.terms import STEP_OF_CASE

Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]


@dataclass(frozen=True)
class Arm:
    """That a column has one of some values.

    Attributes:
        column, values: the column and the values.
        without: columns that must be empty besides.
    """

    column: str
    values: tuple[Any, ...]
    without: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """The field of the searches' index to look in."""
        return STEP_OF_CASE if self.column == "matter" and "resource_code" in self.without else self.column

    def holds(self, of: Columns) -> ColumnElement[bool]:
        """The test as SQL; many values are one parameter."""
        column = of[self.column]
        one = len(self.values) == 1
        has = column == (self.values[0] if one else any_(literal(list(self.values), ARRAY(String))))
        for empty in self.without:
            has &= of[empty] == ""
        return has


@dataclass(frozen=True)
class Condition:
    """That one of some arms holds."""

    arms: tuple[Arm, ...]

    def holds(self, of: Columns) -> ColumnElement[bool]:
        """The test as SQL."""
        return or_(*(arm.holds(of) for arm in self.arms))


def equal(column: str, value: object) -> Sequence[Condition]:
    """That a column has a value; nothing where there is no value."""
    return [Condition((Arm(column, (value,)),))] if value else []
